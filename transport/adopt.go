package transport

import (
	"net"
	"syscall"

	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/unixsocket"
)

// closedBefore returns the error of a socket of package net that was closed before it was adopted.
// A socket that goroutines use would report that only later. Taking the descriptor fails by itself.
func closedBefore(socket any) error {
	c, ok := socket.(syscall.Conn)
	if !ok {
		return nil // its first operation fails
	}
	raw, err := c.SyscallConn()
	if err == nil {
		err = raw.Control(func(uintptr) {})
	}
	if errtree.Is(err, net.ErrClosed) {
		return err
	}
	return nil // on systems without descriptors something else fails
}

// keepOthersFile returns ln with a Close that does not remove the file of another unix socket.
func keepOthersFile(ln net.Listener) net.Listener {
	if u, ok := ln.(*net.UnixListener); ok {
		return unixsocket.Adopted(u)
	}
	return ln
}
