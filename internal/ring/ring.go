// Package ring has a FIFO queue in one growing slice.
package ring

// Ring is a FIFO queue. The zero value is empty and ready to use.
type Ring[T any] struct {
	buf  []T // its length is zero or a power of two
	head int // index of the first item
	n    int
}

const smallest = 64

// Len returns how many items are queued.
func (r *Ring[T]) Len() int { return r.n }

// Push adds v at the end.
func (r *Ring[T]) Push(v T) {
	if r.n == len(r.buf) {
		r.grow()
	}
	r.buf[(r.head+r.n)&(len(r.buf)-1)] = v
	r.n++
}

// PushFront adds v before the first item.
func (r *Ring[T]) PushFront(v T) {
	if r.n == len(r.buf) {
		r.grow()
	}
	r.head = (r.head - 1) & (len(r.buf) - 1)
	r.buf[r.head] = v
	r.n++
}

// Pop removes and returns the first item. The ring must not be empty.
func (r *Ring[T]) Pop() T {
	var zero T
	i := r.head
	v := r.buf[i]
	r.buf[i] = zero // do not keep alive what has left
	r.head = (i + 1) & (len(r.buf) - 1)
	r.n--
	return v
}

// At returns the item at index i, counted from the first.
func (r *Ring[T]) At(i int) T { return r.buf[(r.head+i)&(len(r.buf)-1)] }

// RemoveAt removes and returns the item at index i. The others keep their order. It takes time for
// the items before it or those behind it, whichever are fewer.
func (r *Ring[T]) RemoveAt(i int) T {
	mask := len(r.buf) - 1
	v := r.At(i)
	if i < r.n/2 {
		if r.head+i <= mask {
			copy(r.buf[r.head+1:], r.buf[r.head:r.head+i])
		} else {
			for ; i > 0; i-- {
				r.buf[(r.head+i)&mask] = r.buf[(r.head+i-1)&mask]
			}
		}
		r.Pop()
		return v
	}
	if end := r.head + r.n; end <= mask+1 {
		copy(r.buf[r.head+i:], r.buf[r.head+i+1:end])
	} else {
		for ; i < r.n-1; i++ {
			r.buf[(r.head+i)&mask] = r.buf[(r.head+i+1)&mask]
		}
	}
	var zero T
	r.n--
	r.buf[(r.head+r.n)&mask] = zero // do not keep alive what has left
	return v
}

// Clear removes all items and releases the memory.
func (r *Ring[T]) Clear() { *r = Ring[T]{} }

// GiveTo removes all items and moves the memory, unless it is much, to another ring, which must be
// empty.
func (r *Ring[T]) GiveTo(to *Ring[T]) {
	if len(r.buf) <= largestGiven {
		clear(r.buf)
		*to = Ring[T]{buf: r.buf}
	}
	r.Clear()
}

const largestGiven = 1024

func (r *Ring[T]) grow() {
	buf := make([]T, max(smallest, 2*len(r.buf)))
	n := copy(buf, r.buf[r.head:])
	copy(buf[n:], r.buf[:r.head])
	r.buf, r.head = buf, 0
}
