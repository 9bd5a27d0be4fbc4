//go:build !plan9

package subprocess

import (
	"os"
	"syscall"

	"github.com/aio-go/aio/internal/sys"
)

// Signal returns the signal that killed the child, 0 if none did.
func (s Status) Signal() syscall.Signal {
	if s.Code < 0 {
		return syscall.Signal(-s.Code)
	}
	return 0
}

// killedBy returns the number of the signal that killed a child, 0 if none did, and whether there
// is a core dump.
func killedBy(s *os.ProcessState) (sig int, core bool) {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return int(w.Signal()), w.CoreDump()
	}
	return 0, false
}

// numbered returns sig if the system has it.
func numbered(sig os.Signal) (sys.Signal, bool) {
	s, ok := sig.(sys.Signal)
	return s, ok
}
