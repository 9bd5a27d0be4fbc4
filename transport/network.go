package transport

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/unixsocket"
)

// ErrWouldBlock is returned by the Try methods of [Conn] and [Listener] when there is nothing to do
// before the next report of readiness.
var ErrWouldBlock = errors.New("transport: the operation would block")

// Conn is the non-blocking byte pipe below a transport. All methods belong to the loop's goroutine and
// none of them suspends.
//
// Readiness is edge-triggered. Readable is reported when bytes arrive, the peer stops sending or the
// connection fails; after it the receiver reads until ErrWouldBlock, or until a read that did not fill
// its buffer: such a short read means that nothing was left, unless HangUp has been reported, from when
// on only io.EOF or an error is the end. Writable is reported when room appears after ErrWouldBlock
// from TryWrite. A report may be spurious.
//
// A Conn that takes bytes before the network does implements [Pender] as well.
type Conn interface {
	// Start begins to report readiness to ready, as calls by the loop, never inside Start. What is
	// ready already is reported too. It is called once.
	Start(ready func(aio.Interest)) error
	// TryRead reads into p, which is not empty. At the end of the stream it returns 0 and io.EOF.
	TryRead(p []byte) (int, error)
	// TryWrite takes bytes of p, perhaps not all of them.
	TryWrite(p []byte) (int, error)
	// CloseWrite ends the sending half, after everything TryWrite took. A Conn for which that depends
	// has a method CanCloseWrite() bool as well.
	CloseWrite() error
	// Close ends the connection and all reports, and frees what the Conn holds. A second call does nothing.
	Close() error
	// LocalAddr and RemoteAddr stay available after Close.
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
}

// Pender is implemented by a [Conn] whose TryWrite keeps bytes that Close would drop. The transport
// counts them as part of its write buffer and, after Transport.Close, waits for them to go out.
type Pender interface {
	// Pending returns the number of bytes taken but not yet sent. When it falls, or sending has failed,
	// Writable is reported; after a failure it is 0 and TryWrite of nothing returns the error.
	Pending() int
}

// Listener makes Conns of what connects. All methods belong to the loop's goroutine.
type Listener interface {
	// Start begins to report waiting connections to ready, edge-triggered, through the loop.
	Start(ready func()) error
	// TryAccept returns the next connection, or ErrWouldBlock.
	TryAccept() (Conn, error)
	// Close stops listening; connections not yet accepted are dropped. A second call does nothing.
	Close() error
	// Addr returns the address listened on; it stays available after Close.
	Addr() net.Addr
}

// DialOptions is what [Network.Dial] is told besides the address.
type DialOptions struct {
	// LocalAddr is the address this end is bound to; the zero value leaves it to the system.
	LocalAddr netip.AddrPort
	// KeepAlive is how long a TCP peer may be silent before the system asks whether it is still there; 0 means
	// 15 seconds, less never.
	KeepAlive time.Duration
}

// ListenOptions is what [Network.Listen] is told besides the address.
type ListenOptions struct {
	// Backlog is the number of connections that may wait to be accepted; 0 means as many as the system allows.
	Backlog int
	// ReusePort lets several sockets listen on the same address; the system spreads connections.
	ReusePort bool
	// KeepSocketFile leaves the file of a unix socket in place when the listener closes.
	KeepSocketFile bool
	// SocketMode is the mode of the file of a unix socket, who may connect; 0 means 0600.
	SocketMode fs.FileMode
	// KeepAlive is that of DialOptions, for the connections that are accepted.
	KeepAlive time.Duration
}

func (o ListenOptions) socketMode() fs.FileMode { return cmp.Or(o.SocketMode, unixsocket.DefaultMode) }

// Network is the provider every connection, listener and look-up of this package goes through. A test
// can put a simulated one in place with [WithNetwork].
type Network interface {
	// Dial connects and returns when the connection stands. network is "tcp", "tcp4", "tcp6" or
	// "unix"; address is a literal IP address and port, or a path.
	//
	// It suspends the task. Cancellation: the attempt is given up and its descriptor closed.
	Dial(ctx context.Context, network, address string, o DialOptions) (Conn, error)
	// Listen binds and listens at once; it does not suspend. An empty or unspecified host means every
	// interface, in both versions of IP where the network is "tcp".
	Listen(ctx context.Context, network, address string, o ListenOptions) (Listener, error)
	// LookupHost resolves a name off the loop.
	//
	// It suspends the task. Cancellation: it returns at once; the look-up is abandoned.
	LookupHost(ctx context.Context, host string) ([]netip.Addr, error)
}

type networkKey struct{}

// WithNetwork returns a copy of ctx in which connections are made and accepted by n.
func WithNetwork(ctx context.Context, n Network) context.Context {
	if n == nil {
		panic("transport: WithNetwork: the network is nil; pass Native(), Portable() or one of your own")
	}
	return context.WithValue(ctx, networkKey{}, n)
}

// NetworkFrom returns the network ctx carries, [Native] if it carries none.
func NetworkFrom(ctx context.Context) Network {
	if n, ok := ctx.Value(networkKey{}).(Network); ok {
		return n
	}
	return Native()
}
