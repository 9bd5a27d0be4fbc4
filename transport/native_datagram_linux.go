package transport

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/aio-go/aio"
)

// nativeDatagram is a UDP socket.
type nativeDatagram struct {
	nativeSocket
	six           bool
	local, remote netip.AddrPort
}

func (nativeNetwork) Datagram(
	ctx context.Context, network string, local, remote netip.AddrPort, o DatagramOptions,
) (DatagramConn, error) {
	c := &nativeDatagram{
		nativeSocket: nativeSocket{loop: aio.RunningLoop(ctx), fd: -1},
		local:        local,
		remote:       remote,
	}
	call, err := c.open(network, o)
	if err != nil {
		c.Close()
		if _, ok := err.(syscall.Errno); ok {
			err = os.NewSyscallError(call, err)
		}
		if remote.IsValid() {
			return nil, &net.OpError{
				Op:     "dial",
				Net:    network,
				Source: udpAddr(local),
				Addr:   udpAddr(remote),
				Err:    err,
			}
		}
		return nil, &net.OpError{Op: "listen", Net: network, Addr: udpAddr(local), Err: err}
	}
	return c, nil
}

// open makes the socket. If it fails, it names the call that failed.
func (c *nativeDatagram) open(network string, o DatagramOptions) (call string, err error) {
	version := syscall.AF_INET
	if c.six = c.local.Addr().Is6() || c.remote.Addr().Is6(); c.six {
		version = syscall.AF_INET6
	}
	kind := syscall.SOCK_DGRAM | syscall.SOCK_NONBLOCK | syscall.SOCK_CLOEXEC
	if c.fd, err = syscall.Socket(version, kind, 0); err != nil {
		return "socket", err
	}
	set := func(level, option, value int) {
		if err == nil {
			err = syscall.SetsockoptInt(c.fd, level, option, value)
		}
	}
	if c.six {
		only := 1
		if network == "udp" && c.local.Addr() == netip.IPv6Unspecified() {
			only = 0
		}
		set(syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, only)
	}
	if o.ReusePort {
		set(syscall.SOL_SOCKET, soReusePort(), 1)
	}
	if o.Broadcast {
		set(syscall.SOL_SOCKET, syscall.SO_BROADCAST, 1)
	}
	if err != nil {
		return "setsockopt", err
	}
	if c.local.IsValid() {
		sa, err := sockaddr(c.local)
		if err != nil {
			return "bind", err
		}
		if err := syscall.Bind(c.fd, sa); err != nil {
			return "bind", err
		}
	}
	if c.remote.IsValid() {
		sa, err := sockaddr(c.remote)
		if err != nil {
			return "connect", err
		}
		if err := syscall.Connect(c.fd, sa); err != nil {
			return "connect", err
		}
	}
	sa, err := syscall.Getsockname(c.fd)
	if err != nil {
		return "getsockname", err
	}
	c.local = fromSockaddr(sa)
	return "", nil
}

// adoptDatagram takes the descriptor of c if ctx's network is the native one; otherwise goroutines
// use c.
func adoptDatagram(ctx context.Context, h *hub, c *net.UDPConn) (DatagramConn, error) {
	if _, ok := NetworkFrom(ctx).(nativeNetwork); !ok {
		if err := closedBefore(c); err != nil {
			return nil, err
		}
		return newPortableDatagram(h, c), nil
	}
	fd, err := takeDescriptor(c)
	if err != nil {
		return nil, err
	}
	n := &nativeDatagram{nativeSocket: nativeSocket{loop: h.loop, fd: fd}}
	if sa, err := syscall.Getsockname(fd); err == nil {
		n.local, n.six = fromSockaddr(sa), family(sa) == syscall.AF_INET6
	}
	if sa, err := syscall.Getpeername(fd); err == nil {
		n.remote = fromSockaddr(sa)
	}
	c.Close()
	return n, nil
}

func (c *nativeDatagram) Start(ready func(aio.Interest)) error {
	if c.fd < 0 {
		return c.fail("watch", net.ErrClosed)
	}
	return c.start(ready)
}

func (c *nativeDatagram) TryReadFrom(p []byte) (int, netip.AddrPort, error) {
	for {
		n, sa, err := syscall.Recvfrom(c.fd, p, 0)
		switch err {
		case nil:
			return n, fromSockaddr(sa), nil
		case syscall.EAGAIN:
			return 0, netip.AddrPort{}, ErrWouldBlock
		case syscall.EINTR:
		default:
			return 0, netip.AddrPort{}, c.fail("recvfrom", err)
		}
	}
}

func (c *nativeDatagram) TryWriteTo(p []byte, to netip.AddrPort) error {
	var sa syscall.Sockaddr
	if to.IsValid() {
		if ip := to.Addr(); c.six && ip.Is4() { // a socket for both versions
			to = netip.AddrPortFrom(netip.AddrFrom16(ip.As16()), to.Port())
		}
		var err error
		if sa, err = sockaddr(to); err != nil {
			return c.fail("sendto", err)
		}
	}
	for {
		switch err := syscall.Sendto(c.fd, p, 0, sa); err {
		case nil:
			return nil
		case syscall.EAGAIN:
			return ErrWouldBlock
		case syscall.EINTR:
		default:
			return c.fail("sendto", err)
		}
	}
}

func (c *nativeDatagram) Close() error {
	return os.NewSyscallError("close", c.close())
}

func (c *nativeDatagram) fail(call string, err error) error {
	op := "read"
	if call == "sendto" {
		op = "write"
	}
	if c.fd < 0 {
		err = net.ErrClosed
	} else if _, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError(call, err)
	}
	return &net.OpError{Op: op, Net: "udp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

func (c *nativeDatagram) LocalAddr() net.Addr  { return udpAddr(c.local) }
func (c *nativeDatagram) RemoteAddr() net.Addr { return udpAddr(c.remote) }
