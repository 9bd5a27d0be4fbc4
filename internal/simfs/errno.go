//go:build !plan9

package simfs

import "syscall"

const (
	errBadFile  = syscall.EBADF
	errExists   = syscall.EEXIST
	errInvalid  = syscall.EINVAL
	errIsFolder = syscall.EISDIR
	errMissing  = syscall.ENOENT
	errFull     = syscall.ENOSPC
)
