package transport

import (
	"context"
	"net"
	"net/netip"

	"github.com/aio-go/aio"
)

// DatagramNetwork is implemented by a [Network] that has UDP as well; [Native] and [Portable] do.
type DatagramNetwork interface {
	Network
	// Datagram opens a UDP socket; it does not suspend. network is "udp", "udp4" or "udp6". The socket is
	// bound to local and connected to remote, each of which may be the zero value, but not both. Bound to
	// the unspecified address of IPv6 it serves both versions where the network is "udp".
	Datagram(ctx context.Context, network string, local, remote netip.AddrPort, o DatagramOptions) (DatagramConn, error)
}

// DatagramOptions is what [DatagramNetwork] is told besides the addresses.
type DatagramOptions struct {
	// ReusePort lets several sockets be bound to the same address.
	ReusePort bool
	// Broadcast lets the socket send to broadcast addresses.
	Broadcast bool
}

// DatagramConn is the non-blocking socket below a [DatagramTransport]. All methods belong to the loop's
// goroutine and none of them suspends. Readiness is edge-triggered, as that of a [Conn]: after Readable
// the receiver reads until ErrWouldBlock, Writable is reported when room appears after ErrWouldBlock from
// TryWriteTo, and a report may be spurious. One that takes datagrams before the network does implements
// [Pender] as well.
type DatagramConn interface {
	// Start begins to report readiness to ready, as calls by the loop, never inside Start. What is
	// ready already is reported too. It is called once.
	Start(ready func(aio.Interest)) error
	// TryReadFrom receives one datagram, of which it drops what p has no room for. An error other than
	// ErrWouldBlock may be that of a datagram sent before; reading goes on after it.
	TryReadFrom(p []byte) (n int, from netip.AddrPort, err error)
	// TryWriteTo sends one datagram; to is the zero value if the socket is connected.
	TryWriteTo(p []byte, to netip.AddrPort) error
	// Close closes the socket and ends all reports. A second call does nothing.
	Close() error
	// LocalAddr stays available after Close.
	LocalAddr() net.Addr
	// RemoteAddr returns the address the socket is connected to, nil if it is not.
	RemoteAddr() net.Addr
}
