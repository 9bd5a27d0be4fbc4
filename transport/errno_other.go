//go:build !linux

package transport

import "github.com/aio-go/aio/internal/sys"

// Systems without these names do not have the errors, or take them for others of the list.
const (
	ehostdown = sys.EHOSTUNREACH
	enonet    = sys.ENETUNREACH
)
