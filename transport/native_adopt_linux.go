package transport

import (
	"context"
	"net"
	"os"
	"syscall"
)

// adoptConn takes the descriptor of c if it is a socket of the system and ctx's network is the
// native one; otherwise goroutines read c.
func adoptConn(ctx context.Context, h *hub, c net.Conn) (Conn, error) {
	if _, ok := NetworkFrom(ctx).(nativeNetwork); !ok {
		if err := closedBefore(c); err != nil {
			return nil, err
		}
		return newPortableConn(h, c), nil
	}
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		if err := closedBefore(c); err != nil {
			return nil, err
		}
		return newPortableConn(h, c), nil
	}
	fd, err := takeDescriptor(c.(syscall.Conn))
	if err != nil {
		return nil, err
	}
	n := &nativeConn{
		nativeSocket: nativeSocket{loop: h.loop, fd: fd},
		remote:       addrPort(c.RemoteAddr()),
	}
	if u, ok := c.RemoteAddr().(*net.UnixAddr); ok {
		n.path = &unixNames{}
		if u != nil {
			n.path.remote = u.Name
		}
	}
	n.connected()
	c.Close()
	return n, nil
}

// adoptListener does for listeners what adoptConn does for connections.
func adoptListener(ctx context.Context, h *hub, ln net.Listener) (Listener, error) {
	_, native := NetworkFrom(ctx).(nativeNetwork)
	n := &nativeListener{
		nativeSocket: nativeSocket{loop: h.loop},
		addr:         ln.Addr(),
		network:      ln.Addr().Network(),
	}
	switch ln.(type) {
	case *net.TCPListener:
	case *net.UnixListener:
	default:
		native = false
	}
	if !native {
		if err := closedBefore(ln); err != nil {
			return nil, err
		}
		return newPortableListener(h, keepOthersFile(ln)), nil
	}
	var err error
	if n.fd, err = takeDescriptor(ln.(syscall.Conn)); err != nil {
		return nil, err
	}
	if u, ok := ln.(*net.UnixListener); ok {
		n.origin = keepOthersFile(u) // closing it may remove the file
		return n, nil
	}
	ln.Close()
	return n, nil
}

// takeDescriptor returns a duplicate of c's descriptor, which shares its non-blocking mode.
func takeDescriptor(c syscall.Conn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	dup := -1
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) {
		n, _, e := syscall.RawSyscall(syscall.SYS_FCNTL, fd, syscall.F_DUPFD_CLOEXEC, 0)
		dup, errno = int(n), e
	})
	if err == nil && errno != 0 {
		err = os.NewSyscallError("fcntl", errno)
	}
	if err != nil {
		return -1, err
	}
	return dup, nil
}
