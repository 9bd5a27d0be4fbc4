// Package sys has the names of package syscall that the library uses on every system, Plan 9 too.
// It makes the errors of Windows known by the names that programs for other systems use.
package sys

import (
	"strconv"
	"syscall"
)

// Errno is the type of the system's errors, which are texts here.
type Errno = syscall.ErrorString

// Signal is a signal with a number. Plan 9 has notes, which are texts.
type Signal int

// Signal makes it an os.Signal.
func (Signal) Signal() {}

// String is the note that is sent for it.
func (s Signal) String() string {
	switch s {
	case SIGKILL:
		return "kill"
	case SIGTERM:
		return "interrupt"
	}
	return "signal " + strconv.Itoa(int(s))
}

// Errors that the library checks for. If the system has other errors for some of them, these are
// handled like unknown errors.
const (
	EACCES        Errno = "access permission denied"
	EADDRINUSE    Errno = "address in use"
	EADDRNOTAVAIL Errno = "address not available"
	ECONNABORTED  Errno = "connection aborted"
	ECONNREFUSED  Errno = "connection refused"
	ECONNRESET    Errno = "connection reset"
	EHOSTUNREACH  Errno = "host unreachable"
	EINTR         Errno = "interrupted"
	EIO           Errno = "i/o error"
	EMFILE        Errno = "no free file descriptors"
	EMSGSIZE      Errno = "message too long"
	ENOENT        Errno = "file does not exist"
	ENETDOWN      Errno = "network down"
	ENETUNREACH   Errno = "network unreachable"
	ENFILE        Errno = "no free files"
	ENOBUFS       Errno = "no buffers"
	ENOMEM        Errno = "no memory"
	ENOPROTOOPT   Errno = "no such protocol option"
	ENOTCONN      Errno = "not connected"
	EOPNOTSUPP    Errno = "not supported"
	EPERM         Errno = "permission denied"
	EPIPE         Errno = "broken pipe"
	EPROTO        Errno = "protocol botch"
	ESRCH         Errno = "no such process"
	ETIMEDOUT     Errno = "connection timed out"
)

// Signals that the library sends.
const (
	SIGKILL Signal = 9
	SIGTERM Signal = 15
)
