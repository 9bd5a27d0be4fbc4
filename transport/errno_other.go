//go:build !linux

package transport

import "syscall"

// Systems without these names do not have the errors, or take them for others of the list.
const (
	ehostdown = syscall.EHOSTUNREACH
	enonet    = syscall.ENETUNREACH
)
