// Package timerheap orders timers by deadline, and by age where deadlines are equal.
//
// It is a four-ary heap with the keys in the entries: a comparison touches no other memory, which at a million timers is what counts.
// An item is not told where it stands, so it cannot be taken from the middle; its owner marks it dead and the heap drops it when it
// comes up, or in Compact.
package timerheap

// Entry is one timer.
type Entry[T any] struct {
	When int64  // the deadline, in nanoseconds of the owner's clock
	Seq  uint64 // unique, growing: earlier entries come first among equal deadlines
	Item T
}

func (e *Entry[T]) before(o *Entry[T]) bool {
	return e.When < o.When || e.When == o.When && e.Seq < o.Seq
}

// Heap is a priority queue of entries. The zero value is empty and ready to use.
type Heap[T any] struct{ e []Entry[T] }

const arity = 4

// Len returns the number of entries, dead ones included.
func (h *Heap[T]) Len() int { return len(h.e) }

// Min returns the entry that is due first. The heap must not be empty; the pointer holds until the next change.
func (h *Heap[T]) Min() *Entry[T] { return &h.e[0] }

// Push adds an entry.
func (h *Heap[T]) Push(e Entry[T]) {
	h.e = append(h.e, e)
	i := len(h.e) - 1
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

// Compact drops the entries for which keep is false.
func (h *Heap[T]) Compact(keep func(e *Entry[T]) bool) {
	live := h.e[:0]
	for i := range h.e {
		if keep(&h.e[i]) {
			live = append(live, h.e[i])
		}
	}
	clear(h.e[len(live):])
	h.e = live
	for i := (len(live) - 2) / arity; i >= 0 && len(live) > 1; i-- {
		h.down(i, live[i])
	}
}

// down puts e at i or below, where it belongs; what stands at i is overwritten.
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
