//go:build unix

package executor

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// workerFD is the descriptor of a worker's end of the connection, after the three standard ones.
const workerFD = 3

// connection makes a pair of sockets: the parent's end, and the worker's.
func connection() (parent net.Conn, child *os.File, err error) {
	syscall.ForkLock.RLock() // no other process may start between the next two steps
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	child = os.NewFile(uintptr(fds[1]), "worker")
	if parent, err = netConn(fds[0]); err != nil {
		child.Close()
		return nil, nil, err
	}
	return parent, child, nil
}

// netConn takes over a descriptor.
func netConn(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close()
	return net.FileConn(f)
}

// adoptParent is the worker's end of connection.
func adoptParent(fd int) (net.Conn, error) {
	syscall.CloseOnExec(fd)
	if err := checkParent(fd); err != nil {
		return nil, err
	}
	return netConn(fd)
}

// asWorker makes cmd inherit child, in a process group of its own: Ctrl-C in a terminal reaches
// only the parent, and the whole group can be ended.
func asWorker(cmd *exec.Cmd, child *os.File, token string) {
	cmd.ExtraFiles = []*os.File{child}
	cmd.Env = append(os.Environ(), workerVariable+"="+strconv.Itoa(workerFD)+":"+token)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// killGroup ends a process that leads a group, and the group.
func killGroup(pid int) { syscall.Kill(-pid, syscall.SIGKILL) }

// hasRaised reports whether the process has other rights than the user who started it.
func hasRaised() bool {
	return os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() || secured()
}
