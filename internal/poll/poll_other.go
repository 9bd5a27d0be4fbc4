//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package poll

import "errors"

// New fails: this system has no poller yet.
func New() (Poller, error) { return nil, errors.ErrUnsupported }
