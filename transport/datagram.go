package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/aio-go/aio"
)

// DatagramTransport is a UDP endpoint as its [DatagramProtocol] sees it. It never suspends anybody. Every
// method belongs to the loop's goroutine.
//
// It stands for asyncio.DatagramTransport.
type DatagramTransport interface {
	// SendTo sends p as one datagram, which may be empty; to is the receiver, or the zero value on an
	// endpoint that is connected. What the socket does not take at once is copied and follows, in order,
	// so the caller may use p again when SendTo returns. Nothing is reported here: a refusal by the
	// system reaches the protocol's ErrorReceived. On a transport that is closing or lost the datagram
	// is dropped. SendTo panics if a connected endpoint is to send to another address, or one that is
	// not connected to none.
	SendTo(p []byte, to netip.AddrPort)

	// Close stops receiving, sends what is queued, and then ends the endpoint: ConnectionLost(nil)
	// follows through the loop, never inside Close. A second Close does nothing.
	Close()
	// Abort drops what is queued and ends the endpoint: ConnectionLost(nil) follows through the loop.
	Abort()
	// IsClosing reports whether the transport is closing or has been closed or lost.
	IsClosing() bool

	// SetWriteBufferLimits, WriteBufferLimits and WriteBufferSize are those of [Transport]; each queued
	// datagram counts as its length and 8 bytes more.
	SetWriteBufferLimits(high, low int) error
	WriteBufferLimits() (high, low int)
	WriteBufferSize() int

	// SetProtocol makes p the receiver of everything from now on; p's ConnectionMade is not called.
	// It panics if p is nil.
	SetProtocol(p DatagramProtocol)
	// Protocol returns the current protocol, nil after the endpoint ended.
	Protocol() DatagramProtocol

	// LocalAddr returns the address of this end; it stays available after the endpoint ended.
	LocalAddr() net.Addr
	// RemoteAddr returns the address the endpoint is connected to, nil if it is not.
	RemoteAddr() net.Addr

	// Loop returns the loop the transport belongs to.
	Loop() *aio.Loop
}

// DatagramProtocol receives the events of one UDP endpoint, as ordinary callbacks of the loop. A callback
// must not await; it may start tasks. Exactly one ConnectionMade comes first, exactly one ConnectionLost
// last. A panic in ConnectionMade, DatagramReceived or ErrorReceived ends the endpoint: it is reported to
// the loop's exception handler and handed to ConnectionLost as an [*aio.PanicError].
//
// Embed [BaseDatagramProtocol] to write only the methods of interest. A protocol that has the methods of
// [FlowControl] gets those calls too.
//
// It stands for asyncio.DatagramProtocol.
type DatagramProtocol interface {
	// ConnectionMade hands over the transport, before anything is received.
	ConnectionMade(t DatagramTransport)
	// DatagramReceived delivers one datagram and its sender. p is valid only during the call.
	DatagramReceived(p []byte, from netip.AddrPort)
	// ErrorReceived says that the system refused to send or receive a datagram, often because of an
	// earlier one; the endpoint stays open. syscall.ECONNREFUSED comes only to a connected one.
	ErrorReceived(err error)
	// ConnectionLost is the last call: nil after Close or Abort, otherwise the error that ended it.
	ConnectionLost(err error)
}

// BaseDatagramProtocol is a datagram protocol whose callbacks do nothing, to be embedded.
type BaseDatagramProtocol struct{}

// ConnectionMade does nothing.
func (BaseDatagramProtocol) ConnectionMade(DatagramTransport) {}

// DatagramReceived does nothing.
func (BaseDatagramProtocol) DatagramReceived([]byte, netip.AddrPort) {}

// ErrorReceived does nothing.
func (BaseDatagramProtocol) ErrorReceived(error) {}

// ConnectionLost does nothing.
func (BaseDatagramProtocol) ConnectionLost(error) {}

// PauseWriting does nothing.
func (BaseDatagramProtocol) PauseWriting() {}

// ResumeWriting does nothing.
func (BaseDatagramProtocol) ResumeWriting() {}

// Broadcast lets an endpoint send to broadcast addresses. The default is false. For [Endpoint] only.
func Broadcast(on bool) Option {
	return optionFunc(func(o *options) { o.broadcast = on })
}

