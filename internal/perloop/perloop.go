// Package perloop keeps one value for each event loop, for packages outside of the root, until the
// loop is closed.
package perloop

import (
	"sync"

	"github.com/aio-go/aio"
)

// Table has the values of one kind. The zero value is ready.
type Table[T any] struct {
	mu sync.Mutex // loops run on goroutines of their own
	of map[*aio.Loop]T
}

// Get returns the value of l, which the first call makes. It is for the loop only.
func (t *Table[T]) Get(l *aio.Loop, first func() T) T {
	t.mu.Lock()
	v, ok := t.of[l]
	t.mu.Unlock()
	if ok {
		return v
	}
	l.OnClose(func() { // before first asks for the same: it then comes after that
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.of, l)
	})
	v = first()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[*aio.Loop]T{}
	}
	t.of[l] = v
	return v
}

// Len returns of how many loops there are values.
func (t *Table[T]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.of)
}
