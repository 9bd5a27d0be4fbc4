//go:build unix

package signals

import (
	"os"
	"syscall"
)

func uncatchable(sig os.Signal) bool { return sig == syscall.SIGKILL || sig == syscall.SIGSTOP }
