//go:build !plan9

// Package signals knows which signals a process can handle.
package signals

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Check returns an error if sig cannot be handled.
func Check(sig os.Signal) error {
	if sig == nil {
		return errors.New("the signal is nil")
	}
	if n, ok := sig.(syscall.Signal); !ok {
		return fmt.Errorf("%v is not a signal of this system", sig)
	} else if n < 1 || n > 64 {
		return fmt.Errorf("%d is not a signal number", int(n))
	}
	if uncatchable(sig) {
		return fmt.Errorf("%v goes to the system, never to the process", sig)
	}
	return nil
}
