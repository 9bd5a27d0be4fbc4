package simnet

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/simfs"
	"github.com/aio-go/aio/internal/sys"
)

// Conn is one end of a connection. Its methods are those of transport.Conn.
type Conn struct {
	host   *Host
	peer   *Conn
	loop   *aio.Loop
	source *aio.Source // nil before Start
	ready  func(aio.Interest)
	early  aio.Interest // what is to be reported when it starts

	local, remote net.Addr
	network       string
	at            int // in host.conns
	keepAlive     time.Duration
	quiet         *aio.Timer // runs while nothing can come from the peer

	in      []byte // in[read:] can be read
	read    int
	out     flow  // to the peer
	failure error // ends reading behind in, and writing
	ended   bool  // nothing comes behind in
	blocked bool  // a write did not fit
	shut    bool  // CloseWrite was called
	closed  bool
	crashed bool // with its host
	gone    bool // nobody is there any more who answers: closed, or the host has crashed
	hole    bool // what is sent is lost on the way, in both directions
}

// flow is what is on the way from one end to the other.
type flow struct {
	from, to *Conn
	wire     []byte    // the bytes of parts
	parts    []segment // by the time of their arrival
	timer    *aio.Timer
	busy     time.Time // until then the line is taken by what was sent before
	stalled  time.Time // until then nothing arrives
	waits    bool      // for the end of a cut
}

// segment is a part of a flow, or its end.
type segment struct {
	due   time.Time
	bytes int
	end   ending
}

type ending uint8

const (
	goesOn  ending = iota
	closing        // the sending half was closed
	reset          // the connection was reset
)

// A network gives a connection up that hears nothing: after nine probes, each 15 seconds, or, if
// there are none, when sent bytes were not acknowledged for about 15 minutes.
const (
	probes     = 9 * 15 * time.Second
	unanswered = 924 * time.Second
	probeAfter = 15 * time.Second
)

// Pair returns the two ends of a connection inside of a host, as if one had been accepted from the
// other.
func (h *Host) Pair(loop *aio.Loop, client, server net.Addr) (a, b *Conn) {
	h.Net.enter(loop, "Connect")
	return newPair(loop, h, h, client, server, client.Network(), 0, 0)
}

func newPair(
	loop *aio.Loop, ha, hb *Host, aa, ab net.Addr, network string, ka, kb time.Duration,
) (a, b *Conn) {
	a = &Conn{host: ha, loop: loop, local: aa, remote: ab, network: network, keepAlive: ka}
	b = &Conn{host: hb, loop: loop, local: ab, remote: aa, network: network, keepAlive: kb}
	a.peer, b.peer = b, a
	a.out.from, a.out.to = a, b
	b.out.from, b.out.to = b, a
	for _, c := range []*Conn{a, b} {
		c.at = len(c.host.conns)
		c.host.conns = append(c.host.conns, c)
	}
	return a, b
}

// String describes the connection for a task that waits for it.
func (c *Conn) String() string { return "a connection to " + c.remote.String() }

// Host returns the host of this end.
func (c *Conn) Host() *Host { return c.host }

// Peer returns the other end.
func (c *Conn) Peer() *Conn { return c.peer }

// Network returns the name of the network, "tcp" or "unix".
func (c *Conn) Network() string { return c.network }

// report tells what has changed, through the loop.
func (c *Conn) report(news aio.Interest) {
	if c.source == nil {
		c.early |= news
		return
	}
	c.source.Report(news)
}

// tell is report from inside a timer's turn: it needs no other one.
func (c *Conn) tell(news aio.Interest) {
	if c.source == nil || c.closed {
		c.early |= news
		return
	}
	c.ready(news)
}

// Start implements transport.Conn.
func (c *Conn) Start(ready func(aio.Interest)) error {
	if c.closed {
		return c.fail("read", net.ErrClosed)
	}
	c.ready, c.source = ready, c.loop.NewSource(ready)
	if c.early != 0 {
		c.source.Report(c.early)
	}
	return nil
}

