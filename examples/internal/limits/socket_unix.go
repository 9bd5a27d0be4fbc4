//go:build unix

package limits

import "syscall"

// Private calls listen in such a way that only the user can connect to a Unix socket that it makes. The mask is that of the process, so what
// another goroutine creates at the same moment is private as well.
func Private[T any](network string, listen func() (T, error)) (T, error) {
	if network != "unix" {
		return listen() // it may wait for a name to be looked up
	}
	before := syscall.Umask(0o177)
	defer syscall.Umask(before)
	return listen()
}
