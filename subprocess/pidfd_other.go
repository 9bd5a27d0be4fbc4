//go:build !linux

package subprocess

import (
	"os"
	"syscall"
)

func wantPidfd(*syscall.SysProcAttr) *int { return nil }

func takePidfd(int, *os.Process) handle { return nil }
