package transport

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/aio-go/aio/internal/sys"
)

// ErrTruncated reaches ConnectionLost when the peer ended a TLS connection without a close_notify.
// An attacker on the way may have cut off the rest of the data. It matches [io.ErrUnexpectedEOF].
var ErrTruncated = fmt.Errorf("transport: the TLS connection ended without close_notify: %w",
	io.ErrUnexpectedEOF)

// ErrHandshakeInterrupted is the error of [Connect] and [StartTLS] when the connection ended during
// the TLS handshake. It matches [syscall.ECONNRESET]. An error that matches it may wrap the reason
// as well; match with errors.Is.
var ErrHandshakeInterrupted = fmt.Errorf(
	"transport: the connection ended during the TLS handshake: %w", sys.ECONNRESET)

// interruptedError is ErrHandshakeInterrupted with the error of the raw connection.
type interruptedError struct{ cause error }

func (e *interruptedError) Error() string {
	return "transport: the connection ended during the TLS handshake: " + e.cause.Error()
}

func (e *interruptedError) Unwrap() []error { return []error{ErrHandshakeInterrupted, e.cause} }

// errClosedInHandshake is the failure of a handshake whose transport this side closed.
var errClosedInHandshake = fmt.Errorf(
	"transport: the connection was closed during the TLS handshake: %w", net.ErrClosed)

// HandshakeTimeoutError is the error of [Connect] and [StartTLS] when the TLS handshake took longer
// than [HandshakeTimeout] allows; the connection has been aborted. It matches
// [context.DeadlineExceeded], [os.ErrDeadlineExceeded] and [syscall.ECONNABORTED].
type HandshakeTimeoutError struct {
	After time.Duration // the limit
}

// Error names the limit.
func (e *HandshakeTimeoutError) Error() string {
	return fmt.Sprintf("transport: the TLS handshake is slow: not complete after %v, "+
		"the connection was aborted", e.After)
}

// Timeout returns true.
func (e *HandshakeTimeoutError) Timeout() bool { return true }

// Is makes the error match those named above.
func (e *HandshakeTimeoutError) Is(target error) bool {
	return target == context.DeadlineExceeded || target == os.ErrDeadlineExceeded ||
		target == sys.ECONNABORTED
}

// ShutdownTimeoutError reaches ConnectionLost when, within [ShutdownTimeout] after Close, the peer
// did not take the unsent bytes or, with TLS, did not answer the close_notify. It matches
// [context.DeadlineExceeded] and [os.ErrDeadlineExceeded].
type ShutdownTimeoutError struct {
	After time.Duration // the limit
}

// Error names the limit.
func (e *ShutdownTimeoutError) Error() string {
	return fmt.Sprintf(
		"transport: the peer did not let the connection end within %v, it was aborted", e.After)
}

// Timeout returns true.
func (e *ShutdownTimeoutError) Timeout() bool { return true }

// Is makes the error match those named above.
func (e *ShutdownTimeoutError) Is(target error) bool {
	return target == context.DeadlineExceeded || target == os.ErrDeadlineExceeded
}
