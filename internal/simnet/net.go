// Package simnet is a network in memory: hosts with TCP, UDP and Unix sockets on one event loop. It
// uses no goroutine, no descriptor and no real time. Package transport shows it as a network;
// package aiotest gives it several hosts, and lets things go wrong.
package simnet

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/sys"
)

// ErrWouldBlock is what package transport exports under this name.
var ErrWouldBlock = errors.New("transport: the operation would block")

// Net is a network. It serves one loop at a time.
type Net struct {
	Weather Weather // nil: nothing goes wrong
	Window  int     // bytes that a direction of a connection holds
	Default Link    // the quality of all links that SetLink has not set

	loop  atomic.Pointer[aio.Loop]
	hosts []*Host // in the order they were made
	links map[path]*Link
	cuts  map[path]*cut
	names uint32 // given to the one host of a plain network
}

type path struct{ from, to *Host }

// Link says how good the way from one host to another is. The zero value is perfect.
type Link struct {
	Latency   time.Duration // that each byte and each datagram takes
	Bandwidth int           // bytes a second; 0 means no limit
}

// takes is how long n bytes take besides the latency, if there is a bandwidth.
func (l *Link) takes(n int) time.Duration {
	return time.Duration(n) * time.Second / time.Duration(l.Bandwidth)
}

// Weather decides what happens to what is sent. Its methods are called on the loop, within the
// step that sends.
type Weather interface {
	// Send is asked about p, at least a byte, that c is about to send.
	Send(c *Conn, p []byte) Fate
	// Datagram returns the additional delay of each copy that arrives; nil means that none does.
	Datagram(from, to *Host, p []byte) []time.Duration
	// Lookup returns an error if the name cannot be resolved.
	Lookup(from *Host, name string) error
}

// Fate is what happens to bytes that are sent.
type Fate struct {
	Delay time.Duration // in addition to that of the link
	Reset bool          // the connection is reset after the first Taken bytes
	Taken int
}

// cut is a way that lets nothing through.
type cut struct {
	depth   int
	waiting []*flow
}

// DefaultWindow is about what a socket of the system holds at first.
const DefaultWindow = 64 << 10

// New returns a network without hosts.
func New() *Net {
	return &Net{Window: DefaultWindow, links: map[path]*Link{}, cuts: map[path]*cut{}}
}

// NewPlain returns a network with one host, which has every address. A name that is looked up for
// the first time gets an address of its own.
func NewPlain() *Host {
	n := New()
	h := n.AddHost("localhost", netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback())
	h.any = true
	h.known = map[string]netip.Addr{"localhost": h.Addrs[0]}
	return h
}

// hostAt returns the host that from reaches at an address, nil if there is none.
func (n *Net) hostAt(ip netip.Addr, from *Host) *Host {
	if from.any || ip.IsLoopback() || ip.IsUnspecified() {
		return from
	}
	for _, h := range n.hosts {
		if slices.Contains(h.Addrs, ip) {
			return h
		}
	}
	return nil
}

// AddHost adds a host.
func (n *Net) AddHost(name string, addrs ...netip.Addr) *Host {
	h := &Host{
		Net: n, Name: name, Addrs: addrs, next: FirstFreePort,
		tcp: map[uint16][]*Listener{}, unix: map[string]*Listener{}, udp: map[uint16][]*Packet{},
	}
	n.hosts = append(n.hosts, h)
	return h
}

// Hosts returns the hosts in the order they were added.
func (n *Net) Hosts() []*Host { return n.hosts }

// SetLink sets the quality of the way from one host to another.
func (n *Net) SetLink(from, to *Host, l Link) { n.links[path{from, to}] = &l }

// perfect is the way from a host to itself.
var perfect Link

func (n *Net) link(from, to *Host) *Link {
	if from == to {
		return &perfect
	}
	if l := n.links[path{from, to}]; l != nil {
		return l
	}
	return &n.Default
}

// Cut lets nothing through from one host to another until Heal was called as often.
func (n *Net) Cut(from, to *Host) {
	p := path{from, to}
	c := n.cuts[p]
	if c == nil {
		c = &cut{}
		n.cuts[p] = c
	}
	if c.depth++; c.depth == 1 {
		for _, conn := range from.conns {
			if conn.peer.host == to {
				conn.silence()
				conn.peer.silence()
			}
		}
	}
}

// Heal takes back a Cut.
func (n *Net) Heal(from, to *Host) {
	c := n.cuts[path{from, to}]
	if c == nil || c.depth == 0 {
		return
	}
	if c.depth--; c.depth > 0 {
		return
	}
	waiting := c.waiting
	c.waiting = nil
	for _, f := range waiting {
		f.resend()
	}
	for _, conn := range from.conns {
		if conn.peer.host == to {
			conn.heard()
			conn.peer.heard()
		}
	}
}

func (n *Net) isCut(from, to *Host) bool {
	c := n.cuts[path{from, to}]
	return c != nil && c.depth > 0
}

// enter makes loop the one that uses the network. What an earlier loop left is gone with it.
func (n *Net) enter(loop *aio.Loop, op string) {
	was := n.loop.Load()
	if was == loop {
		return
	}
	if was != nil && !was.IsClosed() || !n.loop.CompareAndSwap(was, loop) {
		panic("transport: " + op + ": the network in memory is in use by another loop; " +
			"make one for each loop")
	}
	for _, h := range n.hosts {
		clear(h.tcp)
		clear(h.unix)
		clear(h.udp)
		h.conns = nil
	}
}

