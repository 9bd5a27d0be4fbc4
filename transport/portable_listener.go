package transport

import (
	"net"
	"sync"

	"github.com/aio-go/aio/internal/sys"
)

// portableListener joins a net.Listener to a loop: a goroutine accepts one connection ahead.
type portableListener struct {
	hub   *hub
	ln    net.Listener
	ready func() // called on the loop
	tell  func() // l.deliver as a value, made once

	mu     sync.Mutex // guards the rest
	change sync.Cond  // signals the goroutine
	queue  []accepted
	posted bool // a call of deliver is on its way
	closed bool
}

// accepted is what Accept returned.
type accepted struct {
	conn net.Conn
	err  error
}

// acceptAhead is how many connections the goroutine accepts ahead of the loop.
const acceptAhead = 16

func newPortableListener(h *hub, ln net.Listener) *portableListener {
	l := &portableListener{hub: h, ln: ln}
	l.change.L = &l.mu
	l.tell = l.deliver
	h.own(l)
	h.loop.MayPost(1) // its goroutines
	return l
}

func (l *portableListener) Start(ready func()) error {
	l.ready = ready
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return l.closedError()
	}
	l.hub.helper.Go(l.acceptAll)
	return nil
}

// acceptAll is the accepting goroutine. After a failure it waits until the loop has taken the
// error.
func (l *portableListener) acceptAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	failed := false
	for {
		for !l.closed && (len(l.queue) >= acceptAhead || failed && len(l.queue) > 0) {
			l.change.Wait()
		}
		if l.closed {
			return
		}
		l.mu.Unlock()
		c, err := l.ln.Accept()
		l.mu.Lock()
		if l.closed {
			if c != nil {
				c.Close()
			}
			return
		}
		failed = err != nil
		l.queue = append(l.queue, accepted{c, sys.Error(err)})
		if !l.posted {
			l.posted = true
			l.hub.loop.CallSoonThreadsafe(l.tell)
		}
	}
}

func (l *portableListener) deliver() {
	l.mu.Lock()
	l.posted = false
	closed := l.closed
	l.mu.Unlock()
	if !closed {
		l.ready()
	}
}

func (l *portableListener) TryAccept() (Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, l.closedError()
	}
	if len(l.queue) == 0 {
		return nil, ErrWouldBlock
	}
	a := l.queue[0]
	l.queue[0] = accepted{}
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		l.queue = nil
	}
	l.change.Signal()
	if a.err != nil {
		return nil, a.err
	}
	return newPortableConn(l.hub, a.conn), nil
}

func (l *portableListener) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	queue := l.queue
	l.queue = nil
	l.change.Signal()
	l.mu.Unlock()
	for _, a := range queue {
		if a.conn != nil {
			a.conn.Close()
		}
	}
	l.hub.disown(l)
	l.hub.loop.MayPost(-1)
	return l.ln.Close()
}

func (l *portableListener) Addr() net.Addr { return l.ln.Addr() }

func (l *portableListener) closedError() error {
	return &net.OpError{
		Op:   "accept",
		Net:  l.ln.Addr().Network(),
		Addr: l.ln.Addr(),
		Err:  net.ErrClosed,
	}
}
