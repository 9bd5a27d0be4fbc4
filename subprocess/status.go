package subprocess

import (
	"fmt"
	"time"
)

// Status is the end of a child.
type Status struct {
	// Code is the exit code, or -N if signal N killed the child. It is 255 if another part of the
	// program has collected the child's status.
	Code int
	// Core says that the system has written a core dump.
	Core bool
	// User and System are the processor time of the child and of its own children that it has
	// waited for.
	User, System time.Duration
}

// String is "exit status 3" or "killed by SIGTERM".
func (s Status) String() string {
	text := fmt.Sprintf("exit status %d", s.Code)
	if s.Code < 0 {
		text = "killed by " + signalName(-s.Code)
	}
	if s.Core {
		text += " (core dumped)"
	}
	return text
}
