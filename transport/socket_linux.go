package transport

import (
	"net"
	"net/netip"
	"os"
	"syscall"
)

// rawSocket is a descriptor.
type rawSocket int

func openSocket(network string) (socketCalls, error) {
	family, kind := syscall.AF_INET, syscall.SOCK_STREAM
	switch network {
	case "tcp6", "udp6":
		family = syscall.AF_INET6
	case "unix":
		family = syscall.AF_UNIX
	}
	if network[:3] == "udp" {
		kind = syscall.SOCK_DGRAM
	}
	fd, err := syscall.Socket(family, kind|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	return rawSocket(fd), nil
}

// socketOf finds out what kind of socket fd is.
func socketOf(fd uintptr) (socketCalls, string, error) {
	family, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_DOMAIN)
	if err != nil {
		return nil, "", os.NewSyscallError("getsockopt", err)
	}
	kind, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil {
		return nil, "", os.NewSyscallError("getsockopt", err)
	}
	network, ok := map[[2]int]string{
		{syscall.AF_INET, syscall.SOCK_STREAM}:  "tcp4",
		{syscall.AF_INET6, syscall.SOCK_STREAM}: "tcp6",
		{syscall.AF_INET, syscall.SOCK_DGRAM}:   "udp4",
		{syscall.AF_INET6, syscall.SOCK_DGRAM}:  "udp6",
		{syscall.AF_UNIX, syscall.SOCK_STREAM}:  "unix",
	}[[2]int{family, kind}]
	if !ok {
		return nil, "", os.NewSyscallError("socket", syscall.EPROTOTYPE)
	}
	return rawSocket(fd), network, nil
}

func (s rawSocket) fd() uintptr { return uintptr(s) }

func (s rawSocket) isBlocking() bool {
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(s), syscall.F_GETFL, 0)
	return errno == 0 && flags&syscall.O_NONBLOCK == 0
}

func (s rawSocket) bind(network, address string) error {
	var sa syscall.Sockaddr = &syscall.SockaddrUnix{Name: address}
	if network != "unix" {
		at, err := parseLiteral("bind", network, address)
		if err != nil {
			return err
		}
		if sa, err = sockaddr(at); err != nil {
			return err
		}
	}
	return systemError("bind", syscall.Bind(int(s), sa))
}

func (s rawSocket) listen(backlog int) error {
	return systemError("listen", syscall.Listen(int(s), backlog))
}

func (s rawSocket) connect(network string, to netip.AddrPort, path string) error {
	var sa syscall.Sockaddr = &syscall.SockaddrUnix{Name: path}
	if network != "unix" {
		var err error
		if sa, err = sockaddr(to); err != nil {
			return err
		}
	}
	switch err := syscall.Connect(int(s), sa); err {
	case syscall.EINPROGRESS, syscall.EALREADY, syscall.EINTR:
		return ErrWouldBlock // EALREADY: an earlier attempt, which no task waits for any more
	case syscall.EISCONN:
		if peer, e := syscall.Getpeername(int(s)); e == nil && to.IsValid() &&
			fromSockaddr(peer) == to {
			return nil // that attempt has succeeded meanwhile
		}
		return systemError("connect", err)
	case syscall.EAGAIN: // a unix socket whose line is full; no report will say when it is not
		return os.NewSyscallError("connect", err)
	default:
		return systemError("connect", err)
	}
}

func (s rawSocket) connected() error {
	code, err := syscall.GetsockoptInt(int(s), syscall.SOL_SOCKET, syscall.SO_ERROR)
	if err == nil && code != 0 {
		err = syscall.Errno(code)
	}
	if err != nil {
		return systemError("connect", err)
	}
	// A report may be spurious. The connection is established only if it has a peer.
	if _, err := syscall.Getpeername(int(s)); err == syscall.ENOTCONN {
		return ErrWouldBlock
	}
	return nil
}

func (s rawSocket) accept() (socketCalls, error) {
	fd := -1
	var err error
	for lost := 0; lost <= maxLost; lost++ {
		fd, _, err = syscall.Accept4(int(s), syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
		if err == nil || !concernsOne(err) {
			break
		}
	}
	if err != nil {
		return nil, systemError("accept4", err)
	}
	return rawSocket(fd), nil
}

func (s rawSocket) recv(p []byte) (n int, err error) {
	err = retry(syscall.EINTR, func() (err error) { n, err = syscall.Read(int(s), p); return err })
	return max(n, 0), systemError("read", err)
}

func (s rawSocket) recvFrom(p []byte) (n int, from netip.AddrPort, err error) {
	var sa syscall.Sockaddr
	err = retry(syscall.EINTR, func() (err error) {
		n, sa, err = syscall.Recvfrom(int(s), p, 0)
		return err
	})
	if err != nil {
		return 0, from, systemError("recvfrom", err)
	}
	return n, fromSockaddr(sa), nil
}

func (s rawSocket) send(p []byte) (n int, err error) {
	err = retry(syscall.EINTR, func() (err error) {
		n, err = syscall.Write(int(s), p[:min(len(p), maxWriteBytes)])
		return err
	})
	return max(n, 0), systemError("write", err)
}

func (s rawSocket) sendTo(p []byte, to netip.AddrPort) error {
	sa, err := sockaddr(to)
	if err != nil {
		return err
	}
	return systemError("sendto", retry(syscall.EINTR, func() error {
		return syscall.Sendto(int(s), p, 0, sa)
	}))
}

func (s rawSocket) sendfile(f *os.File, offset int64, limit int) (int, error) {
	n, err := sendfile(int(s), f, offset, limit)
	if err != nil && err != ErrWouldBlock {
		err = os.NewSyscallError("sendfile", err)
	}
	return n, err
}

func (s rawSocket) names(network string) (local, remote net.Addr) {
	name := func(sa syscall.Sockaddr, err error) net.Addr {
		if err != nil {
			return nil
		}
		switch sa := sa.(type) {
		case *syscall.SockaddrUnix:
			return &net.UnixAddr{Name: sa.Name, Net: "unix"}
		case *syscall.SockaddrInet4, *syscall.SockaddrInet6:
			if network[:3] == "udp" {
				return udpAddr(fromSockaddr(sa))
			}
			return tcpAddr(fromSockaddr(sa))
		}
		return nil
	}
	return name(syscall.Getsockname(int(s))), name(syscall.Getpeername(int(s)))
}

func (s rawSocket) close() error { return systemError("close", syscall.Close(int(s))) }

// retry repeats call while it returns EINTR or again.
func retry(again syscall.Errno, call func() error) error {
	for {
		if err := call(); err != syscall.EINTR && err != error(again) {
			return err
		}
	}
}

// systemError makes an *os.SyscallError of an error number, or ErrWouldBlock.
func systemError(call string, err error) error {
	if err == syscall.EAGAIN {
		return ErrWouldBlock
	}
	return os.NewSyscallError(call, err)
}
