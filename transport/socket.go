package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
)

// ErrBlockingSocket says that a descriptor is in blocking mode: using it would stop the loop. Make
// it non-blocking with syscall.SetNonblock. [AdoptSocket] always checks the mode. In debug mode
// every operation of a [Socket] does, since others that share the descriptor can change it.
var ErrBlockingSocket = errors.New("transport: the socket is in blocking mode")

// Socket is a plain socket whose operations suspend the task until they are done. It is for
// protocols that do not fit the other forms of this package, and for code that is ported. [Connect]
// and package stream are simpler to use and as fast.
//
// Several tasks may wait on one Socket, for example one to receive and one to send; of two that
// receive each gets a part. Between operations the loop's poller does not watch the descriptor. The
// owner closes a Socket; the loop does at its end.
//
// Sockets need a poller of descriptors, so only Linux has them. asyncio: a non-blocking
// socket.socket with the loop.sock_* methods.
type Socket struct {
	hub     *hub
	calls   socketCalls
	network string // "tcp4", "tcp6", "udp4", "udp6" or "unix"
	closed  bool
	watch   *aio.Watch // while a task waits
	waiting []socketWait
}

// socketWait is a task that waits until the socket can do something.
type socketWait struct {
	waiter aio.Waiter
	want   aio.Interest
}

// socketCalls are the system calls of a socket. No method blocks: it returns ErrWouldBlock, and
// connect also syscall.EINPROGRESS. Other errors are of type *os.SyscallError.
type socketCalls interface {
	fd() uintptr
	isBlocking() bool
	bind(network, address string) error
	listen(backlog int) error
	connect(network string, to netip.AddrPort, path string) error
	connected() error // nil if connected, ErrWouldBlock if that is not known yet
	accept() (socketCalls, error)
	recv(p []byte) (int, error)
	recvFrom(p []byte) (int, netip.AddrPort, error)
	send(p []byte) (int, error)
	sendTo(p []byte, to netip.AddrPort) error
	sendfile(f *os.File, offset int64, limit int) (int, error)
	names(network string) (local, remote net.Addr) // nil if there is none
	close() error
}

// NewSocket makes a socket. network is "tcp4", "tcp6", "udp4", "udp6" or "unix"; the last is a
// stream. It panics for any other network. On systems without such sockets it fails with
// [errors.ErrUnsupported].
func NewSocket(ctx context.Context, network string) (*Socket, error) {
	switch network {
	case "tcp4", "tcp6", "udp4", "udp6", "unix":
	default:
		panic("transport: NewSocket: " + network + " is no network for sockets; " +
			"use tcp4, tcp6, udp4, udp6 or unix")
	}
	h := hubOf(aio.RunningLoop(ctx))
	calls, err := openSocket(network)
	if err != nil {
		return nil, &net.OpError{Op: "socket", Net: network, Err: err}
	}
	return newSocket(h, calls, network), nil
}

// AdoptSocket makes a Socket of a descriptor, which the Socket owns unless an error is returned.
// The error is [ErrBlockingSocket], or that of the system if fd is no TCP, UDP or unix stream
// socket.
func AdoptSocket(ctx context.Context, fd uintptr) (*Socket, error) {
	h := hubOf(aio.RunningLoop(ctx))
	calls, network, err := socketOf(fd)
	if err == nil && calls.isBlocking() {
		err = ErrBlockingSocket
	}
	if err != nil {
		return nil, &net.OpError{Op: "adopt", Net: network, Err: err}
	}
	return newSocket(h, calls, network), nil
}

func newSocket(h *hub, calls socketCalls, network string) *Socket {
	s := &Socket{hub: h, calls: calls, network: network}
	h.own(s)
	return s
}

// Fd returns the descriptor, for options that this package does not know. It is not valid after
// Close.
func (s *Socket) Fd() uintptr { return s.calls.fd() }

// Network returns "tcp4", "tcp6", "udp4", "udp6" or "unix".
func (s *Socket) Network() string { return s.network }

// LocalAddr returns the local address. It is nil if there is none, and after Close.
func (s *Socket) LocalAddr() net.Addr { local, _ := s.addrs(); return local }

// RemoteAddr returns the address of the peer. It is nil if there is none, and after Close.
func (s *Socket) RemoteAddr() net.Addr { _, remote := s.addrs(); return remote }

