//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package transport

import (
	"os"
	"syscall"
)

// reusePort sets the option on a socket of package net before it is bound.
func reusePort(_, _ string, c syscall.RawConn) error {
	var failure error
	err := c.Control(func(fd uintptr) {
		failure = os.NewSyscallError("setsockopt",
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, soReusePort(), 1))
	})
	if err != nil {
		return err
	}
	return failure
}