// Endpoint opens a UDP socket for p and returns the transport when p's ConnectionMade has run. network is
// "udp", "udp4" or "udp6". local is the "host:port" the socket is bound to, or "" to leave that to the
// system; an empty host means every interface, an empty port or 0 a free one. remote is the address the
// socket is connected to, or "": a connected endpoint sends to and receives from that address only. With
// neither, network has to name a version of IP. The first pair of addresses of the same version that
// works is taken. The options are [ReusePort] and [Broadcast].
//
// The error is a [*net.OpError]; after it nothing is left open and p has heard nothing. Where ctx's
// [Network] has no datagrams it matches errors.ErrUnsupported.
//
// It suspends the task; it panics in a goroutine that is not the loop's. Cancellation: nothing is left
// open. If the endpoint stood already it is aborted: then p may have heard ConnectionMade, and will hear
// ConnectionLost.
//
// It stands for loop.create_datagram_endpoint of asyncio.
func Endpoint(ctx context.Context, network, local, remote string, p DatagramProtocol, opts ...Option) (DatagramTransport, error) {
	const op = "Endpoint"
	switch network {
	case "udp":
		if local == "" && remote == "" {
			panic("transport: Endpoint: neither an address nor a version of IP; give an address, or use udp4 or udp6")
		}
	case "udp4", "udp6":
	default:
		panic("transport: Endpoint: " + strconv.Quote(network) + " is no network for datagrams; use udp, udp4 or udp6")
	}
	checkDatagramProtocol(op, p)
	o := gather(op, opts)
	if o.tlsConfig != nil {
		panic("transport: Endpoint: TLS secures streams only; drop the option")
	}
	needTask(ctx, op)
	h := hubOf(aio.RunningLoop(ctx))
	n, ok := NetworkFrom(ctx).(DatagramNetwork)
	if !ok {
		return nil, &net.OpError{Op: "listen", Net: network, Err: errors.ErrUnsupported}
	}
	pairs, err := endpointAddresses(ctx, network, local, remote)
	if err != nil {
		return nil, err
	}
	var first error
	for _, pair := range pairs {
		conn, err := n.Datagram(ctx, network, pair.local, pair.remote, DatagramOptions{ReusePort: o.reusePort, Broadcast: o.broadcast})
		if err == nil {
			return establishEndpoint(ctx, op, h, conn, p, o.shutdownTimeout)
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// AdoptEndpoint makes a transport of a UDP socket that was made elsewhere, and returns it when p's
// ConnectionMade has run. c belongs to the transport from then on, also after an error: do not use it any
// more.
//
// It suspends the task; it panics if c is nil. Cancellation: the endpoint is aborted.
//
// It stands for loop.create_datagram_endpoint(sock=...) of asyncio.
func AdoptEndpoint(ctx context.Context, c *net.UDPConn, p DatagramProtocol) (DatagramTransport, error) {
	const op = "AdoptEndpoint"
	if c == nil {
		panic("transport: AdoptEndpoint: the socket is nil; pass one, or use Endpoint")
	}
	checkDatagramProtocol(op, p)
	needTask(ctx, op)
	h := hubOf(aio.RunningLoop(ctx))
	conn, err := adoptDatagram(ctx, h, c)
	if err != nil {
		c.Close()
		return nil, err
	}
	return establishEndpoint(ctx, op, h, conn, p, defaultShutdownTimeout)
}

func checkDatagramProtocol(op string, p DatagramProtocol) {
	if p == nil {
		panic("transport: " + op + ": the protocol is nil; pass one, BaseDatagramProtocol{} ignores everything")
	}
}

// establishEndpoint puts a transport over conn and waits until the protocol has it.
func establishEndpoint(ctx context.Context, op string, h *hub, conn DatagramConn, p DatagramProtocol, patience time.Duration) (DatagramTransport, error) {
	w := aio.NewWaiter(ctx, "transport."+op, conn)
	t := newDatagramTransport(h, conn, p, func() { w.Unpark() })
	t.linger.patience = patience
	if err := w.Park(); err != nil {
		t.Abort()
		return nil, err
	}
	return t, nil
}

// endpointPair is one way to make an endpoint; the zero value on a side means none.
type endpointPair struct{ local, remote netip.AddrPort }

// endpointAddresses resolves both sides and pairs what is of the same version of IP.
func endpointAddresses(ctx context.Context, network, local, remote string) ([]endpointPair, error) {
	n := NetworkFrom(ctx)
	side := func(op, address string, kind hostKind) ([]netip.AddrPort, error) {
		if address == "" {
			return []netip.AddrPort{{}}, nil
		}
		return resolve(ctx, n, op, network, address, kind)
	}
	locals, err := side("listen", local, serving)
	if err != nil {
		return nil, err
	}
	remotes, err := side("dial", remote, dialing)
	if err != nil {
		return nil, err
	}
	if local == "" && remote == "" {
		any := netip.IPv6Unspecified()
		if network == "udp4" {
			any = netip.IPv4Unspecified()
		}
		return []endpointPair{{local: netip.AddrPortFrom(any, 0)}}, nil
	}
	var pairs []endpointPair
	for _, r := range remotes {
		for _, l := range locals {
			if !l.IsValid() || !r.IsValid() || l.Addr().Is4() == r.Addr().Is4() {
				pairs = append(pairs, endpointPair{l, r})
			}
		}
	}
	if len(pairs) == 0 {
		return nil, &net.OpError{Op: "dial", Net: network,
			Err: &net.AddrError{Err: "the local address " + local + " is not of the same version of IP", Addr: remote}}
	}
	return pairs, nil
}

// udpAddr returns a as package net's type, nil for the zero value.
func udpAddr(a netip.AddrPort) net.Addr {
	if !a.IsValid() {
		return nil
	}
	return net.UDPAddrFromAddrPort(a)
}
