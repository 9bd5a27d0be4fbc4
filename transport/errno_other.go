//go:build !linux

package transport

import "github.com/aio-go/aio/internal/sys"

// Systems without these names lack the errors, or report others of the list.
const (
	ehostdown = sys.EHOSTUNREACH
	enonet    = sys.ENETUNREACH
)
