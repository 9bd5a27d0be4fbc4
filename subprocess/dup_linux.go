package subprocess

import "syscall"

// dupCloseOnExec duplicates a descriptor in one call: otherwise a lock of a starting process would
// block the loop.
func dupCloseOnExec(fd int) (int, error) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
