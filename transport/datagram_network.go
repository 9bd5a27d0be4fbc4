package transport

import (
	"context"
	"net"
	"net/netip"

	"github.com/aio-go/aio"
)

// DatagramNetwork is implemented by a [Network] that has UDP; [Native] and [Portable] do.
type DatagramNetwork interface {
	Network
	// Datagram opens a UDP socket; it does not suspend. network is "udp", "udp4" or "udp6". The
	// socket is bound to local and connected to remote, and one of these may be the zero value. If
	// network is "udp" and local is the unspecified address of IPv6, the socket serves both
	// versions.
	Datagram(
		ctx context.Context, network string, local, remote netip.AddrPort, o DatagramOptions,
	) (DatagramConn, error)
}

// DatagramOptions are the options of [DatagramNetwork.Datagram].
type DatagramOptions struct {
	// ReusePort lets several sockets be bound to the same address.
	ReusePort bool
	// Broadcast lets the socket send to broadcast addresses.
	Broadcast bool
}

// DatagramConn is the non-blocking socket below a [DatagramTransport]. No method suspends.
// Readiness is edge-triggered, as that of a [Conn]. After Readable the receiver reads until
// ErrWouldBlock. Writable is reported when room appears after TryWriteTo returned ErrWouldBlock. A
// report may be spurious. A DatagramConn that buffers datagrams implements [Pender] as well.
type DatagramConn interface {
	// Start begins to report readiness to ready. The loop makes the calls, never inside Start.
	// Readiness that exists already is reported too. Start is called once.
	Start(ready func(aio.Interest)) error
	// TryReadFrom receives one datagram; the part that does not fit into p is lost. An error other
	// than ErrWouldBlock may be that of a datagram sent before; reading goes on after it.
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
