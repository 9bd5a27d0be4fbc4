package simnet

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/simfs"
	"github.com/aio-go/aio/internal/sys"
)

// Listener accepts connections. Its methods are those of transport.Listener.
type Listener struct {
	host      *Host
	loop      *aio.Loop
	network   string
	at        netip.AddrPort // of TCP
	name      string         // of a Unix socket
	addr      net.Addr
	keepAlive time.Duration
	backlog   int
	reusable  bool // others may listen on the same address
	keep      bool // the name of a Unix socket stays when it closes
	source    *aio.Source
	queue     []*Conn
	waiting   []aio.Waiter // tasks that connect while the queue is full
	closed    bool
}

// longestBacklog is that of Linux.
const longestBacklog = 4096

// ListenOptions are those of transport.
type ListenOptions struct {
	Backlog   int
	ReusePort bool
	KeepName  bool
	KeepAlive time.Duration
}

func (h *Host) newListener(loop *aio.Loop, network string, o ListenOptions) *Listener {
	if o.Backlog <= 0 || o.Backlog > longestBacklog {
		o.Backlog = longestBacklog
	}
	return &Listener{
		host: h, loop: loop, network: network, backlog: o.Backlog, reusable: o.ReusePort,
		keepAlive: o.KeepAlive, keep: o.KeepName,
	}
}

// Listen listens on an address. Port 0 is a free one.
func (h *Host) Listen(
	ctx context.Context, network string, at netip.AddrPort, o ListenOptions,
) (*Listener, error) {
	loop := aio.RunningLoop(ctx)
	h.Net.enter(loop, "Listen")
	l := h.newListener(loop, network, o)
	fail := func(err error) (*Listener, error) {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: tcpAddr(at),
			Err: os.NewSyscallError("bind", err)}
	}
	if h.down {
		return fail(simfs.ErrLost)
	}
	if !h.has(at.Addr()) {
		return fail(sys.EADDRNOTAVAIL)
	}
	if at.Port() == 0 {
		port, err := h.freePort()
		if err != nil {
			return fail(err)
		}
		at = netip.AddrPortFrom(at.Addr(), port)
	}
	for _, other := range h.tcp[at.Port()] {
		if overlap(network, at.Addr(), other.network, other.at.Addr()) &&
			!(other.reusable && l.reusable) {
			return fail(sys.EADDRINUSE)
		}
	}
	l.at, l.addr = at, tcpAddr(at)
	h.tcp[at.Port()] = append(h.tcp[at.Port()], l)
	return l, nil
}

// ListenUnix listens on a name.
func (h *Host) ListenUnix(ctx context.Context, name string, o ListenOptions) (*Listener, error) {
	loop := aio.RunningLoop(ctx)
	h.Net.enter(loop, "Listen")
	fail := func(err error) (*Listener, error) {
		return nil, &net.OpError{Op: "listen", Net: "unix", Addr: unixAddr(name),
			Err: os.NewSyscallError("bind", err)}
	}
	if h.down {
		return fail(simfs.ErrLost)
	}
	if o.ReusePort {
		return fail(sys.EOPNOTSUPP)
	}
	if other := h.unix[name]; other != nil && !other.closed {
		return fail(sys.EADDRINUSE)
	}
	l := h.newListener(loop, "unix", o)
	l.name, l.addr = name, unixAddr(name)
	h.unix[name] = l
	return l, nil
}

// listenerAt finds who listens on an address: one on the very address before one on all, and of
// several the one that has the fewest waiting.
func (h *Host) listenerAt(ip netip.Addr, port uint16) (best *Listener) {
	for _, l := range h.tcp[port] {
		if !fits(l.network, l.at.Addr(), ip) {
			continue
		}
		exact := best != nil && !best.at.Addr().IsUnspecified()
		switch {
		case best == nil, !exact && !l.at.Addr().IsUnspecified():
			best = l
		case exact == !l.at.Addr().IsUnspecified() && len(l.queue) < len(best.queue):
			best = l
		}
	}
	return best
}

func (l *Listener) isFull() bool { return len(l.queue) >= l.backlog }

// await waits until the queue is shorter, or the listener closes.
func (l *Listener) await(ctx context.Context, what any) error {
	w := aio.NewWaiter(ctx, "transport.Connect", what)
	l.waiting = append(l.waiting, w)
	err := w.Park()
	if i := slices.Index(l.waiting, w); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	} else if err != nil {
		l.admit() // its place is for the next
	}
	return err
}

// admit lets the first task in line go on.
func (l *Listener) admit() {
	if len(l.waiting) > 0 {
		l.waiting[0].Unpark()
		l.waiting = slices.Delete(l.waiting, 0, 1)
	}
}

func (l *Listener) push(c *Conn) {
	l.queue = append(l.queue, c)
	if l.source != nil {
		l.source.Report(aio.Readable)
	}
}

// Start implements transport.Listener.
func (l *Listener) Start(ready func()) error {
	if l.closed {
		return l.fail(net.ErrClosed)
	}
	l.source = l.loop.NewSource(func(aio.Interest) { ready() })
	if len(l.queue) > 0 {
		l.source.Report(aio.Readable)
	}
	return nil
}

// TryAccept returns the next connection, or ErrWouldBlock.
func (l *Listener) TryAccept() (*Conn, error) {
	switch {
	case l.closed:
		return nil, l.fail(net.ErrClosed)
	case len(l.queue) == 0:
		return nil, ErrWouldBlock
	}
	c := l.queue[0]
	l.queue[0] = nil
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		l.queue = nil
	}
	l.admit()
	return c, nil
}

// Close implements transport.Listener. Connections that were not accepted are reset.
func (l *Listener) Close() error {
	if l.closed {
		return nil
	}
	l.closed = true
	if l.source != nil {
		l.source.Close()
	}
	h := l.host
	if l.network == "unix" {
		if h.unix[l.name] == l && !l.keep {
			delete(h.unix, l.name)
		}
	} else {
		others := slices.DeleteFunc(h.tcp[l.at.Port()], func(x *Listener) bool { return x == l })
		if h.tcp[l.at.Port()] = others; len(others) == 0 {
			delete(h.tcp, l.at.Port())
		}
	}
	for _, c := range l.queue {
		if !c.gone && !h.down {
			c.out.send(nil, 0, reset)
			c.vanish()
		}
	}
	l.queue = nil
	for len(l.waiting) > 0 {
		l.admit()
	}
	return nil
}

// Addr implements transport.Listener.
func (l *Listener) Addr() net.Addr { return l.addr }

func (l *Listener) fail(err error) error {
	return &net.OpError{Op: "accept", Net: l.network, Addr: l.addr, Err: err}
}
