package transport

import (
	"context"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/sys"
)

// ErrServerClosed is returned by methods of a [Server] that has been closed. It matches
// [net.ErrClosed].
var ErrServerClosed error = serverClosed{}

type serverClosed struct{}

func (serverClosed) Error() string        { return "transport: the server is closed" }
func (serverClosed) Is(target error) bool { return target == net.ErrClosed }

// ConnectError is returned by [Connect] when several addresses were tried and none could be
// reached. errors.Is and errors.As look into each failure.
type ConnectError struct {
	Address string  // as given to Connect
	Errs    []error // one for each address, in the order they were tried
}

// Error lists each different failure once.
func (e *ConnectError) Error() string {
	var texts []string
	seen := make(map[string]bool)
	for _, err := range e.Errs {
		if s := err.Error(); !seen[s] {
			seen[s] = true
			texts = append(texts, s)
		}
	}
	return "transport: no address of " + e.Address + " could be reached: " +
		strings.Join(texts, "; ")
}

// Unwrap returns the failures.
func (e *ConnectError) Unwrap() []error { return e.Errs }

// isSystemError reports whether err comes from the system or the peer, so that it is no mistake in
// the program.
func isSystemError(err error) bool {
	_, errno := errtree.As[sys.Errno](err)
	_, ne := errtree.As[net.Error](err)
	return errno || ne || errtree.Is(err, net.ErrClosed) ||
		errtree.Is(err, io.ErrClosedPipe) || errtree.Is(err, io.ErrUnexpectedEOF)
}

// isNotConnected reports the failure of shutting down a connection the peer has already reset.
func isNotConnected(err error) bool { return errtree.Is(err, sys.ENOTCONN) }

// isExhausted reports whether err says that the system or the process has run out of a resource,
// which may become free again.
func isExhausted(err error) bool {
	for _, e := range []error{sys.EMFILE, sys.ENFILE, sys.ENOBUFS, sys.ENOMEM} {
		if errtree.Is(err, e) {
			return true
		}
	}
	return false
}

// givenUp reports whether a connection failed before it was accepted because its peer gave it up.
// Each such failure takes a connection out of the queue, so it needs no pause: peers could cause
// that, too.
func givenUp(err error) bool {
	return errtree.Is(err, sys.ECONNABORTED) || errtree.Is(err, sys.ECONNRESET) ||
		errtree.Is(err, sys.ENOTCONN) // Windows, for a reset
}

// concernsOne reports whether a failure of accept concerns one connection only: its peer has given
// up, or the path to it is broken. Linux returns the pending error of the new connection; see
// accept(2).
func concernsOne(err error) bool {
	return slices.ContainsFunc(ofOneConnection, func(e sys.Errno) bool {
		return errtree.Is(err, e)
	})
}

var ofOneConnection = []sys.Errno{
	sys.ECONNABORTED, sys.ECONNRESET, sys.ENOTCONN, sys.EINTR, sys.EPERM, sys.EPROTO,
	sys.ENOPROTOOPT, sys.EOPNOTSUPP, sys.ENETDOWN, sys.ENETUNREACH, sys.EHOSTUNREACH, sys.ETIMEDOUT,
	ehostdown, enonet,
}

// isCancelled reports whether err ended a suspension of the task that has ctx.
func isCancelled(ctx context.Context, err error) bool {
	return errtree.Is(err, aio.ErrCancelled) || ctx.Err() != nil
}

// panicError makes an error of what recover returned.
func panicError(v any) error {
	if e, ok := v.(*aio.PanicError); ok {
		return e
	}
	return &aio.PanicError{Value: v, Stack: debug.Stack()}
}

// report passes a failure that no caller can receive to the loop's exception handler. about names
// the transport or server.
func (h *hub) report(message string, err error, about ...slog.Attr) {
	r := aio.Report{Message: "transport: " + message, Err: err, Attrs: about}
	h.loop.CallExceptionHandler(r)
}
