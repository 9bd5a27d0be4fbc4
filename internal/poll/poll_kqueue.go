//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package poll

import (
	"os"
	"syscall"
)

// kqueue is a set of descriptors on macOS and the BSDs.
//
// The poller of the Go runtime cannot watch it, as it watches the epoll set on Linux. It would arm
// the descriptor for reading and writing in one call, and a kqueue can be watched only for reading,
// so the call fails. Another kqueue can watch it: that is how await waits for it and for release.
type kqueue struct {
	filterSet
	fd     int
	outer  int // watches fd, and the reading end of pipe
	pipe   [2]int
	events []syscall.Kevent_t // what kevent fills
}

// New returns a poller.
func New() (Poller, error) {
	k := &kqueue{fd: -1, outer: -1, pipe: [2]int{-1, -1}}
	k.filterSet = newFilterSet(k)
	if err := k.open(); err != nil {
		k.close()
		return nil, err
	}
	return newBlocking(k), nil
}

func (k *kqueue) open() (err error) {
	syscall.ForkLock.RLock() // no child gets the descriptors
	defer syscall.ForkLock.RUnlock()
	for _, fd := range []*int{&k.fd, &k.outer} {
		if *fd, err = syscall.Kqueue(); err != nil {
			return os.NewSyscallError("kqueue", err)
		}
		syscall.CloseOnExec(*fd)
	}
	if err := syscall.Pipe(k.pipe[:]); err != nil {
		return os.NewSyscallError("pipe", err)
	}
	for _, fd := range k.pipe {
		syscall.CloseOnExec(fd)
	}
	for _, fd := range []int{k.fd, k.pipe[0]} {
		if err := changeFilter(k.outer, uintptr(fd), readFilter, addLevel); err != nil {
			return err
		}
	}
	return nil
}

// changeFilter makes one change to a kqueue.
func changeFilter(kq int, fd uintptr, f filter, a action) error {
	mode := syscall.EVFILT_READ
	if f == writeFilter {
		mode = syscall.EVFILT_WRITE
	}
	flags := [...]int{
		addLevel: syscall.EV_ADD,
		addEdge:  syscall.EV_ADD | syscall.EV_CLEAR,
		touch:    syscall.EV_ENABLE,
		drop:     syscall.EV_DELETE,
	}[a]
	changes := make([]syscall.Kevent_t, 1)
	syscall.SetKevent(&changes[0], int(fd), mode, flags)
	for {
		_, err := syscall.Kevent(kq, changes, nil, nil)
		if err != syscall.EINTR {
			return os.NewSyscallError("kevent", err)
		}
	}
}

func (k *kqueue) change(fd uintptr, f filter, a action) error {
	return changeFilter(k.fd, fd, f, a)
}

func (k *kqueue) isSocket(fd uintptr) bool {
	var st syscall.Stat_t
	return syscall.Fstat(int(fd), &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFSOCK
}

func (k *kqueue) reports(room []report) (int, error) {
	if cap(k.events) < len(room) {
		k.events = make([]syscall.Kevent_t, len(room))
	}
	var now syscall.Timespec
	n, err := syscall.Kevent(k.fd, nil, k.events[:len(room)], &now)
	if err == syscall.EINTR {
		return 0, nil
	}
	if err != nil {
		return 0, os.NewSyscallError("kevent", err)
	}
	for i := range n {
		ev := &k.events[i]
		r := report{fd: uintptr(ev.Ident), eof: ev.Flags&syscall.EV_EOF != 0}
		r.failed = r.eof && ev.Fflags != 0
		if int(ev.Filter) == syscall.EVFILT_WRITE {
			r.filter = writeFilter
		}
		room[i] = r
	}
	return n, nil
}

func (k *kqueue) await() {
	var events [1]syscall.Kevent_t
	for {
		// An error would come again in fetch, which returns it.
		if _, err := syscall.Kevent(k.outer, nil, events[:], nil); err != syscall.EINTR {
			return
		}
	}
}

func (k *kqueue) release() { syscall.Write(k.pipe[1], []byte{0}) }

func (k *kqueue) close() error {
	for _, fd := range []int{k.fd, k.outer, k.pipe[0], k.pipe[1]} {
		if fd >= 0 {
			syscall.Close(fd)
		}
	}
	return nil
}
