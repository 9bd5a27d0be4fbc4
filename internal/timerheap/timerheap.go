// Package timerheap orders timers by deadline, and equal deadlines by age.
//
// It is a four-ary heap with the keys in the entries, so a comparison touches no other memory. New
// entries wait beside the heap until one of them is due first: most time-outs are cancelled long
// before and never have to be sorted. An item does not know its position, so it cannot be removed
// from the middle. Its owner marks it dead, and Settle or Compact drops it.
package timerheap

import (
	"iter"
	"slices"
)

// Entry is one timer.
type Entry[T any] struct {
	When int64  // the deadline, in nanoseconds of the owner's clock
	Seq  uint64 // unique, growing: earlier entries come first among equal deadlines
	Item T
}

func (e *Entry[T]) before(o *Entry[T]) bool {
	return e.When < o.When || e.When == o.When && e.Seq < o.Seq
}

// Heap is a priority queue of entries. The zero value is empty and ready to use. Call Settle before
// Min and Pop.
type Heap[T any] struct {
	e     []Entry[T] // the heap
	fresh []Entry[T] // those that wait beside it
	first int64      // the earliest deadline among fresh
}

const arity = 4

// Len returns the number of entries, including dead ones.
func (h *Heap[T]) Len() int { return len(h.e) + len(h.fresh) }

// Push adds an entry.
func (h *Heap[T]) Push(e Entry[T]) {
	if len(h.fresh) == 0 || e.When < h.first {
		h.first = e.When
	}
	h.fresh = push(h.fresh, e)
}

// push is append that doubles large slices too. append would grow them by a quarter and copy more
// often.
func push[T any](s []Entry[T], e Entry[T]) []Entry[T] {
	if len(s) == cap(s) {
		s = slices.Grow(s, max(64, len(s)))
	}
	return append(s, e)
}

// All yields the entries in no particular order, including dead ones. Do not change the heap
// meanwhile.
func (h *Heap[T]) All() iter.Seq[*Entry[T]] {
	return func(yield func(*Entry[T]) bool) {
		for _, entries := range [][]Entry[T]{h.e, h.fresh} {
			for i := range entries {
				if !yield(&entries[i]) {
					return
				}
			}
		}
	}
}

// Settle prepares Min and Pop. If an entry beside the heap is due first, all of them enter, except
// those that keep rejects. It returns how many were dropped.
func (h *Heap[T]) Settle(keep func(e *Entry[T]) bool) (dropped int) {
	if len(h.fresh) == 0 || len(h.e) > 0 && h.e[0].When < h.first {
		return 0
	}
	sorted := len(h.e)
	for i := range h.fresh {
		if keep(&h.fresh[i]) {
			h.e = push(h.e, h.fresh[i])
		} else {
			dropped++
		}
	}
	clear(h.fresh)
	if cap(h.fresh) > 1024 {
		h.fresh = nil // a crowd has gone in: do not keep room for another
	} else {
		h.fresh = h.fresh[:0]
	}
	if added := len(h.e) - sorted; added > sorted/4 {
		h.order()
	} else {
		for i := sorted; i < len(h.e); i++ {
			h.up(i)
		}
	}
	return dropped
}

// Earliest returns a time before which no entry is due. The entry of that time may be dead. The
// heap must not be empty. It is cheaper than Settle and Min, and touches no item.
func (h *Heap[T]) Earliest() int64 {
	switch {
	case len(h.fresh) == 0:
		return h.e[0].When
	case len(h.e) == 0:
		return h.first
	}
	return min(h.e[0].When, h.first)
}

// Min returns the entry that is due first. The heap must not be empty. The pointer is valid until
// the next change.
func (h *Heap[T]) Min() *Entry[T] { return &h.e[0] }

// Pop removes and returns the entry that is due first. The heap must not be empty.
func (h *Heap[T]) Pop() Entry[T] {
	first := h.e[0]
	last := len(h.e) - 1
	e := h.e[last]
	h.e[last] = Entry[T]{}
	h.e = h.e[:last]
	if last > 0 {
		h.down(0, e)
	}
	return first
}

// Compact drops the entries that keep rejects.
func (h *Heap[T]) Compact(keep func(e *Entry[T]) bool) {
	h.fresh, h.e = kept(h.fresh, keep), kept(h.e, keep)
	h.order()
}

// kept is slices.DeleteFunc with pointers to the entries: it allocates nothing for each.
func kept[T any](s []Entry[T], keep func(e *Entry[T]) bool) []Entry[T] {
	n := 0
	for i := range s {
		if keep(&s[i]) {
			s[n] = s[i]
			n++
		}
	}
	clear(s[n:])
	return s[:n]
}

// order turns the entries into a heap.
func (h *Heap[T]) order() {
	for i := (len(h.e) - 2) / arity; i >= 0 && len(h.e) > 1; i-- {
		h.down(i, h.e[i])
	}
}

// up moves the entry at i towards the root, to its position.
func (h *Heap[T]) up(i int) {
	e := h.e[i]
	for i > 0 {
		parent := (i - 1) / arity
		if !e.before(&h.e[parent]) {
			break
		}
		h.e[i] = h.e[parent]
		i = parent
	}
	h.e[i] = e
}

// down writes e at its position, i or below. It overwrites the entry at i.
func (h *Heap[T]) down(i int, e Entry[T]) {
	n := len(h.e)
	for {
		child := arity*i + 1
		if child >= n {
			break
		}
		least := child
		for c := child + 1; c < min(child+arity, n); c++ {
			if h.e[c].before(&h.e[least]) {
				least = c
			}
		}
		if !h.e[least].before(&e) {
			break
		}
		h.e[i] = h.e[least]
		i = least
	}
	h.e[i] = e
}
