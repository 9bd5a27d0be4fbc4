package transport

import (
	"cmp"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/aio-go/aio"
)

// maxWrite bounds one write call in bytes. The scheduler is not told of the call and must not wait
// for long.
const maxWrite = 256 << 10

// nativeConn is a connected socket.
type nativeConn struct {
	nativeSocket
	// connections of one listener share it if they can; nil for a unix socket
	local  *netip.AddrPort
	remote netip.AddrPort
	path   *unixNames // of a unix socket, which has no local and remote
}

type unixNames struct{ local, remote string }

// connected sets the options of every connected socket.
func (c *nativeConn) connected() {
	sa, err := syscall.Getsockname(c.fd)
	if c.path != nil {
		if u, ok := sa.(*syscall.SockaddrUnix); err == nil && ok {
			c.path.local = u.Name
		}
		return
	}
	if err == nil {
		if local := fromSockaddr(sa); c.local == nil || *c.local != local {
			c.local = &local
		}
	}
	// Small writes go out at once. This fails only on a connection that has failed; the first read
	// returns its error.
	syscall.SetsockoptInt(c.fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
}

// setKeepAlive makes the system probe a silent peer, as package net does by default: first after d,
// then each 15 seconds. After 9 unanswered probes the connection is lost.
func setKeepAlive(fd int, d time.Duration) {
	if d < 0 {
		return
	}
	secs := int(max(cmp.Or(d, defaultKeepAlive).Round(time.Second)/time.Second, 1))
	// These fail only on other sockets than TCP, or on a connection that has failed; the first read
	// returns its error.
	syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1)
	syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, secs)
	syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL,
		int(defaultKeepAlive/time.Second))
	syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, 9)
}

func (c *nativeConn) Start(ready func(aio.Interest)) error {
	if c.fd < 0 {
		return c.fail("watch", syscall.EBADF)
	}
	return c.start(ready)
}

func (c *nativeConn) TryRead(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, errno := receive(c.fd, p)
		switch errno {
		case 0:
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		case syscall.EAGAIN:
			return 0, ErrWouldBlock
		case syscall.EINTR:
		default:
			return 0, c.fail("read", errno)
		}
	}
}

func (c *nativeConn) TryWrite(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, errno := send(c.fd, p[:min(len(p), maxWrite)])
		switch errno {
		case 0:
			return n, nil
		case syscall.EAGAIN:
			return 0, ErrWouldBlock
		case syscall.EINTR:
		default:
			return 0, c.fail("write", errno)
		}
	}
}

func (c *nativeConn) CloseWrite() error {
	if err := syscall.Shutdown(c.fd, syscall.SHUT_WR); err != nil {
		return c.fail("shutdown", err)
	}
	return nil
}

func (c *nativeConn) Close() error {
	if err := c.close(); err != nil {
		return c.fail("close", err)
	}
	return nil
}

func (c *nativeConn) fail(call string, err error) error {
	op := call
	if op != "read" && op != "write" {
		op = "set"
	}
	if c.fd < 0 && err == error(syscall.EBADF) {
		err = net.ErrClosed
	} else {
		err = os.NewSyscallError(call, err)
	}
	return &net.OpError{
		Op:     op,
		Net:    c.RemoteAddr().Network(),
		Source: c.LocalAddr(),
		Addr:   c.RemoteAddr(),
		Err:    err,
	}
}

func (c *nativeConn) hearsTheEnd() {}

func (c *nativeConn) LocalAddr() net.Addr {
	if c.path != nil {
		return &net.UnixAddr{Name: c.path.local, Net: "unix"}
	}
	if c.local == nil {
		return tcpAddr(netip.AddrPort{})
	}
	return tcpAddr(*c.local)
}

func (c *nativeConn) RemoteAddr() net.Addr {
	if c.path != nil {
		return &net.UnixAddr{Name: c.path.remote, Net: "unix"}
	}
	return tcpAddr(c.remote)
}
