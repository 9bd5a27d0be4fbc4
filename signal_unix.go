//go:build unix

package aio

import (
	"os"
	"syscall"
)

func uncatchable(sig os.Signal) bool { return sig == syscall.SIGKILL || sig == syscall.SIGSTOP }