func (s *Socket) addrs() (local, remote net.Addr) {
	if s.closed {
		return nil, nil
	}
	return s.calls.names(s.network)
}

// Close closes the descriptor. Tasks that wait on it get an error that matches [net.ErrClosed]. A
// second call does nothing.
func (s *Socket) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	s.hub.disown(s)
	s.forget()
	for _, w := range s.waiting {
		w.waiter.Unpark()
	}
	return s.calls.close()
}

// Bind gives the socket an address of this machine: a literal "ip:port" or a path.
func (s *Socket) Bind(address string) error {
	if err := s.begin("bind"); err != nil {
		return err
	}
	return s.failed("bind", s.calls.bind(s.network, address))
}

// Listen prepares the socket for [Socket.Accept]. At most backlog connections wait.
func (s *Socket) Listen(backlog int) error {
	if err := s.begin("listen"); err != nil {
		return err
	}
	return s.failed("listen", s.calls.listen(backlog))
}

// Connect connects to "host:port" or a path. The network in ctx looks up a name; the first address
// of the socket's own version of IP is used. A datagram socket is connected at once.
// asyncio: sock_connect.
//
// Cancellation: the attempt goes on in the system; call Connect again, or Close.
func (s *Socket) Connect(ctx context.Context, address string) error {
	const op = "dial"
	if err := s.begin(op); err != nil {
		return err
	}
	var to netip.AddrPort
	if s.network != "unix" {
		all, err := resolve(ctx, NetworkFrom(ctx), op, s.network, address, dialing)
		if err != nil {
			return err
		}
		to = all[0]
	}
	err := s.calls.connect(s.network, to, address)
	for err == ErrWouldBlock {
		if err := s.wait(ctx, "transport.Socket.Connect", aio.Writable); err != nil {
			return s.failed(op, err)
		}
		err = s.calls.connected()
	}
	if err != nil && to.IsValid() {
		return &net.OpError{Op: op, Net: s.network, Addr: net.TCPAddrFromAddrPort(to), Err: err}
	}
	return s.failed(op, err)
}

// Accept returns the next connection; its RemoteAddr is the peer. asyncio: sock_accept.
//
// Cancellation: no connection is taken from the line.
func (s *Socket) Accept(ctx context.Context) (*Socket, error) {
	var calls socketCalls
	err := s.do(ctx, "accept", "transport.Socket.Accept", aio.Readable, func() (err error) {
		calls, err = s.calls.accept()
		return err
	})
	if err != nil {
		return nil, err
	}
	return newSocket(s.hub, calls, s.network), nil
}

// Recv receives the bytes that are there into p, at most len(p), or one datagram. The part of a
// datagram that does not fit is lost. At the end of a stream it returns 0 and [io.EOF].
// asyncio: sock_recv and sock_recv_into.
//
// Cancellation: nothing is taken.
func (s *Socket) Recv(ctx context.Context, p []byte) (n int, err error) {
	err = s.do(ctx, "read", "transport.Socket.Recv", aio.Readable, func() (err error) {
		n, err = s.calls.recv(p)
		return err
	})
	if err == nil && n == 0 && len(p) > 0 && s.isStream() {
		err = io.EOF
	}
	return n, err
}

// RecvFrom receives one datagram into p and returns its sender. The part that does not fit is lost.
// asyncio: sock_recvfrom and sock_recvfrom_into.
//
// Cancellation: nothing is taken.
func (s *Socket) RecvFrom(ctx context.Context, p []byte) (n int, from netip.AddrPort, err error) {
	err = s.do(ctx, "read", "transport.Socket.RecvFrom", aio.Readable, func() (err error) {
		n, from, err = s.calls.recvFrom(p)
		return err
	})
	return n, from, err
}

// SendAll sends all of p and returns the number of bytes sent, less than len(p) only with an error.
// asyncio: sock_sendall.
//
// Cancellation: the rest is not sent; the returned number says how much was.
func (s *Socket) SendAll(ctx context.Context, p []byte) (sent int, err error) {
	err = s.do(ctx, "write", "transport.Socket.SendAll", aio.Writable, func() error {
		for first := true; first || sent < len(p); first = false {
			n, err := s.calls.send(p[sent:])
			if err != nil {
				return err
			}
			sent += n
		}
		return nil
	})
	return sent, err
}

