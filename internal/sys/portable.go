//go:build linux || windows

package sys

import (
	"net"
	"syscall"

	"github.com/aio-go/aio/internal/errtree"
)

// translation maps an error number of Windows to the errors that match it, the most specific first.
// It is built on Linux, too, for tests.
var translation = map[syscall.Errno][]syscall.Errno{
	// For files and pipes, and for the end of overlapped operations on sockets.
	64:   {syscall.ECONNRESET},              // ERROR_NETNAME_DELETED
	109:  {syscall.EPIPE},                   // ERROR_BROKEN_PIPE
	121:  {syscall.ETIMEDOUT},               // ERROR_SEM_TIMEOUT
	232:  {syscall.EPIPE},                   // ERROR_NO_DATA: the pipe is being closed
	233:  {syscall.EPIPE, syscall.ENOTCONN}, // ERROR_PIPE_NOT_CONNECTED
	1225: {syscall.ECONNREFUSED},
	1229: {syscall.ENOTCONN}, // ERROR_CONNECTION_INVALID
	1231: {syscall.ENETUNREACH},
	1232: {syscall.EHOSTUNREACH},
	1234: {syscall.ECONNREFUSED}, // ERROR_PORT_UNREACHABLE
	1236: {syscall.ECONNABORTED, syscall.ECONNRESET},
	// Of Windows sockets: WSAEINTR and so on.
	10004: {syscall.EINTR},
	10009: {syscall.EBADF},
	10013: {syscall.EACCES},
	10022: {syscall.EINVAL},
	10024: {syscall.EMFILE},
	10035: {syscall.EWOULDBLOCK},
	10036: {syscall.EINPROGRESS},
	10037: {syscall.EALREADY},
	10038: {syscall.ENOTSOCK},
	10039: {syscall.EDESTADDRREQ},
	10040: {syscall.EMSGSIZE},
	10041: {syscall.EPROTOTYPE},
	10042: {syscall.ENOPROTOOPT},
	10043: {syscall.EPROTONOSUPPORT},
	10045: {syscall.EOPNOTSUPP},
	10047: {syscall.EAFNOSUPPORT},
	10048: {syscall.EADDRINUSE},
	10049: {syscall.EADDRNOTAVAIL},
	10050: {syscall.ENETDOWN},
	10051: {syscall.ENETUNREACH},
	10052: {syscall.ENETRESET, syscall.ECONNRESET},
	// this side gave the connection up, as after a time-out
	10053: {syscall.ECONNABORTED, syscall.ECONNRESET},
	10054: {syscall.ECONNRESET},
	10055: {syscall.ENOBUFS},
	10056: {syscall.EISCONN},
	10057: {syscall.ENOTCONN},
	10058: {syscall.ESHUTDOWN, syscall.EPIPE},
	10060: {syscall.ETIMEDOUT},
	10061: {syscall.ECONNREFUSED},
	10064: {syscall.EHOSTDOWN},
	10065: {syscall.EHOSTUNREACH},
}

// windowsError is an error of Windows that is known by other names, too.
type windowsError struct {
	err   error
	names []syscall.Errno
}

// translate gives an error of Windows the names that errors.Is looks for. The error itself stays
// below.
func translate(err error, table map[syscall.Errno][]syscall.Errno) error {
	errno, ok := errtree.As[syscall.Errno](err)
	if !ok {
		return err
	}
	if _, known := errtree.As[*windowsError](err); known {
		return err
	}
	names := table[errno]
	if names == nil {
		return err
	}
	if op, ok := err.(*net.OpError); ok { // stays as it is
		named := *op
		named.Err = &windowsError{op.Err, names}
		return &named
	}
	return &windowsError{err, names}
}

// ofDatagrams differs from translation in one number: it says that an earlier datagram had no
// receiver.
var ofDatagrams = func() map[syscall.Errno][]syscall.Errno {
	m := make(map[syscall.Errno][]syscall.Errno, len(translation))
	for number, names := range translation {
		m[number] = names
	}
	m[10054] = []syscall.Errno{syscall.ECONNREFUSED}
	return m
}()

func (e *windowsError) Error() string { return e.err.Error() }
func (e *windowsError) Unwrap() error { return e.err }

func (e *windowsError) Is(target error) bool {
	for _, name := range e.names {
		if name == target || name.Is(target) {
			return true
		}
	}
	return false
}

// passing is net.Error, whose Temporary counts as deprecated.
type passing interface {
	error
	Timeout() bool
	Temporary() bool
}

// Timeout and Temporary make it a net.Error, as the error below is.
func (e *windowsError) Timeout() bool {
	t, ok := errtree.As[passing](e.err)
	return ok && guarded(t.Timeout)
}

func (e *windowsError) Temporary() bool {
	t, ok := errtree.As[passing](e.err)
	return ok && guarded(t.Temporary)
}

// guarded calls a method of an error that may be a user's; a panic of it is a no.
func guarded(method func() bool) (yes bool) {
	defer func() { _ = recover() }()
	return method()
}
