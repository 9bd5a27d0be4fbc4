package transport

import (
	"cmp"
	"context"
	"io/fs"
	"net"
	"net/netip"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/simnet"
	"github.com/aio-go/aio/internal/unixsocket"
)

// ErrWouldBlock is returned by the Try methods of [Conn] and [Listener] when there is nothing to do
// before the next report of readiness.
var ErrWouldBlock = simnet.ErrWouldBlock

// Conn is the non-blocking byte pipe below a transport. No method suspends.
//
// Readiness is edge-triggered. Readable is reported when bytes arrive, the peer stops sending or
// the connection fails. After it the receiver reads until ErrWouldBlock, or until a read does not
// fill its buffer: such a short read means that nothing is left. Once HangUp has been reported,
// only io.EOF or an error is the end. Writable is reported when room appears after TryWrite
// returned ErrWouldBlock. A report may be spurious.
//
// A Conn that buffers bytes implements [Pender] as well.
type Conn interface {
	// Start begins to report readiness to ready. The loop makes the calls, never inside Start.
	// Readiness that exists already is reported too. Start is called once.
	Start(ready func(aio.Interest)) error
	// TryRead reads into p, which is not empty. At the end of the stream it returns 0 and io.EOF.
	TryRead(p []byte) (int, error)
	// TryWrite takes bytes of p, possibly not all of them.
	TryWrite(p []byte) (int, error)
	// CloseWrite ends the sending half after all bytes that TryWrite took. A Conn that cannot
	// always do so has a method CanCloseWrite() bool as well.
	CloseWrite() error
	// Close ends the connection and all reports, and frees its resources. A second call does
	// nothing.
	Close() error
	// LocalAddr and RemoteAddr stay available after Close.
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
}

// Pender is implemented by a [Conn] with a buffer that Close would drop. The transport counts these
// bytes as part of its write buffer. After Transport.Close it waits for them to go out.
type Pender interface {
	// Pending returns the number of bytes taken and not yet sent. When it falls, or sending has
	// failed, Writable is reported. After a failure it is 0, and TryWrite of no bytes returns the
	// error.
	Pending() int
}

// Listener makes a Conn of each connection that arrives.
type Listener interface {
	// Start begins to report waiting connections to ready. Reports are edge-triggered, and the loop
	// makes the calls.
	Start(ready func()) error
	// TryAccept returns the next connection, or ErrWouldBlock.
	TryAccept() (Conn, error)
	// Close stops listening; connections not yet accepted are dropped. A second call does nothing.
	Close() error
	// Addr returns the address listened on; it stays available after Close.
	Addr() net.Addr
}

// DialOptions are the options of [Network.Dial].
type DialOptions struct {
	// LocalAddr is the address the local end is bound to; the zero value leaves it to the system.
	LocalAddr netip.AddrPort
	// KeepAlive is how long a TCP peer may be silent before the system probes it. 0 means 15
	// seconds, less than 0 never.
	KeepAlive time.Duration
}

// ListenOptions are the options of [Network.Listen].
type ListenOptions struct {
	// Backlog is the number of connections that may wait to be accepted; 0 means as many as the
	// system allows.
	Backlog int
	// ReusePort lets several sockets listen on the same address; the system spreads connections.
	ReusePort bool
	// KeepSocketFile leaves the file of a unix socket in place when the listener closes.
	KeepSocketFile bool
	// SocketMode is the mode of the file of a unix socket: which users may connect. 0 means 0600.
	SocketMode fs.FileMode
	// KeepAlive is [DialOptions.KeepAlive] for the accepted connections.
	KeepAlive time.Duration
}

func (o ListenOptions) socketMode() fs.FileMode {
	return cmp.Or(o.SocketMode, unixsocket.DefaultMode)
}

// Network makes every connection and listener of this package and does every look-up. A test can
// replace it, for instance with [Memory]; see [WithNetwork].
type Network interface {
	// Dial returns when the connection is established. network is "tcp", "tcp4", "tcp6" or "unix";
	// address is a literal IP address and port, or a path.
	//
	// Cancellation: the attempt is given up and its descriptor closed.
	Dial(ctx context.Context, network, address string, o DialOptions) (Conn, error)
	// Listen binds and listens at once; it does not suspend. An empty or unspecified host means
	// every interface. If network is "tcp", it serves both versions of IP.
	Listen(ctx context.Context, network, address string, o ListenOptions) (Listener, error)
	// LookupHost resolves a name off the loop.
	//
	// Cancellation: it returns at once; the look-up is abandoned.
	LookupHost(ctx context.Context, host string) ([]netip.Addr, error)
}

type networkKey struct{}

// WithNetwork returns a copy of ctx whose connections are made and accepted by n.
func WithNetwork(ctx context.Context, n Network) context.Context {
	if n == nil {
		panic("transport: WithNetwork: the network is nil; " +
			"pass Native(), Portable(), Memory() or one of your own")
	}
	return context.WithValue(ctx, networkKey{}, n)
}

// NetworkFrom returns the network that ctx carries, or [Native]. On a host of a World, see package
// aiotest, the network is the host's, also in place of [Native] and [Portable].
func NetworkFrom(ctx context.Context) Network {
	n, _ := ctx.Value(networkKey{}).(Network)
	if n == nil || isReal(n) {
		if h := simnet.HostFrom(ctx); h != nil {
			return simulated{h}
		}
	}
	if n == nil {
		return Native()
	}
	return n
}

// isReal reports whether n is one of the networks of the system.
func isReal(n Network) bool { return n == Native() || n == Portable() }
