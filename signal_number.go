//go:build !plan9

package aio

import (
	"fmt"
	"os"
	"syscall"
)

// checkSignal says what is wrong with a signal that is to be handled.
func checkSignal(sig os.Signal) error {
	if sig == nil {
		return fmt.Errorf("%w: the signal is nil", ErrSignal)
	}
	if n, ok := sig.(syscall.Signal); !ok {
		return fmt.Errorf("%w: %v is not a signal of this system", ErrSignal, sig)
	} else if n < 1 || n > 64 {
		return fmt.Errorf("%w: %d is not a signal number", ErrSignal, int(n))
	}
	if uncatchable(sig) {
		return fmt.Errorf("%w: %v goes to the system, never to the process", ErrSignal, sig)
	}
	return nil
}
