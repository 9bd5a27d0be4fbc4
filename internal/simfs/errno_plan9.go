package simfs

import (
	"io/fs"
	"syscall"
)

var (
	errBadFile  = syscall.NewError("bad file descriptor")
	errExists   = fs.ErrExist
	errInvalid  = syscall.EINVAL
	errIsFolder = syscall.EISDIR
	errMissing  = fs.ErrNotExist
	errFull     = syscall.NewError("file system full")
)
