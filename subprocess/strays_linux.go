package subprocess

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

const (
	pidfdOpen = 434 // the number of the call, on all architectures
	// PIDFD_SIGNAL_PROCESS_GROUP: the whole group that the process leads, or has led; Linux 6.9
	signalThisGroup = 4
)

// groupOf returns a handle of the process group that a child leads, nil if there is none.
func groupOf(p *os.Process) *os.File {
	fd := pidfdOf(p)
	if fd < 0 {
		return nil
	}
	return os.NewFile(uintptr(fd), "process group")
}

// signalGroupOf sends to the group of a handle. It returns ESRCH if the group is empty,
// ErrUnsupported if the system is too old.
func signalGroupOf(group *os.File, sig syscall.Signal) error {
	_, _, errno := syscall.RawSyscall6(pidfdSendSignal, group.Fd(), uintptr(sig), 0,
		signalThisGroup, 0, 0)
	switch errno {
	case 0:
		return nil
	case syscall.EINVAL:
		return errors.ErrUnsupported
	}
	return errno
}

// stray is a descendant of a child that has left the child's group. Its handle means this process
// and no other.
type stray struct {
	pid  int
	file *os.File
}

// maxStrays bounds the number of strays, and of processes examined for each: a child may start more
// and more.
const maxStrays = 1000

// findStrays adds to found the descendants of a process outside of the group. The process must not
// have been collected.
func findStrays(from, group int, found []*stray) []*stray {
	known := map[int]bool{}
	for _, s := range found {
		if !s.gone() {
			known[s.pid] = true
		}
	}
	queue := []int{from}
	for i := 0; i < len(queue) && i < maxStrays; i++ {
		for _, pid := range childrenOf(queue[i]) {
			_, of, ok := placeOf(pid)
			if !ok || len(queue) >= maxStrays || len(found) >= maxStrays {
				continue
			}
			queue = append(queue, pid)
			if of == group || known[pid] {
				continue
			}
			fd, _, errno := syscall.RawSyscall(pidfdOpen, uintptr(pid), 0, 0)
			if errno != 0 {
				continue
			}
			s := &stray{pid: pid, file: os.NewFile(fd, "process")}
			// It might have ended before, and its number belong to another process.
			if parent, of, ok := placeOf(pid); !ok || parent != queue[i] || of == group {
				s.close()
				continue
			}
			known[pid] = true
			found = append(found, s)
		}
	}
	return found
}

// childrenOf lists the children of all threads of a process. If the system does not list them,
// there are none.
func childrenOf(pid int) (children []int) {
	tasks := "/proc/" + strconv.Itoa(pid) + "/task/"
	dir, err := os.Open(tasks)
	if err != nil {
		return nil
	}
	defer dir.Close()
	threads, _ := dir.Readdirnames(maxStrays)
	for _, thread := range threads {
		list, _ := os.ReadFile(tasks + thread + "/children")
		for word := range bytes.FieldsSeq(list) {
			if n, err := strconv.Atoi(string(word)); err == nil {
				children = append(children, n)
			}
		}
	}
	return children
}

// placeOf returns the parent of a process and its group.
func placeOf(pid int) (parent, group int, ok bool) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0, false
	}
	// number (name) state parent group ..., and a name may have any character
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 3 {
		return 0, 0, false
	}
	parent, err1 := strconv.Atoi(string(fields[1]))
	group, err2 := strconv.Atoi(string(fields[2]))
	return parent, group, err1 == nil && err2 == nil
}

func (s *stray) signal(sig syscall.Signal) {
	syscall.RawSyscall6(pidfdSendSignal, s.file.Fd(), uintptr(sig), 0, 0, 0, 0)
}

// gone reports whether it has ended; zombies have.
func (s *stray) gone() bool {
	var now syscall.Timespec
	look := struct {
		fd              int32
		events, revents int16
	}{fd: int32(s.file.Fd()), events: 1} // POLLIN
	n, _, _ := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&look)), 1,
		uintptr(unsafe.Pointer(&now)), 0, 0, 0)
	return int(n) == 1
}

func (s *stray) close() { s.file.Close() }
