package subprocess

import (
	"fmt"
	"syscall"
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

// Signal returns the signal that killed the child, 0 if none did.
func (s Status) Signal() syscall.Signal {
	if s.Code < 0 {
		return syscall.Signal(-s.Code)
	}
	return 0
}

// String is "exit status 3" or "killed by SIGTERM".
func (s Status) String() string {
	text := fmt.Sprintf("exit status %d", s.Code)
	if sig := s.Signal(); sig != 0 {
		text = "killed by " + signalName(sig)
	}
	if s.Core {
		text += " (core dumped)"
	}
	return text
}

var signalNames = map[syscall.Signal]string{
	syscall.SIGHUP: "SIGHUP", syscall.SIGINT: "SIGINT", syscall.SIGQUIT: "SIGQUIT", syscall.SIGILL: "SIGILL",
	syscall.SIGTRAP: "SIGTRAP", syscall.SIGABRT: "SIGABRT", syscall.SIGBUS: "SIGBUS", syscall.SIGFPE: "SIGFPE",
	syscall.SIGKILL: "SIGKILL", syscall.SIGSEGV: "SIGSEGV", syscall.SIGPIPE: "SIGPIPE", syscall.SIGALRM: "SIGALRM",
	syscall.SIGTERM: "SIGTERM",
}

func signalName(sig syscall.Signal) string {
	if name := signalNames[sig]; name != "" {
		return name
	}
	return fmt.Sprintf("signal %d (%v)", int(sig), sig)
}
