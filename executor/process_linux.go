package executor

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// awaitExit waits until a process has exited, but does not collect it: until it is collected no
// other process gets its number. Then it calls exited.
func awaitExit(pid int, exited func()) {
	const (
		byPID   = 1          // P_PID
		exits   = 4          // WEXITED
		noReap  = 0x01000000 // WNOWAIT
		noUsage = 0
	)
	var info [128]byte // a siginfo_t
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, byPID, uintptr(pid),
			uintptr(unsafe.Pointer(&info)), exits|noReap, noUsage, 0)
		if errno != syscall.EINTR {
			break
		}
	}
	exited()
}

// secured reports AT_SECURE: whether the system raised the rights of this program at its start, for
// example by capabilities of its file.
func secured() bool {
	const (
		secure      = 23 // AT_SECURE
		getDumpable = 3  // PR_GET_DUMPABLE
		word        = int(unsafe.Sizeof(uintptr(0)))
	)
	auxv, err := os.ReadFile("/proc/self/auxv")
	if err != nil { // then it usually cannot be dumped either
		dumpable, _, _ := syscall.RawSyscall(syscall.SYS_PRCTL, getDumpable, 0, 0)
		return dumpable != 1
	}
	for ; len(auxv) >= 2*word; auxv = auxv[2*word:] {
		if number(auxv) == secure {
			return number(auxv[word:]) != 0
		}
	}
	return false
}

// number reads a word in this machine's byte order.
func number(b []byte) uintptr {
	var n uintptr
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&n)), unsafe.Sizeof(n)), b)
	return n
}

// checkParent returns an error unless the parent of this process made the connection, with the same
// user.
func checkParent(fd int) error {
	peer, err := syscall.GetsockoptUcred(fd, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	if int(peer.Uid) != os.Geteuid() || int(peer.Pid) != os.Getppid() {
		return fmt.Errorf("the other end is process %d of user %d, and not the parent, %d",
			peer.Pid, peer.Uid, os.Getppid())
	}
	return nil
}

// self is the running file of this program, even if another one has taken its name by now.
func self() string {
	const exe = "/proc/self/exe"
	if _, err := os.Stat(exe); err == nil {
		return exe
	}
	return selfByName()
}