// TryRead implements transport.Conn.
func (c *Conn) TryRead(p []byte) (int, error) {
	switch unread := len(c.in) - c.read; {
	case c.closed:
		return 0, c.fail("read", c.end())
	case len(p) == 0:
		return 0, nil
	case unread > 0:
		n := copy(p, c.in[c.read:])
		if c.read += n; n == unread {
			c.in, c.read = c.in[:0], 0
			if cap(c.in) > keptBuffer {
				c.in = nil
			}
		}
		c.peer.makeRoom()
		return n, nil
	case c.ended:
		return 0, io.EOF
	case c.failure != nil:
		return 0, c.failure
	}
	return 0, ErrWouldBlock
}

// keptBuffer is how many bytes an idle connection keeps for what it will receive.
const keptBuffer = 4 << 10

func (c *Conn) makeRoom() {
	if c.blocked && c.room() > 0 {
		c.blocked = false
		c.report(aio.Writable)
	}
}

// room is how many bytes can be sent before the peer has to read.
func (c *Conn) room() int {
	return c.host.Net.Window - (len(c.peer.in) - c.peer.read) - len(c.out.wire)
}

// TryWrite implements transport.Conn.
func (c *Conn) TryWrite(p []byte) (int, error) {
	switch {
	case c.closed:
		return 0, c.fail("write", c.end())
	case c.failure != nil:
		return 0, c.failure
	case c.shut:
		return 0, c.fail("write", sys.EPIPE)
	case len(p) == 0:
		return 0, nil
	}
	n := min(len(p), c.room())
	if n < len(p) {
		c.blocked = true
	}
	if n <= 0 {
		return 0, ErrWouldBlock
	}
	fate := Fate{}
	if w := c.host.Net.Weather; w != nil && c.host != c.peer.host {
		if fate = w.Send(c, p[:n]); fate.Reset {
			c.out.send(p[:fate.Taken], fate.Delay, goesOn)
			c.out.send(nil, 0, reset)
			c.lose(c.fail("write", sys.ECONNRESET))
			return n, nil
		}
		if c.closed { // the host has crashed
			return n, nil
		}
	}
	c.out.send(p[:n], fate.Delay, goesOn)
	return n, nil
}

// CloseWrite implements transport.Conn.
func (c *Conn) CloseWrite() error {
	switch {
	case c.closed:
		return c.fail("close", net.ErrClosed)
	case c.failure != nil:
		return c.fail("shutdown", sys.ENOTCONN)
	}
	if !c.shut {
		c.shut = true
		c.out.send(nil, 0, closing)
	}
	return nil
}

// Close implements transport.Conn. The bytes that were taken are still delivered. The peer of one
// that has not read everything is reset.
func (c *Conn) Close() error {
	if c.closed {
		return nil
	}
	unread := len(c.in) - c.read
	shut := c.shut
	if c.source != nil {
		c.source.Close()
	}
	c.vanish()
	switch {
	case c.failure != nil:
	case unread > 0:
		c.out.send(nil, 0, reset)
	case !shut:
		c.out.send(nil, 0, closing)
	}
	c.peer.makeRoom() // what it sends is dropped now
	return nil
}

// vanish ends this end. The peer is not told.
func (c *Conn) vanish() {
	if c.gone {
		return
	}
	c.closed, c.gone = true, true
	c.in, c.read = nil, 0
	c.heard()
	h := c.host
	last := len(h.conns) - 1
	h.conns[last].at = c.at
	h.conns[c.at] = h.conns[last]
	h.conns[last] = nil
	h.conns = h.conns[:last]
}

// LocalAddr implements transport.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements transport.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// end says why a closed end is closed.
func (c *Conn) end() error {
	if c.crashed {
		return simfs.ErrLost
	}
	return net.ErrClosed
}

func (c *Conn) fail(op string, err error) error {
	if errno, ok := err.(sys.Errno); ok {
		err = os.NewSyscallError(op, errno)
	}
	return &net.OpError{Op: op, Net: c.network, Source: c.local, Addr: c.remote, Err: err}
}

