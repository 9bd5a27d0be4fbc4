//go:build unix

package transport

import (
	"os"
	"syscall"
)

// setBroadcast sets the option on a socket of package net.
func setBroadcast(c syscall.RawConn, on bool) error {
	value := 0
	if on {
		value = 1
	}
	var failure error
	err := c.Control(func(fd uintptr) {
		failure = os.NewSyscallError("setsockopt",
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_BROADCAST, value))
	})
	if err != nil {
		return err
	}
	return failure
}
