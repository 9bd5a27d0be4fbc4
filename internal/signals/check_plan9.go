// Package signals knows which signals a process can handle.
package signals

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Check returns an error if sig cannot be handled. On Plan 9 signals are notes.
func Check(sig os.Signal) error {
	if sig == nil {
		return errors.New("the signal is nil")
	}
	if note, ok := sig.(syscall.Note); !ok || note == "" {
		return fmt.Errorf("%v is not a note", sig)
	}
	if sig == os.Kill {
		return fmt.Errorf("%v goes to the system, never to the process", sig)
	}
	return nil
}
