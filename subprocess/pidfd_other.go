//go:build !linux

package subprocess

import "os"

func pidfdOf(*os.Process) int { return -1 }

func takePidfd(int, *os.Process) handle { return nil }
