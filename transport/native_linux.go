package transport

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/aio-go/aio"
)

// nativeSocket is a descriptor that the loop's poller watches.
type nativeSocket struct {
	loop  *aio.Loop
	fd    int // -1 after close
	watch *aio.Watch
}

func (s *nativeSocket) start(ready func(aio.Interest)) (err error) {
	s.watch, err = s.loop.Watch(uintptr(s.fd), ready)
	return err
}

func (s *nativeSocket) close() error {
	if s.fd < 0 {
		return nil
	}
	if s.watch != nil {
		s.watch.Close()
		s.watch = nil
	}
	fd := s.fd
	s.fd = -1
	return syscall.Close(fd)
}

// nativeNetwork makes sockets itself and watches them with the loop's poller.
type nativeNetwork struct{ systemResolver }

// Native returns the network that talks to the system's sockets directly. It needs a poller of
// descriptors (Linux); elsewhere it is [Portable].
func Native() Network { return nativeNetwork{} }

func (nativeNetwork) Dial(
	ctx context.Context, network, address string, o DialOptions,
) (Conn, error) {
	loop := aio.RunningLoop(ctx)
	c := &nativeConn{nativeSocket: nativeSocket{loop: loop, fd: -1}}
	var to syscall.Sockaddr
	if network == "unix" {
		to = &syscall.SockaddrUnix{Name: address}
		c.path = &unixNames{remote: address}
	} else {
		remote, err := parseLiteral("dial", network, address)
		if err != nil {
			return nil, err
		}
		if to, err = sockaddr(remote); err != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Addr: tcpAddr(remote), Err: err}
		}
		c.remote, c.local = remote, &o.LocalAddr
	}
	connected := false
	defer func() {
		if !connected { // after an error, or if the loop ended the task in its wait
			c.Close()
		}
	}()
	call, err := c.connect(ctx, to)
	for tries := 0; err == nil && c.self(o) && tries < maxSelf; tries++ {
		c.Close()
		c.local = &o.LocalAddr
		call, err = c.connect(ctx, to)
	}
	if err == nil && c.self(o) {
		call, err = "connect", syscall.ECONNREFUSED
	}
	if err == nil {
		connected = true
		if c.path == nil {
			setKeepAlive(c.fd, o.KeepAlive)
		}
		return c, nil
	}
	if isCancelled(ctx, err) {
		return nil, err
	}
	failure := &net.OpError{
		Op:   "dial",
		Net:  network,
		Addr: c.RemoteAddr(),
		Err:  os.NewSyscallError(call, err),
	}
	if o.LocalAddr.IsValid() {
		failure.Source = c.LocalAddr()
	}
	return nil, failure
}

// maxSelf is how often an attempt is repeated after it connected a socket to itself.
const maxSelf = 2

// self reports whether the socket is connected to itself. The system makes such a connection if it
// happens to choose, for the local end, the very port of this machine that is being dialled. A dead
// host would then seem alive.
func (c *nativeConn) self(o DialOptions) bool {
	return c.path == nil && !o.LocalAddr.IsValid() && *c.local == c.remote
}

// connect makes the socket and suspends until it is connected. If it fails, it names the call that
// failed.
func (c *nativeConn) connect(ctx context.Context, to syscall.Sockaddr) (call string, err error) {
	if c.fd, err = streamSocket(family(to)); err != nil {
		return "socket", err
	}
	if c.local != nil && c.local.IsValid() {
		err := syscall.SetsockoptInt(c.fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
		if err != nil {
			return "setsockopt", err
		}
		from, err := sockaddr(*c.local)
		if err != nil {
			return "bind", err
		}
		if err := syscall.Bind(c.fd, from); err != nil {
			return "bind", err
		}
	}
	switch err := syscall.Connect(c.fd, to); err {
	case nil:
	case syscall.EINPROGRESS, syscall.EINTR:
		if err := c.awaitConnected(ctx); err != nil {
			return "connect", err
		}
	default:
		return "connect", err
	}
	c.connected()
	return "", nil
}

// awaitConnected suspends the task until the attempt has ended, and returns its error.
func (c *nativeConn) awaitConnected(ctx context.Context) error {
	w := aio.NewWaiter(ctx, "transport.Connect", c)
	watch, err := c.loop.Watch(uintptr(c.fd), func(ev aio.Interest) {
		if ev&(aio.Writable|aio.HangUp) != 0 {
			w.Unpark()
		}
	})
	if err != nil {
		w.Unpark() // a wait that was prepared has to be completed
		w.Park()
		return err
	}
	defer watch.Close()
	for ; ; w = aio.NewWaiter(ctx, "transport.Connect", c) {
		if err := w.Park(); err != nil {
			return err
		}
		code, err := syscall.GetsockoptInt(c.fd, syscall.SOL_SOCKET, syscall.SO_ERROR)
		if err == nil && code != 0 {
			err = syscall.Errno(code)
		}
		if err != nil {
			return err
		}
		// A report may be spurious. The connection is established only if it has a peer.
		if _, err := syscall.Getpeername(c.fd); err != syscall.ENOTCONN {
			return err
		}
	}
}

func (nativeNetwork) Listen(
	ctx context.Context, network, address string, o ListenOptions,
) (Listener, error) {
	l := &nativeListener{
		nativeSocket: nativeSocket{loop: aio.RunningLoop(ctx), fd: -1},
		network:      network,
	}
	var call string
	var err error
	if network == "unix" {
		l.addr = &net.UnixAddr{Name: address, Net: "unix"}
		call, err = l.listenUnix(address, o)
	} else {
		var at netip.AddrPort
		if at, err = parseLiteral("listen", network, address); err != nil {
			return nil, err
		}
		l.addr = tcpAddr(at)
		call, err = l.listenTCP(at, o)
		if network == "tcp" && at.Addr() == netip.IPv6Unspecified() && lacksIPv6(err) {
			l.close()
			call, err = l.listenTCP(netip.AddrPortFrom(netip.IPv4Unspecified(), at.Port()), o)
		}
	}
	if err != nil {
		l.Close()
		if _, ok := err.(syscall.Errno); ok {
			err = os.NewSyscallError(call, err)
		}
		return nil, &net.OpError{Op: "listen", Net: network, Addr: l.addr, Err: err}
	}
	return l, nil
}

func lacksIPv6(err error) bool {
	return err == syscall.EAFNOSUPPORT || err == syscall.EADDRNOTAVAIL ||
		err == syscall.EPROTONOSUPPORT
}
