package subprocess

import "syscall"

// sessionOf returns the session of a process.
func sessionOf(pid int) int {
	sid, _, _ := syscall.RawSyscall(syscall.SYS_GETSID, uintptr(pid), 0, 0)
	return int(sid)
}
