package aio

import (
	"fmt"
	"os"
	"syscall"
)

// checkSignal says what is wrong with a signal that is to be handled: here they are notes.
func checkSignal(sig os.Signal) error {
	if sig == nil {
		return fmt.Errorf("%w: the signal is nil", ErrSignal)
	}
	if note, ok := sig.(syscall.Note); !ok || note == "" {
		return fmt.Errorf("%w: %v is not a note", ErrSignal, sig)
	}
	if sig == os.Kill {
		return fmt.Errorf("%w: %v goes to the system, never to the process", ErrSignal, sig)
	}
	return nil
}