// SendTo sends p as one datagram to an address. asyncio: sock_sendto.
//
// Cancellation: nothing is sent.
func (s *Socket) SendTo(ctx context.Context, p []byte, to netip.AddrPort) error {
	return s.do(ctx, "write", "transport.Socket.SendTo", aio.Writable, func() error {
		return s.calls.sendTo(p, to)
	})
}

// Sendfile sends a file and returns the number of bytes sent. The remarks of [Sendfile] on options,
// the position of the file and slow disks apply. It panics if f is nil or the socket is no stream.
// asyncio: sock_sendfile.
//
// Cancellation: the transfer ends where it is.
func (s *Socket) Sendfile(ctx context.Context, f *os.File, opts ...SendfileOption) (int64, error) {
	if !s.isStream() {
		panic("transport: Socket.Sendfile: a " + s.network + " socket carries no byte stream; " +
			"use tcp or unix")
	}
	x := newFileTransfer("Socket.Sendfile", f, opts)
	if err := s.begin("sendfile"); err != nil {
		return 0, err
	}
	return x.run(ctx, fileTarget{
		clear: func(context.Context) error { return nil },
		try: func(f *os.File, offset int64, limit int) (int, error) {
			if s.closed {
				return 0, s.failed("sendfile", net.ErrClosed)
			}
			n, err := s.calls.sendfile(f, offset, limit)
			return n, s.failed("sendfile", err)
		},
		wait: func(ctx context.Context) error {
			return s.failed("sendfile", s.wait(ctx, "transport.Socket.Sendfile", aio.Writable))
		},
		write: func(ctx context.Context, p []byte) error {
			_, err := s.SendAll(ctx, p)
			return err
		},
	})
}

func (s *Socket) isStream() bool { return s.network[:3] != "udp" }

// begin refuses operations that cannot work, or would block.
func (s *Socket) begin(op string) error {
	switch {
	case s.closed:
		return s.failed(op, net.ErrClosed)
	case s.hub.loop.Debug() && s.calls.isBlocking():
		return s.failed(op, ErrBlockingSocket)
	}
	return nil
}

// do calls try until it does not return ErrWouldBlock, and waits in between.
func (s *Socket) do(
	ctx context.Context, op, name string, want aio.Interest, try func() error,
) error {
	if err := s.begin(op); err != nil {
		return err
	}
	err := try()
	for err == ErrWouldBlock {
		if err = s.wait(ctx, name, want); err == nil {
			err = try()
		}
	}
	return s.failed(op, err)
}

// wait suspends the task until the socket is ready. The poller watches it only meanwhile. Since the
// watch is new each time, it also reports readiness that exists already.
func (s *Socket) wait(ctx context.Context, name string, want aio.Interest) error {
	w := socketWait{aio.NewWaiter(ctx, name, s), want}
	s.waiting = append(s.waiting, w)
	defer func() { // also if the loop ends the task in its wait
		s.waiting = slices.DeleteFunc(s.waiting, func(x socketWait) bool { return x == w })
		if len(s.waiting) == 0 {
			s.forget()
		}
	}()
	if s.watch == nil {
		watch, err := s.hub.loop.Watch(s.calls.fd(), s.onReady)
		if err != nil {
			w.waiter.Unpark() // a wait that was prepared has to be completed
			w.waiter.Park()
			return err
		}
		s.watch = watch
	}
	if err := w.waiter.Park(); err != nil {
		return err
	}
	if s.closed {
		return net.ErrClosed
	}
	return nil
}

func (s *Socket) onReady(ev aio.Interest) {
	for _, w := range s.waiting {
		if ev&w.want != 0 {
			w.waiter.Unpark()
		}
	}
}

func (s *Socket) forget() {
	if s.watch != nil {
		s.watch.Close()
		s.watch = nil
	}
}

// failed adds the operation and the addresses to an error. Cancellations, and errors that have them
// already, stay as they are.
func (s *Socket) failed(op string, err error) error {
	_, system := errtree.As[*os.SyscallError](err)
	if err == net.ErrClosed || err == ErrBlockingSocket || system {
		local, remote := s.addrs()
		return &net.OpError{Op: op, Net: s.network, Source: local, Addr: remote, Err: err}
	}
	return err
}