// lose ends the connection at this end with an error.
func (c *Conn) lose(err error) {
	if c.gone || c.failure != nil {
		return
	}
	c.failure = err
	c.heard()
	c.report(aio.Readable | aio.Writable | aio.HangUp)
}

// ---- what is on the way

// send puts bytes, or the end, on the way.
func (f *flow) send(p []byte, delay time.Duration, end ending) {
	if len(p) == 0 && end == goesOn {
		return
	}
	n := f.from.host.Net
	l := n.link(f.from.host, f.to.host)
	if len(f.parts) == 0 && *l == (Link{}) && delay == 0 && !f.isHeld() {
		f.arrive(p, end, false)
		return
	}
	now := f.from.loop.Time()
	due := now.Add(delay)
	if l.Bandwidth > 0 {
		if f.busy.After(due) {
			due = f.busy
		}
		due = due.Add(l.takes(len(p)))
		f.busy = due
	}
	due = due.Add(l.Latency)
	if f.stalled.After(due) {
		due = f.stalled
	}
	if k := len(f.parts); k > 0 && f.parts[k-1].due.After(due) {
		due = f.parts[k-1].due // a stream keeps its order
	}
	f.wire = append(f.wire, p...)
	f.parts = append(f.parts, segment{due, len(p), end})
	if len(f.parts) == 1 {
		f.arm()
	}
}

// isHeld reports whether nothing gets through at present.
func (f *flow) isHeld() bool {
	a, b := f.from.host, f.to.host
	return f.from.hole || b.down || !f.stalled.IsZero() || a != b && a.Net.isCut(a, b)
}

func (f *flow) arm() {
	if f.timer == nil {
		f.timer = f.from.loop.NewTimer(f.due)
	}
	f.timer.Start(f.parts[0].due.Sub(f.from.loop.Time()))
}

// due delivers what has arrived.
func (f *flow) due() {
	now := f.from.loop.Time()
	f.stalled = time.Time{}
	if f.isHeld() {
		f.hold()
		return
	}
	from, n := 0, 0
	for ; n < len(f.parts) && !f.parts[n].due.After(now); n++ {
		s := f.parts[n]
		f.arrive(f.wire[from:from+s.bytes], s.end, true) // may send, but not on this way
		from += s.bytes
	}
	f.wire = f.wire[:copy(f.wire, f.wire[from:])]
	f.parts = f.parts[:copy(f.parts, f.parts[n:])]
	f.from.makeRoom()
	switch {
	case len(f.parts) > 0:
		f.arm()
	case cap(f.wire) > keptBuffer:
		f.parts, f.wire = nil, nil
	}
}

// hold waits until something gets through again, if that will be.
func (f *flow) hold() {
	f.from.silence()
	if a, b := f.from.host, f.to.host; !f.waits && a.Net.isCut(a, b) {
		f.waits = true
		c := a.Net.cuts[path{a, b}]
		c.waiting = append(c.waiting, f)
	}
}

// resend is called when a cut has ended.
func (f *flow) resend() {
	f.waits = false
	if len(f.parts) == 0 || f.from.hole {
		return
	}
	now := f.from.loop.Time()
	at := now.Add(f.from.host.Net.link(f.from.host, f.to.host).Latency)
	for i := range f.parts {
		if f.parts[i].due.Before(at) {
			f.parts[i].due = at
		}
	}
	f.arm()
}

// arrive is the receiving end's part.
func (f *flow) arrive(p []byte, end ending, inTurn bool) {
	c := f.to
	if c.gone {
		if len(p) > 0 && f.from.failure == nil {
			c.out.send(nil, 0, reset) // nobody is there
		}
		return
	}
	if c.failure != nil {
		return
	}
	c.heard()
	news := aio.Interest(0)
	if len(p) > 0 {
		if c.read > 0 && len(c.in)+len(p) > cap(c.in) {
			c.in = c.in[:copy(c.in, c.in[c.read:])]
			c.read = 0
		}
		c.in = append(c.in, p...)
		news = aio.Readable
	}
	switch end {
	case closing:
		c.ended = true
		news = aio.Readable | aio.HangUp
	case reset:
		c.failure = c.fail("read", sys.ECONNRESET)
		if c.ended {
			c.failure = c.fail("write", sys.EPIPE)
		}
		news = aio.Readable | aio.Writable | aio.HangUp
	}
	if inTurn {
		c.tell(news)
	} else {
		c.report(news)
	}
}

