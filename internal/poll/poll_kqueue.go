//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package poll

import (
	"os"
	"syscall"
)

// kqueue is a set of descriptors on macOS and the BSDs.
//
// It cannot be handed to the poller of the Go runtime as the epoll set is on Linux. That arms every descriptor for
// reading and for writing in one call, and a kqueue can be watched for reading only: the call fails. (It can be watched
// by another kqueue of our own; that is how await waits for it and for release.)
type kqueue struct {
	fd     int
	outer  int // watches fd, and the reading end of pipe
	pipe   [2]int
	known  map[uintptr]watched
	events []syscall.Kevent_t // what kevent fills
}

// watched is what the poller keeps for a descriptor: a kqueue has no room for a token that the collector would not
// take for a pointer.
type watched struct {
	token    uint64
	interest Interest
}

// New makes a poller.
func New() (Poller, error) {
	k := &kqueue{fd: -1, outer: -1, pipe: [2]int{-1, -1}, known: make(map[uintptr]watched)}
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
		if err := change(k.outer, uintptr(fd), readFilter, syscall.EV_ADD); err != nil {
			return err
		}
	}
	return nil
}

// change makes one change to a kqueue.
func change(kq int, fd uintptr, f filter, flags int) error {
	mode := syscall.EVFILT_READ
	if f == writeFilter {
		mode = syscall.EVFILT_WRITE
	}
	changes := make([]syscall.Kevent_t, 1)
	syscall.SetKevent(&changes[0], int(fd), mode, flags)
	for {
		_, err := syscall.Kevent(kq, changes, nil, nil)
		if err != syscall.EINTR {
			return os.NewSyscallError("kevent", err)
		}
	}
}

func (k *kqueue) Add(fd uintptr, token uint64, interest Interest) error {
	flags := syscall.EV_ADD
	if interest&Edge != 0 {
		flags |= syscall.EV_CLEAR
	}
	for i, f := range filters(interest) {
		if err := change(k.fd, fd, f, flags); err != nil {
			if i > 0 {
				change(k.fd, fd, readFilter, syscall.EV_DELETE)
			}
			return err
		}
	}
	k.known[fd] = watched{token, interest}
	return nil
}

// Modify watches anew: that reports once more what is ready.
func (k *kqueue) Modify(fd uintptr, token uint64, interest Interest) error {
	if err := k.Remove(fd); err != nil {
		return err
	}
	return k.Add(fd, token, interest)
}

func (k *kqueue) Remove(fd uintptr) error {
	w, ok := k.known[fd]
	if !ok {
		return os.NewSyscallError("kevent", syscall.ENOENT)
	}
	delete(k.known, fd)
	for _, f := range filters(w.interest) {
		change(k.fd, fd, f, syscall.EV_DELETE) // fails if the descriptor was closed before
	}
	return nil
}

func (k *kqueue) fetch(events []Event) (int, error) {
	if cap(k.events) < len(events) {
		k.events = make([]syscall.Kevent_t, len(events))
	}
	var now syscall.Timespec
	n, err := syscall.Kevent(k.fd, nil, k.events[:len(events)], &now)
	if err == syscall.EINTR {
		return 0, nil
	}
	if err != nil {
		return 0, os.NewSyscallError("kevent", err)
	}
	stored := 0
	for i := range n {
		ev := &k.events[i]
		w, ok := k.known[uintptr(ev.Ident)]
		if !ok {
			continue
		}
		f := readFilter
		if int(ev.Filter) == syscall.EVFILT_WRITE {
			f = writeFilter
		}
		events[stored] = Event{Token: w.token, Ready: fromKevent(f, ev.Flags&syscall.EV_EOF != 0)}
		stored++
	}
	return stored, nil
}

func (k *kqueue) await() {
	var events [1]syscall.Kevent_t
	for {
		// An error would come again in fetch, which tells.
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
