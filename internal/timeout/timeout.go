// Package timeout recognises errors that are time-outs, those of user code too.
package timeout

import (
	"context"
	"os"

	"github.com/aio-go/aio/internal/errtree"
)

// Is reports whether err itself, without the errors that it wraps, says that it is a time-out.
func Is(err error) bool {
	if e, ok := err.(interface{ Timeout() bool }); ok && says(e) {
		return true
	}
	return errtree.Claims(err, context.DeadlineExceeded) ||
		errtree.Claims(err, os.ErrDeadlineExceeded)
}

// says calls the method; a panic of it is a no.
func says(e interface{ Timeout() bool }) (yes bool) {
	defer func() { _ = recover() }()
	return e.Timeout()
}