// ---- silence

// silence is called when nothing from the peer arrives any more. If that lasts, the connection is
// lost.
func (c *Conn) silence() {
	if c.gone || c.failure != nil || c.quiet != nil && c.quiet.Running() {
		return
	}
	wait := keepAliveOf(c.keepAlive) + probes
	if c.keepAlive < 0 {
		if len(c.out.parts) == 0 {
			return
		}
		wait = unanswered
	}
	c.quiet = c.loop.NewTimer(func() { c.lose(c.fail("read", sys.ETIMEDOUT)) })
	c.quiet.Start(wait)
}

// heard ends a silence, unless something else still makes it.
func (c *Conn) heard() {
	if c.quiet != nil && (c.gone || c.failure != nil || !c.isCutOff()) {
		c.quiet.Stop()
		c.quiet = nil
	}
}

func (c *Conn) isCutOff() bool {
	a, b := c.host, c.peer.host
	return c.hole || c.peer.gone || b.down || a.Net.isCut(a, b) || a.Net.isCut(b, a)
}

// peerIsGone is called when the peer's host is there again and knows nothing of the connection:
// what was sent, or the next probe, is answered with a reset.
func (c *Conn) peerIsGone() {
	wait := keepAliveOf(c.keepAlive)
	if len(c.out.parts) > 0 {
		wait = time.Second // until it is sent again
	} else if c.keepAlive < 0 {
		c.heard()
		return
	}
	if c.quiet != nil {
		c.quiet.Stop()
	}
	c.quiet = c.loop.NewTimer(func() {
		if !c.peer.host.down {
			c.lose(c.fail("read", sys.ECONNRESET))
		}
	})
	c.quiet.Start(min(wait, probeAfter))
}

// ---- faults

// Reset resets the connection: both ends fail.
func (c *Conn) Reset() {
	if c.gone || c.failure != nil {
		return
	}
	c.out.send(nil, 0, reset)
	c.lose(c.fail("read", sys.ECONNRESET))
}

// Sink makes everything that is sent on the connection vanish, from now on and in both directions.
func (c *Conn) Sink() {
	for _, x := range []*Conn{c, c.peer} {
		x.hole = true
		x.silence()
	}
}

// Stall lets nothing arrive at the peer for d, as if it did not read.
func (c *Conn) Stall(d time.Duration) {
	f := &c.out
	f.stalled = c.loop.Time().Add(d)
	for i := range f.parts {
		if f.parts[i].due.Before(f.stalled) {
			f.parts[i].due = f.stalled
		}
	}
	if len(f.parts) > 0 && f.timer != nil && f.timer.Running() {
		f.arm()
	}
}

// ---- connecting

// dialing is what a task that connects waits for.
type dialing struct{ address string }

func (d *dialing) String() string { return d.address }

// Patience of the system with a host that does not answer.
const connectTime = 127 * time.Second

