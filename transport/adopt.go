package transport

import (
	"errors"
	"net"
	"syscall"

	"github.com/aio-go/aio/internal/unixsocket"
)

// closedBefore returns the error of a socket of package net that was closed before it was adopted. One that is used by
// goroutines would tell only later; taking the descriptor tells by itself.
func closedBefore(socket any) error {
	c, ok := socket.(syscall.Conn)
	if !ok {
		return nil // its first operation tells
	}
	raw, err := c.SyscallConn()
	if err == nil {
		err = raw.Control(func(uintptr) {})
	}
	if errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil // systems without descriptors fail otherwise
}

// keepOthersFile returns ln with a Close that does not remove the file of another unix socket.
func keepOthersFile(ln net.Listener) net.Listener {
	if u, ok := ln.(*net.UnixListener); ok {
		return unixsocket.Adopted(u)
	}
	return ln
}
