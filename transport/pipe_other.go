//go:build !linux

package transport

import (
	"context"
	"os"
)

// newPipeConn makes a Conn with a goroutine that reads or writes f itself, or a duplicate if f is a
// standard stream.
func newPipeConn(
	_ context.Context, h *hub, f *os.File, d direction,
) (conn Conn, taken bool, err error) {
	if isStandard(f) {
		if f, err = duplicate(f); err != nil {
			return nil, false, err
		}
	}
	return newPortablePipe(h, f, d), true, nil
}