// Host is a machine.
type Host struct {
	Net   *Net
	Name  string
	Addrs []netip.Addr // besides the loopback addresses

	any   bool                  // every address is its own
	known map[string]netip.Addr // names that were looked up, if any is set
	down  bool                  // it has crashed and was not restarted
	tcp   map[uint16][]*Listener
	unix  map[string]*Listener
	udp   map[uint16][]*Packet
	conns []*Conn
	next  uint16 // the next free port to try
}

// FirstFreePort is where the ports begin that the system chooses.
const FirstFreePort = 32768

type hostKey struct{}

// WithHost returns a context of a program that runs on h.
func WithHost(ctx context.Context, h *Host) context.Context {
	return context.WithValue(ctx, hostKey{}, h)
}

// HostFrom returns the host on which the program with ctx runs, nil if it is a real one.
func HostFrom(ctx context.Context) *Host {
	h, _ := ctx.Value(hostKey{}).(*Host)
	return h
}

// Down reports whether the host has crashed and was not restarted.
func (h *Host) Down() bool { return h.down }

// has reports whether an address is the host's own.
func (h *Host) has(ip netip.Addr) bool {
	return h.any || ip.IsLoopback() || ip.IsUnspecified() || slices.Contains(h.Addrs, ip)
}

// source is the address from which the host reaches another one.
func (h *Host) source(to netip.Addr) netip.Addr {
	if to.IsLoopback() {
		return to
	}
	for _, ip := range h.Addrs {
		if ip.Is4() == to.Is4() {
			return ip
		}
	}
	return netip.Addr{}
}

// freePort returns a port that nobody uses.
func (h *Host) freePort() (uint16, error) {
	for range 1<<16 - FirstFreePort {
		p := h.next
		if h.next++; h.next == 0 {
			h.next = FirstFreePort
		}
		if len(h.tcp[p]) == 0 && len(h.udp[p]) == 0 {
			return p, nil
		}
	}
	return 0, sys.EADDRINUSE
}

// Lookup resolves a name.
func (h *Host) Lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	if w := h.Net.Weather; w != nil {
		if err := w.Lookup(h, name); err != nil {
			return nil, err
		}
	}
	if name == "localhost" {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
	}
	if h.any {
		ip, ok := h.known[name]
		if !ok {
			h.Net.names++
			n := h.Net.names // 10.0.0.1 and so on
			ip = netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
			h.known[name] = ip
		}
		return []netip.Addr{ip}, nil
	}
	for _, o := range h.Net.hosts {
		if o.Name == name {
			return slices.Clone(o.Addrs), nil
		}
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// LookupAddr returns the name of an address.
func (h *Host) LookupAddr(ip netip.Addr) ([]string, error) {
	if ip.IsLoopback() {
		return []string{"localhost"}, nil
	}
	var names []string
	for name, known := range h.known {
		if known == ip {
			names = append(names, name)
		}
	}
	for _, o := range h.Net.hosts {
		if !o.any && slices.Contains(o.Addrs, ip) {
			names = append(names, o.Name)
		}
	}
	if len(names) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: ip.String(), IsNotFound: true}
	}
	slices.Sort(names)
	return names, nil
}

// Crash ends everything that the host has, without a word to other hosts. At the host itself the
// transports learn that they are closed, so that nothing of them is left.
func (h *Host) Crash() {
	h.down = true
	for _, port := range slices.Sorted(maps.Keys(h.tcp)) {
		for _, l := range slices.Clone(h.tcp[port]) {
			l.Close()
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h.unix)) {
		h.unix[name].Close()
	}
	clear(h.unix)
	for _, port := range slices.Sorted(maps.Keys(h.udp)) {
		for _, p := range slices.Clone(h.udp[port]) {
			p.vanish()
		}
	}
	for len(h.conns) > 0 {
		c := h.conns[len(h.conns)-1]
		c.vanish()
		c.crashed = true
		c.report(aio.Readable | aio.Writable | aio.HangUp)
		c.peer.silence()
	}
}

// Restart lets the host take part again. Who sends to a connection of its earlier life learns that
// it is gone.
func (h *Host) Restart() {
	h.down = false
	for _, o := range h.Net.hosts {
		for _, c := range slices.Clone(o.conns) {
			if c.peer.host == h && c.peer.gone {
				c.peerIsGone()
			}
		}
	}
}

func tcpAddr(a netip.AddrPort) net.Addr { return net.TCPAddrFromAddrPort(a) }

func udpAddr(a netip.AddrPort) net.Addr {
	if !a.IsValid() {
		return nil
	}
	return net.UDPAddrFromAddrPort(a)
}

func unixAddr(name string) net.Addr { return &net.UnixAddr{Name: name, Net: "unix"} }

// pause waits on the loop's clock for d.
func pause(ctx context.Context, op string, about any, d time.Duration) error {
	w := aio.NewWaiter(ctx, op, about)
	t := aio.RunningLoop(ctx).NewTimer(func() { w.Unpark() })
	t.Start(d)
	defer t.Stop()
	return w.Park()
}

// fits reports whether a listener or socket bound to local hears what is sent to ip.
func fits(network string, local, ip netip.Addr) bool {
	switch {
	case !local.IsUnspecified():
		return local == ip
	case local.Is4():
		return ip.Is4()
	case network == "tcp" || network == "udp":
		return true
	}
	return ip.Is6()
}

// overlap reports whether two local addresses cannot be used at the same port.
func overlap(aNet string, a netip.Addr, bNet string, b netip.Addr) bool {
	return a == b || a.IsUnspecified() && fits(aNet, a, b) || b.IsUnspecified() && fits(bNet, b, a)
}

func keepAliveOf(d time.Duration) time.Duration { return cmp.Or(d, 15*time.Second) }
