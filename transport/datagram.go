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

// DatagramTransport is a UDP endpoint as its [DatagramProtocol] sees it. No method suspends.
// asyncio: DatagramTransport.
type DatagramTransport interface {
	// SendTo sends p as one datagram, which may be empty. to is the receiver, or the zero value on
	// a connected endpoint. If the socket has no room, the datagram is copied and sent later, in
	// order; the caller may use p again when SendTo returns. SendTo returns no error: a refusal by
	// the system reaches the protocol's ErrorReceived. On a transport that is closing or lost the
	// datagram is dropped. SendTo panics if a connected endpoint is given another address, or one
	// that is not connected is given none.
	SendTo(p []byte, to netip.AddrPort)

	// Close stops receiving, sends the queued datagrams and then ends the endpoint.
	// ConnectionLost(nil) is called by the loop, never inside Close. A second Close does nothing.
	Close()
	// Abort drops the queued datagrams and ends the endpoint. ConnectionLost(nil) is called by the
	// loop.
	Abort()
	// IsClosing reports whether the transport is closing or has been closed or lost.
	IsClosing() bool

	// SetWriteBufferLimits, WriteBufferLimits and WriteBufferSize are those of [Transport]; each
	// queued datagram counts as its length plus 8 bytes.
	SetWriteBufferLimits(high, low int) error
	WriteBufferLimits() (high, low int)
	WriteBufferSize() int

	// SetProtocol makes p the receiver of all further events. p's ConnectionMade is not called. It
	// panics if p is nil.
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

// DatagramProtocol receives the events of one UDP endpoint as callbacks of the loop. A callback
// must not await; it may start tasks. ConnectionMade is called first, and ConnectionLost last; both
// are called once. A panic in ConnectionMade, DatagramReceived or ErrorReceived ends the endpoint.
// The panic is reported to the loop's exception handler and passed to ConnectionLost as an
// [*aio.PanicError].
//
// Embed [BaseDatagramProtocol] to write only the methods of interest. A protocol with the methods
// of [FlowControl] gets those calls too. asyncio: DatagramProtocol.
type DatagramProtocol interface {
	// ConnectionMade passes the transport, before anything is received.
	ConnectionMade(t DatagramTransport)
	// DatagramReceived delivers one datagram and its sender. p is valid only during the call.
	DatagramReceived(p []byte, from netip.AddrPort)
	// ErrorReceived says that the system refused to send or receive a datagram, often because of an
	// earlier datagram. The endpoint stays open. Only a connected endpoint gets
	// syscall.ECONNREFUSED.
	ErrorReceived(err error)
	// ConnectionLost is the last call. err is nil after Close or Abort, otherwise the error that
	// ended the endpoint.
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

// Broadcast lets an endpoint send to broadcast addresses. The default is false. For [Endpoint]
// only.
func Broadcast(on bool) Option {
	return optionFunc(func(o *options) { o.broadcast = on })
}

// Endpoint opens a UDP socket for p and returns the transport when p's ConnectionMade has run.
// network is "udp", "udp4" or "udp6". local is the "host:port" to bind the socket to; with "" the
// system chooses. An empty host means every interface, an empty port or 0 a free one. remote is the
// address to connect the socket to, or "": a connected endpoint sends to and receives from that
// address only. With neither, network has to name a version of IP. The first pair of addresses of
// one version that works is taken. The options are [ReusePort] and [Broadcast].
//
// The error is a [*net.OpError]. After an error nothing is left open and no method of p has been
// called. If the [Network] of ctx has no datagrams, the error matches errors.ErrUnsupported.
// asyncio: create_datagram_endpoint.
//
// Cancellation: nothing is left open. An endpoint that is open already is aborted: then
// ConnectionMade of p may have been called, and ConnectionLost will be.
func Endpoint(
	ctx context.Context, network, local, remote string, p DatagramProtocol, opts ...Option,
) (DatagramTransport, error) {
	const op = "Endpoint"
	switch network {
	case "udp":
		if local == "" && remote == "" {
			panic("transport: Endpoint: neither an address nor a version of IP; " +
				"give an address, or use udp4 or udp6")
		}
	case "udp4", "udp6":
	default:
		panic("transport: Endpoint: " + strconv.Quote(network) + " is no network for datagrams; " +
			"use udp, udp4 or udp6")
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
		conn, err := n.Datagram(ctx, network, pair.local, pair.remote, DatagramOptions{
			ReusePort: o.reusePort,
			Broadcast: o.broadcast,
		})
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
// ConnectionMade has run. The transport owns c from then on, also after an error: do not use c any
// more. It panics if c is nil. asyncio: create_datagram_endpoint(sock=...).
//
// Cancellation: the endpoint is aborted.
func AdoptEndpoint(
	ctx context.Context, c *net.UDPConn, p DatagramProtocol,
) (DatagramTransport, error) {
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
		panic("transport: " + op + ": the protocol is nil; " +
			"pass one, BaseDatagramProtocol{} ignores everything")
	}
}

// establishEndpoint puts a transport over conn and waits until ConnectionMade has run.
func establishEndpoint(
	ctx context.Context,
	op string,
	h *hub,
	conn DatagramConn,
	p DatagramProtocol,
	patience time.Duration,
) (DatagramTransport, error) {
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

// endpointAddresses resolves both sides and pairs the addresses of the same version of IP.
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
			Err: &net.AddrError{Err: "the local address " + local +
				" is not of the same version of IP", Addr: remote}}
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
