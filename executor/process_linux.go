package executor

import (
	"os"
	"syscall"
	"unsafe"
)

// awaitExit waits until a process has exited, but leaves it to be waited for: until then its number is not
// given to another. Then it calls exited.
func awaitExit(pid int, exited func()) {
	const (
		byPID   = 1          // P_PID
		exits   = 4          // WEXITED
		noReap  = 0x01000000 // WNOWAIT
		noUsage = 0
	)
	var info [128]byte // a siginfo_t
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, byPID, uintptr(pid), uintptr(unsafe.Pointer(&info)), exits|noReap, noUsage, 0)
		if errno != syscall.EINTR {
			break
		}
	}
	exited()
}

// self is the file of this program: the one that runs, even if there is another in its place by now.
func self() string {
	const exe = "/proc/self/exe"
	if _, err := os.Stat(exe); err == nil {
		return exe
	}
	return selfByName()
}
