//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package poll

import "errors"

// New fails: there is no poller for this system yet.
func New() (Poller, error) { return nil, errors.ErrUnsupported }
