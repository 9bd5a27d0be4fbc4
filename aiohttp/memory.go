package aiohttp

import (
	"container/list"
	"context"

	"github.com/aio-go/aio"
)

// memory bounds the bodies that a client holds in memory at the same time. A task whose body needs
// more than is free waits in FIFO order. Two that wait for each other would wait for ever. So one
// of them, the leader, gets its memory even if that is not free: one body at most exceeds the
// bound.
type memory struct {
	limit  int64 // negative: none
	used   int64
	leader *load
	line   list.List // of *need
}

// load is the memory of one body.
type load struct {
	of   *memory
	size int64
}

// need is a task in line.
type need struct {
	load *load
	n    int64
	w    aio.Waiter
}

// String is the text of the wait in snapshots.
func (*need) String() string {
	return "memory, of which Client.MaxMemory is in use by other bodies"
}

// grow waits until the load may take n bytes more.
//
// Cancellation: it takes none, and leaves the line.
func (l *load) grow(ctx context.Context, n int64) error {
	m := l.of
	if m.line.Len() == 0 || m.leader == l {
		if m.fits(l, n) {
			m.give(l, n)
			return nil
		}
	}
	x := &need{load: l, n: n}
	x.w = aio.NewWaiter(ctx, "Response.Bytes", x)
	at := m.line.PushBack(x)
	err := x.w.Park()
	if err == nil {
		return nil
	}
	if x.w.Woken() { // it was granted memory that it no longer needs; done returns it
		return err
	}
	m.line.Remove(at)
	m.next()
	return err
}

// done returns all memory of the load.
func (l *load) done() {
	m := l.of
	m.used -= l.size
	l.size = 0
	if m.leader == l {
		m.leader = nil
	}
	m.next()
}

func (m *memory) fits(l *load, n int64) bool {
	return m.limit < 0 || n <= m.limit-m.used || m.leader == nil || m.leader == l
}

func (m *memory) give(l *load, n int64) {
	if m.limit >= 0 && n > m.limit-m.used {
		m.leader = l
	}
	m.used += n
	l.size += n
}

// next resumes tasks from the front of the line while their needs fit.
func (m *memory) next() {
	for at := m.line.Front(); at != nil; at = m.line.Front() {
		x := at.Value.(*need)
		if x.w.Pending() && !m.fits(x.load, x.n) {
			return
		}
		m.line.Remove(at)
		if x.w.Pending() {
			m.give(x.load, x.n)
			x.w.Unpark()
		}
	}
}
