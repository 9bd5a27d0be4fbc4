//go:build !plan9

// Package sys has the names of package syscall that the library uses on every system, Plan 9 too.
// It makes the errors of Windows known by the names that programs for other systems use.
package sys

import "syscall"

// Errno is the type of the system's errors.
type Errno = syscall.Errno

// Signal is the type of signals that have numbers.
type Signal = syscall.Signal

// Errors that the library decides by.
const (
	EACCES        = syscall.EACCES
	EADDRINUSE    = syscall.EADDRINUSE
	EADDRNOTAVAIL = syscall.EADDRNOTAVAIL
	ECONNABORTED  = syscall.ECONNABORTED
	ECONNREFUSED  = syscall.ECONNREFUSED
	ECONNRESET    = syscall.ECONNRESET
	EHOSTUNREACH  = syscall.EHOSTUNREACH
	EINTR         = syscall.EINTR
	EIO           = syscall.EIO
	EMFILE        = syscall.EMFILE
	EMSGSIZE      = syscall.EMSGSIZE
	ENOENT        = syscall.ENOENT
	ENETDOWN      = syscall.ENETDOWN
	ENETUNREACH   = syscall.ENETUNREACH
	ENFILE        = syscall.ENFILE
	ENOBUFS       = syscall.ENOBUFS
	ENOMEM        = syscall.ENOMEM
	ENOPROTOOPT   = syscall.ENOPROTOOPT
	ENOTCONN      = syscall.ENOTCONN
	EOPNOTSUPP    = syscall.EOPNOTSUPP
	EPERM         = syscall.EPERM
	EPIPE         = syscall.EPIPE
	EPROTO        = syscall.EPROTO
	ESRCH         = syscall.ESRCH
	ETIMEDOUT     = syscall.ETIMEDOUT
)

// Signals that the library sends.
const (
	SIGKILL = syscall.SIGKILL
	SIGTERM = syscall.SIGTERM
)
