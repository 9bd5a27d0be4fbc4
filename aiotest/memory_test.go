package aiotest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// memory is a network in memory: what is sent arrives in later steps, as the schedule likes. A
// connection keeps at most room bytes in each direction.
type memory struct {
	room     int
	listener *memoryListener
}

func (m *memory) Dial(
	ctx context.Context,
	_, _ string,
	_ transport.DialOptions,
) (transport.Conn, error) {
	if m.listener == nil {
		return nil, syscall.ECONNREFUSED
	}
	loop := aio.RunningLoop(ctx)
	a, b := &memoryConn{loop: loop, room: m.room}, &memoryConn{loop: loop, room: m.room}
	a.peer, b.peer = b, a
	m.listener.waiting = append(m.listener.waiting, b)
	m.listener.report()
	return a, aio.Yield(ctx)
}

func (m *memory) Listen(
	ctx context.Context,
	_, _ string,
	_ transport.ListenOptions,
) (transport.Listener, error) {
	m.listener = &memoryListener{loop: aio.RunningLoop(ctx)}
	return m.listener, nil
}

func (m *memory) LookupHost(context.Context, string) ([]netip.Addr, error) {
	return nil, errors.New("no names here")
}

type memoryListener struct {
	loop    *aio.Loop
	waiting []transport.Conn
	ready   func()
}

func (l *memoryListener) Start(ready func()) error {
	l.ready = ready
	l.report()
	return nil
}

func (l *memoryListener) report() {
	if l.ready != nil {
		l.loop.CallSoon(func() {
			if l.ready != nil {
				l.ready()
			}
		})
	}
}

func (l *memoryListener) TryAccept() (transport.Conn, error) {
	if len(l.waiting) == 0 {
		return nil, transport.ErrWouldBlock
	}
	c := l.waiting[0]
	l.waiting = l.waiting[1:]
	return c, nil
}

func (l *memoryListener) Close() error {
	l.ready = nil
	for _, c := range l.waiting {
		c.Close()
	}
	l.waiting = nil
	return nil
}

func (l *memoryListener) Addr() net.Addr { return memoryAddr(80) }

func memoryAddr(port int) net.Addr {
	return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: port}
}

type memoryConn struct {
	loop        *aio.Loop
	peer        *memoryConn
	room        int
	in          []byte
	ended       bool // the peer sends no more
	closed      bool
	wantsToSend bool
	ready       func(aio.Interest)
}

func (c *memoryConn) report(what aio.Interest) {
	if c.ready != nil && !c.closed {
		c.loop.CallSoon(func() {
			if !c.closed {
				c.ready(what)
			}
		})
	}
}

func (c *memoryConn) Start(ready func(aio.Interest)) error {
	c.ready = ready
	c.report(aio.Readable | aio.Writable)
	return nil
}

func (c *memoryConn) TryRead(p []byte) (int, error) {
	if len(c.in) == 0 {
		if c.ended {
			return 0, io.EOF
		}
		return 0, transport.ErrWouldBlock
	}
	n := copy(p, c.in)
	c.in = c.in[n:]
	if c.peer.wantsToSend {
		c.peer.wantsToSend = false
		c.peer.report(aio.Writable)
	}
	return n, nil
}

func (c *memoryConn) TryWrite(p []byte) (int, error) {
	if c.peer.closed {
		return 0, syscall.EPIPE
	}
	n := min(len(p), c.room-len(c.peer.in))
	if n < len(p) {
		c.wantsToSend = true
	}
	if n <= 0 {
		return 0, transport.ErrWouldBlock
	}
	c.peer.in = append(c.peer.in, p[:n]...)
	c.peer.report(aio.Readable)
	return n, nil
}

func (c *memoryConn) CloseWrite() error {
	c.peer.ended = true
	c.peer.report(aio.Readable)
	return nil
}

func (c *memoryConn) Close() error {
	if !c.closed {
		c.closed = true
		c.peer.ended = true
		c.peer.report(aio.Readable | aio.Writable)
	}
	return nil
}

func (c *memoryConn) LocalAddr() net.Addr { return memoryAddr(1) }

func (c *memoryConn) RemoteAddr() net.Addr { return memoryAddr(2) }