// Dial connects to an address.
func (h *Host) Dial(
	ctx context.Context, network string, remote, local netip.AddrPort, keepAlive time.Duration,
) (*Conn, error) {
	loop := aio.RunningLoop(ctx)
	h.Net.enter(loop, "Connect")
	fail := func(err error) (*Conn, error) {
		e := &net.OpError{Op: "dial", Net: network, Addr: tcpAddr(remote),
			Err: os.NewSyscallError("connect", err)}
		if h.down {
			e.Err = simfs.ErrLost
		}
		if local.IsValid() {
			e.Source = tcpAddr(local)
		}
		return nil, e
	}
	ip := remote.Addr()
	if ip.IsUnspecified() {
		ip = netip.IPv6Loopback()
		if remote.Addr().Is4() {
			ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
	}
	from := h.source(ip)
	if local.IsValid() && !local.Addr().IsUnspecified() {
		if from = local.Addr(); !h.has(from) {
			return fail(sys.EADDRNOTAVAIL)
		}
	}
	to := h.Net.hostAt(ip, h)
	if h.down || to == nil || !from.IsValid() {
		return fail(sys.EHOSTUNREACH)
	}
	what := &dialing{remote.String()}
	if err := h.reach(ctx, to, what); err != nil {
		if err == error(sys.ETIMEDOUT) {
			return fail(err)
		}
		return nil, err
	}
	l := to.listenerAt(ip, remote.Port())
	for l != nil && l.isFull() {
		if err := l.await(ctx, what); err != nil {
			return nil, err
		}
		l = to.listenerAt(ip, remote.Port())
	}
	if l == nil {
		return fail(sys.ECONNREFUSED)
	}
	port := local.Port()
	if port != 0 {
		if h.isTaken(netip.AddrPortFrom(from, port), netip.AddrPortFrom(ip, remote.Port())) {
			return fail(sys.EADDRINUSE)
		}
	} else {
		var err error
		if port, err = h.freePort(); err != nil {
			return fail(sys.EADDRNOTAVAIL)
		}
	}
	a, b := newPair(loop, h, to, tcpAddr(netip.AddrPortFrom(from, port)),
		tcpAddr(netip.AddrPortFrom(ip, remote.Port())), "tcp", keepAlive, l.keepAlive)
	l.push(b)
	return a, nil
}

// isTaken reports whether a connection between two addresses cannot be made, because there is one,
// or because somebody listens on the local one.
func (h *Host) isTaken(local, remote netip.AddrPort) bool {
	for _, l := range h.tcp[local.Port()] {
		if fits(l.network, l.at.Addr(), local.Addr()) {
			return true
		}
	}
	return slices.ContainsFunc(h.conns, func(c *Conn) bool {
		a, _ := c.local.(*net.TCPAddr)
		b, _ := c.remote.(*net.TCPAddr)
		return a != nil && b != nil && a.AddrPort() == local && b.AddrPort() == remote
	})
}

// reach takes the time of a packet there and back. While the way is cut it tries again, as the
// system does, with ever longer pauses.
func (h *Host) reach(ctx context.Context, to *Host, what *dialing) error {
	const op = "transport.Connect"
	n := h.Net
	for d, waited := time.Second, time.Duration(0); ; d *= 2 {
		there := n.link(h, to).Latency + n.link(to, h).Latency
		if there > 0 {
			if err := pause(ctx, op, what, there); err != nil {
				return err
			}
		}
		if h == to || !to.down && !n.isCut(h, to) && !n.isCut(to, h) {
			return nil
		}
		if waited += d; waited > connectTime {
			return sys.ETIMEDOUT
		}
		if err := pause(ctx, op, what, d); err != nil {
			return err
		}
	}
}

// DialUnix connects to a name of this host.
func (h *Host) DialUnix(ctx context.Context, name string) (*Conn, error) {
	loop := aio.RunningLoop(ctx)
	h.Net.enter(loop, "Connect")
	fail := func(err error) (*Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "unix", Addr: unixAddr(name),
			Err: os.NewSyscallError("connect", err)}
	}
	if h.down {
		return fail(simfs.ErrLost)
	}
	l := h.unix[name]
	for l != nil && !l.closed && l.isFull() {
		if err := l.await(ctx, &dialing{name}); err != nil {
			return nil, err
		}
		l = h.unix[name]
	}
	switch {
	case l == nil:
		return fail(sys.ENOENT)
	case l.closed:
		return fail(sys.ECONNREFUSED)
	}
	a, b := newPair(loop, h, h, unixAddr(""), unixAddr(name), "unix", -1, -1)
	l.push(b)
	return a, nil
}

// Conns returns the open connections of the host.
func (h *Host) Conns() []*Conn { return slices.Clone(h.conns) }
