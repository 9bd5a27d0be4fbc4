package transport

import (
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/unixsocket"
)

// nativeListener is a listening socket.
type nativeListener struct {
	nativeSocket
	network string
	addr    net.Addr
	file    unixsocket.File
	origin  io.Closer       // the listener that was adopted, of a unix socket; nil if there is none
	local   *netip.AddrPort // the local end of the last connection
}

func (l *nativeListener) listenTCP(at netip.AddrPort, o ListenOptions) (call string, err error) {
	sa, err := sockaddr(at)
	if err != nil {
		return "bind", err
	}
	if l.fd, err = streamSocket(family(sa)); err != nil {
		return "socket", err
	}
	// This allows to listen on a port whose last connections are still winding down.
	if err := syscall.SetsockoptInt(l.fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return "setsockopt", err
	}
	setKeepAlive(l.fd, o.KeepAlive) // accepted connections inherit it
	if o.ReusePort {
		if err := syscall.SetsockoptInt(l.fd, syscall.SOL_SOCKET, soReusePort(), 1); err != nil {
			return "setsockopt", err
		}
	}
	if at.Addr().Is6() {
		only := 1
		if l.network == "tcp" && at.Addr().IsUnspecified() {
			only = 0
		}
		err := syscall.SetsockoptInt(l.fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, only)
		if err != nil {
			return "setsockopt", err
		}
	}
	if call, err := l.bind(sa, o); err != nil {
		return call, err
	}
	bound, err := syscall.Getsockname(l.fd)
	if err != nil {
		return "getsockname", err
	}
	l.addr = tcpAddr(fromSockaddr(bound))
	return "", nil
}

func (l *nativeListener) listenUnix(path string, o ListenOptions) (call string, err error) {
	if o.ReusePort {
		return "setsockopt", syscall.EOPNOTSUPP
	}
	if l.fd, err = streamSocket(syscall.AF_UNIX); err != nil {
		return "socket", err
	}
	err = unixsocket.Claim(path, func() error {
		return syscall.Bind(l.fd, &syscall.SockaddrUnix{Name: path})
	})
	if err != nil {
		return "bind", err
	}
	l.file = unixsocket.Remember(path)
	// before another process can connect
	if err := unixsocket.SetMode(path, o.socketMode()); err != nil {
		return "chmod", err
	}
	if call, err := l.listen(o); err != nil {
		return call, err
	}
	if o.KeepSocketFile {
		l.file = unixsocket.File{}
	}
	return "", nil
}

// longestBacklog is cut by the kernel to net.core.somaxconn. Old kernels keep only 16 bits.
const longestBacklog = 1<<16 - 1

func (l *nativeListener) bind(sa syscall.Sockaddr, o ListenOptions) (call string, err error) {
	if err := syscall.Bind(l.fd, sa); err != nil {
		return "bind", err
	}
	return l.listen(o)
}

func (l *nativeListener) listen(o ListenOptions) (call string, err error) {
	backlog := o.Backlog
	if backlog <= 0 {
		backlog = longestBacklog
	}
	if err := syscall.Listen(l.fd, backlog); err != nil {
		return "listen", err
	}
	return "", nil
}

func (l *nativeListener) Start(ready func()) error {
	if l.fd < 0 {
		return l.closedError()
	}
	return l.start(func(aio.Interest) { ready() })
}

func (l *nativeListener) TryAccept() (Conn, error) {
	for {
		if l.fd < 0 {
			return nil, l.closedError()
		}
		fd, sa, err := syscall.Accept4(l.fd, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
		switch err {
		case nil:
			reserveDescriptors(fd)
			return l.accepted(fd, sa), nil
		case syscall.EAGAIN:
			return nil, ErrWouldBlock
		case syscall.EINTR:
		default:
			return nil, &net.OpError{
				Op:   "accept",
				Net:  l.network,
				Addr: l.addr,
				Err:  os.NewSyscallError("accept4", err),
			}
		}
	}
}

func (l *nativeListener) accepted(fd int, sa syscall.Sockaddr) Conn {
	c := &nativeConn{nativeSocket: nativeSocket{loop: l.loop, fd: fd}, local: l.local}
	if u, ok := sa.(*syscall.SockaddrUnix); ok {
		c.path = &unixNames{remote: u.Name}
	} else {
		c.remote = fromSockaddr(sa)
	}
	c.connected()
	l.local = c.local
	return c
}

func (l *nativeListener) Close() error {
	l.file.Remove()
	if l.origin != nil {
		l.origin.Close()
		l.origin = nil
	}
	return os.NewSyscallError("close", l.close())
}

func (l *nativeListener) Addr() net.Addr { return l.addr }

func (l *nativeListener) closedError() error {
	return &net.OpError{Op: "accept", Net: l.network, Addr: l.addr, Err: net.ErrClosed}
}
