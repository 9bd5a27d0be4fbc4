package subprocess

import (
	"os"
	"syscall"

	"github.com/aio-go/aio/internal/sys"
)

// Signal returns the note that killed the child. It is empty: the system does not report it.
func (Status) Signal() syscall.Note { return "" }

// killedBy would return the signal that killed a child. This system has none.
func killedBy(*os.ProcessState) (sig int, core bool) { return 0, false }

// numbered returns the signal for a note.
func numbered(sig os.Signal) (sys.Signal, bool) {
	switch sig {
	case os.Kill:
		return sys.SIGKILL, true
	case os.Interrupt:
		return sys.SIGTERM, true
	}
	return 0, false
}
