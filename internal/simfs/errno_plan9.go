package simfs

import (
	"io/fs"
	"syscall"
)

var (
	errBadFile  = syscall.EBADF
	errExists   = fs.ErrExist
	errInvalid  = syscall.EINVAL
	errIsFolder = syscall.EISDIR
	errMissing  = fs.ErrNotExist
	errFull     = syscall.NewError("file system full")
)
