package transport

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/sys"
	"github.com/aio-go/aio/internal/unixsocket"
)

// Portable returns the network that works on every system Go runs on: connections of package net,
// with goroutines that make the blocking calls and post to the loop. It costs about twice as much
// per request as [Native]. Every goroutine ends when its connection or listener closes.
//
// The system sets the backlog of a listener; [ListenOptions.Backlog] is ignored.
func Portable() Network { return portableNetwork{} }

type portableNetwork struct{ systemResolver }

func (portableNetwork) Dial(
	ctx context.Context, network, address string, o DialOptions,
) (Conn, error) {
	h := hubOf(aio.RunningLoop(ctx))
	var d net.Dialer
	if network != "unix" {
		if _, err := parseLiteral("dial", network, address); err != nil {
			return nil, err
		}
		if o.LocalAddr.IsValid() {
			d.LocalAddr = tcpAddr(o.LocalAddr)
		}
		d.KeepAlive = o.KeepAlive
	}
	dctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	a := &attempt{}
	defer a.abandon()
	w := aio.NewWaiter(ctx, "transport.Connect", a)
	h.loop.ExpectPosts(1)
	h.helper.Go(func() {
		c, err := d.DialContext(dctx, network, address)
		a.put(c, sys.Error(err))
		h.loop.CallSoonThreadsafe(func() {
			h.loop.ExpectPosts(-1)
			w.Unpark()
		})
	})
	if err := w.Park(); err != nil {
		return nil, err
	}
	c, err := a.take()
	if err != nil {
		return nil, err
	}
	return newPortableConn(h, c), nil
}

// attempt carries a connection from the goroutine that made it to the task that asked for it. That
// task may have gone.
type attempt struct {
	mu   sync.Mutex // guards the rest
	conn net.Conn
	err  error
	over bool // no task will take conn
}

func (a *attempt) put(c net.Conn, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over && c != nil {
		c.Close()
		return
	}
	a.conn, a.err = c, err
}

func (a *attempt) take() (net.Conn, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.conn
	a.conn = nil
	return c, a.err
}

// abandon closes a connection that the task did not take, now or when it arrives.
func (a *attempt) abandon() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	if a.conn != nil {
		a.conn.Close()
		a.conn = nil
	}
}

func (portableNetwork) Listen(
	ctx context.Context, network, address string, o ListenOptions,
) (Listener, error) {
	h := hubOf(aio.RunningLoop(ctx))
	fail := func(err error) (Listener, error) {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	lc := net.ListenConfig{KeepAlive: o.KeepAlive}
	if network == "unix" {
		if o.ReusePort {
			return fail(errors.ErrUnsupported)
		}
		ln, err := unixsocket.Listen(context.Background(), address, o.socketMode(),
			o.KeepSocketFile)
		if err != nil {
			return nil, sys.Error(err)
		}
		return newPortableListener(h, ln), nil
	}
	if _, err := parseLiteral("listen", network, address); err != nil {
		return nil, err
	} else if o.ReusePort {
		lc.Control = reusePort
	}
	ln, err := lc.Listen(context.Background(), network, address)
	if err != nil {
		return nil, sys.Error(err)
	}
	return newPortableListener(h, ln), nil
}

// portableNews is shared by a connection and a datagram socket of the portable network. It has the
// lock of their goroutines, and the way on which these tell the loop.
type portableNews struct {
	hub  *hub
	tell func() // deliver as a value, made once

	mu     sync.Mutex // guards the rest, and the fields of the owner
	change sync.Cond  // signals the goroutines

	ready  func(aio.Interest) // called on the loop; nil before Start
	news   aio.Interest       // to be delivered; a post is on its way if it is not 0
	closed bool
}

func (c *portableNews) init(h *hub) {
	c.hub, c.tell = h, c.deliver
	c.change.L = &c.mu
	h.loop.MayPost(1) // the goroutines
}

// notifyLocked posts news to the loop. If a post is on its way already, news is added to it.
func (c *portableNews) notifyLocked(news aio.Interest) {
	if c.closed || c.ready == nil {
		return
	}
	first := c.news == 0
	c.news |= news
	if first {
		// It fails only if the loop is closed: then no one needs the news.
		c.hub.loop.CallSoonThreadsafe(c.tell)
	}
}

// deliver runs on the loop.
func (c *portableNews) deliver() {
	c.mu.Lock()
	news, ready, closed := c.news, c.ready, c.closed
	c.news = 0
	c.mu.Unlock()
	if !closed {
		ready(news)
	}
}
