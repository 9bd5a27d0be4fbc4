package transport

import "syscall"

const (
	ehostdown = syscall.EHOSTDOWN
	enonet    = syscall.ENONET
)
