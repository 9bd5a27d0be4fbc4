package executor

import (
	"fmt"
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

// secured reports whether the system has raised the rights of this program when it was started, by capabilities of its
// file for example: AT_SECURE.
func secured() bool {
	const (
		secure      = 23 // AT_SECURE
		getDumpable = 3  // PR_GET_DUMPABLE
		word        = int(unsafe.Sizeof(uintptr(0)))
	)
	auxv, err := os.ReadFile("/proc/self/auxv")
	if err != nil { // then it cannot be dumped either, as a rule
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

// number reads a word as this machine writes it.
func number(b []byte) uintptr {
	var n uintptr
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&n)), unsafe.Sizeof(n)), b)
	return n
}

// checkParent returns an error unless the connection was made by the parent of this process, of the same user.
func checkParent(fd int) error {
	peer, err := syscall.GetsockoptUcred(fd, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	if int(peer.Uid) != os.Geteuid() || int(peer.Pid) != os.Getppid() {
		return fmt.Errorf("the other end is process %d of user %d, and not the parent, %d", peer.Pid, peer.Uid, os.Getppid())
	}
	return nil
}

// self is the file of this program: the one that runs, even if there is another in its place by now.
func self() string {
	const exe = "/proc/self/exe"
	if _, err := os.Stat(exe); err == nil {
		return exe
	}
	return selfByName()
}
