package subprocess

import (
	"fmt"
	"time"
)

// Status is how a child ended.
type Status struct {
	// Code is the exit code, or -N if signal N killed the child. 255 also stands for a child whose status somebody else has collected.
	Code int
	// Core says that the system has written a core dump.
	Core bool
	// User and System are the processor time of the child and of those of its own children that it has waited for.
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
