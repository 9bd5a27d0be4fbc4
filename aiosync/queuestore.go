package aiosync

import (
	"slices"

	"github.com/aio-go/aio/internal/ring"
)

// store holds the items of a queue. The zero value is FIFO. For speed, the queue uses the ring of a
// FIFO store directly.
type store[T any] struct {
	kind  storeKind
	ring  ring.Ring[T] // fifo
	stack []entry[T]   // lifo; a heap for priority
	cmp   func(a, b T) int
	seq   uint64
}

type storeKind uint8

const (
	fifo storeKind = iota
	lifo
	priority
)

func (k storeKind) String() string {
	return [...]string{"Queue", "LifoQueue", "PriorityQueue"}[k]
}

// entry is an item; seq keeps the FIFO order of items that compare as equal.
type entry[T any] struct {
	v   T
	seq uint64
}

func (s *store[T]) len() int {
	if s.kind == fifo {
		return s.ring.Len()
	}
	return len(s.stack)
}

// push stores an item in a stack or heap.
func (s *store[T]) push(v T) {
	s.seq++
	e := entry[T]{v, s.seq}
	if s.kind == lifo {
		s.stack = append(s.stack, e)
		return
	}
	// Compare first: if cmp panics, the heap is unchanged.
	i := len(s.stack)
	top := i
	for top > 0 && s.less(&e, &s.stack[(top-1)/2]) {
		top = (top - 1) / 2
	}
	s.stack = append(s.stack, e)
	for i > top {
		s.stack[i] = s.stack[(i-1)/2]
		i = (i - 1) / 2
	}
	s.stack[top] = e
}

// pop removes and returns the first item of a stack or heap. There must be one.
func (s *store[T]) pop() T {
	n := len(s.stack) - 1
	last := s.stack[n]
	first := last
	if s.kind == priority {
		first = s.stack[0]
	}
	s.stack[n] = entry[T]{} // do not keep alive what has left
	s.stack = s.stack[:n]
	if s.kind == priority && n > 0 {
		s.sink(last)
	}
	return first.v
}

// sink puts e into the heap from the top, whose place is free.
func (s *store[T]) sink(e entry[T]) {
	i, n := 0, len(s.stack)
	for {
		kid := 2*i + 1
		if kid >= n {
			break
		}
		if kid+1 < n && s.less(&s.stack[kid+1], &s.stack[kid]) {
			kid++
		}
		if !s.less(&s.stack[kid], &e) {
			break
		}
		s.stack[i] = s.stack[kid]
		i = kid
	}
	s.stack[i] = e
}

func (s *store[T]) less(a, b *entry[T]) bool {
	if c := s.cmp(a.v, b.v); c != 0 {
		return c < 0
	}
	return a.seq < b.seq
}

// clear removes all items.
func (s *store[T]) clear() {
	s.ring.Clear()
	s.stack = nil
}

// all returns the items in the order in which pop would return them.
func (s *store[T]) all() []T {
	out := make([]T, 0, s.len())
	if s.kind == fifo {
		for i := range s.ring.Len() {
			out = append(out, s.ring.At(i))
		}
		return out
	}
	sorted := slices.Clone(s.stack)
	if s.kind == lifo {
		slices.Reverse(sorted)
	} else {
		slices.SortFunc(sorted, func(a, b entry[T]) int {
			if s.less(&a, &b) {
				return -1
			}
			return 1
		})
	}
	for _, e := range sorted {
		out = append(out, e.v)
	}
	return out
}
