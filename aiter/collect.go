package aiter

import "iter"

// Collect returns the items of a sequence as a slice. If an error ends the sequence, it is returned
// with the items before it. Python: [v async for v in src].
//
// Cancellation: ends the sequence, as in a loop.
func Collect[T any](src iter.Seq2[T, error]) ([]T, error) {
	var out []T
	err := ForEach(src, func(v T) error {
		out = append(out, v)
		return nil
	})
	return out, err
}

// CollectMap returns a map with the key and value that entry returns for each item. Of equal keys
// the last one counts. Python: {k: v async for k, v in src}.
//
// Cancellation: as for Collect.
func CollectMap[T any, K comparable, V any](
	src iter.Seq2[T, error], entry func(v T) (K, V),
) (map[K]V, error) {
	out := map[K]V{}
	err := ForEach(src, func(item T) error {
		k, v := entry(item)
		out[k] = v
		return nil
	})
	return out, err
}

// CollectSet returns the set of the items. Python: {v async for v in src}.
//
// Cancellation: as for Collect.
func CollectSet[T comparable](src iter.Seq2[T, error]) (map[T]struct{}, error) {
	out := map[T]struct{}{}
	err := ForEach(src, func(v T) error {
		out[v] = struct{}{}
		return nil
	})
	return out, err
}

// Fold combines the items: fn gets init and the first item, then its result and the second item,
// and so on. If an error ends the sequence, Fold returns it with the last result. Python:
// functools.reduce.
//
// Cancellation: as for Collect.
func Fold[T, A any](src iter.Seq2[T, error], init A, fn func(acc A, v T) A) (A, error) {
	acc := init
	err := ForEach(src, func(v T) error {
		acc = fn(acc, v)
		return nil
	})
	return acc, err
}

// First returns the first item and closes the sequence. If there is none, it returns
// [ErrStopIteration].
//
// Cancellation: as for Collect.
func First[T any](src iter.Seq2[T, error]) (T, error) {
	mustBe(src != nil, "First", "the sequence is nil; pass one")
	for v, err := range src {
		return v, err
	}
	var zero T
	return zero, ErrStopIteration
}

// ForEach calls fn with each item and returns the error that ends the loop: that of the sequence,
// or of fn. Unlike in a for loop the error cannot be forgotten. fn may await.
//
// Cancellation: as for Collect.
func ForEach[T any](src iter.Seq2[T, error], fn func(v T) error) error {
	mustBe(src != nil && fn != nil, "ForEach", "the sequence or the function is nil; pass both")
	for v, err := range src {
		if err != nil {
			return err
		}
		if err := fn(v); err != nil {
			return err
		}
	}
	return nil
}

// Values is a sequence without errors, for loops that need only the values. The error that ends it
// is stored in err. Check it after the loop, as with a bufio.Scanner:
//
//	var err error
//	for line := range aiter.Values(lines(ctx), &err) {
//		fmt.Println(line)
//	}
//	if err != nil {
//		return err
//	}
//
// Cancellation: as for Collect.
func Values[T any](src iter.Seq2[T, error], err *error) iter.Seq[T] {
	mustBe(
		src != nil && err != nil,
		"Values",
		"the sequence is nil, or the place for the error; pass both",
	)
	return func(yield func(T) bool) {
		for v, e := range src {
			if e != nil {
				*err = e
				return
			}
			if !yield(v) {
				return
			}
		}
	}
}

// Checked is src, but panics if the loop goes on after an error. Then the error was not checked, as
// in for v := range seq. It is for tests, and for the development of code that gets sequences of
// others. It also catches a loop that counts errors on purpose and goes on.
//
// Cancellation: as for Collect.
func Checked[T any](src iter.Seq2[T, error]) iter.Seq2[T, error] {
	mustBe(src != nil, "Checked", "the sequence is nil; pass one")
	return func(yield func(T, error) bool) {
		for v, err := range src {
			on := yield(v, err)
			if err != nil && on {
				panic(misuse("Checked", "the loop went on after the error that ended its "+
					"sequence; take both values, and leave the loop: "+err.Error()))
			}
			if !on || err != nil {
				return
			}
		}
	}
}
