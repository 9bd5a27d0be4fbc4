// Package list has an intrusive doubly linked list: its elements are fields of their owners. Adding
// and removing one allocates nothing and takes no search.
package list

// List is a FIFO list of elements. The zero value is empty.
type List[T any] struct{ first *Elem[T] }

// Elem is a place in at most one list. The zero value is in no list. It must not be copied while it
// is in a list.
type Elem[T any] struct {
	next, prev *Elem[T] // a ring; nil: in no list
	Value      T
}

// Linked reports whether e is in a list.
func (e *Elem[T]) Linked() bool { return e.next != nil }

// Empty reports whether the list has no element.
func (l *List[T]) Empty() bool { return l.first == nil }

// First returns the element that was added first, or nil.
func (l *List[T]) First() *Elem[T] { return l.first }

// Next returns the element after e, or nil.
func (l *List[T]) Next(e *Elem[T]) *Elem[T] {
	if e.next == l.first {
		return nil
	}
	return e.next
}

// Push adds e at the end. e must be in no list.
func (l *List[T]) Push(e *Elem[T]) {
	first := l.first
	if first == nil {
		e.next, e.prev = e, e
		l.first = e
		return
	}
	last := first.prev
	e.next, e.prev = first, last
	last.next, first.prev = e, e
}

// Remove removes e from this list. It does nothing if e is in no list.
func (l *List[T]) Remove(e *Elem[T]) {
	next := e.next
	switch next {
	case nil:
		return
	case e:
		l.first = nil
	default:
		e.prev.next, next.prev = next, e.prev
		if l.first == e {
			l.first = next
		}
	}
	e.next, e.prev = nil, nil
}
