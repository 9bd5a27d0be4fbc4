//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package transport

import (
	"errors"
	"syscall"
)

// reusePort fails: the system lacks the option, or its option means something else.
func reusePort(_, _ string, _ syscall.RawConn) error { return errors.ErrUnsupported }
