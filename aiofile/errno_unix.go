//go:build unix

package aiofile

import "syscall"

// errInvalid is what fsync says of what cannot be brought to a disk.
var errInvalid error = syscall.EINVAL
