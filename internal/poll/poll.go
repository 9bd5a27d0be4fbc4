// Package poll asks the operating system which descriptors are ready.
//
// On Linux it is an epoll set that is registered with the poller of the Go runtime. A waiting
// goroutine is parked by the runtime, like one that reads a socket. So no thread sits in
// epoll_wait: waiting holds no processor, a wake-up needs no system call, and time limits are
// runtime timers. The set is then read without blocking.
//
// On macOS and the BSDs it is a kqueue, which the Go runtime cannot wait for. A goroutine sits in a
// blocking call while a Wait is parked. Tests run this design with an epoll set and the filters
// with a simulated kqueue. The calls to the kqueue itself have been built and vetted, not run.
//
// On other systems New fails with errors.ErrUnsupported.
package poll

import "time"

// Interest is a set of conditions of a descriptor, to watch or to report.
type Interest uint8

const (
	// Readable: a read will not block. Reported for data, end of file, errors and waiting
	// connections.
	Readable Interest = 1 << iota
	// Writable: a write will not block, or an attempt to connect has ended.
	Writable
	// HangUp: the peer will send no more, or the descriptor has failed. Failures are always
	// reported, a half-close of the peer only on request.
	HangUp
	// Edge asks for one report for each change, instead of reports as long as the condition lasts.
	// It is never reported.
	Edge
)

// Event says that the descriptor added with Token has the conditions in Ready.
type Event struct {
	Token uint64
	Ready Interest
}

// Poller watches descriptors. Its methods are for one goroutine at a time, except Wake.
//
// It does not know which descriptors it contains. A descriptor that is closed without Remove leaves
// the set once no duplicate of it is open. Its number may be reused while an old event is on its
// way. So the caller uses unique tokens and ignores unknown ones.
type Poller interface {
	// Add watches fd, which must be non-blocking. Its events carry token. It fails with EEXIST if
	// fd is watched.
	Add(fd uintptr, token uint64, interest Interest) error
	// Modify replaces token and interest of fd. With Edge it also reports the current conditions
	// once more.
	Modify(fd uintptr, token uint64, interest Interest) error
	// Remove stops watching fd.
	Remove(fd uintptr) error
	// Wait stores events and returns their number; a descriptor may have several. It waits for the
	// first for at most d, or without limit if d < 0. It returns 0 if the time has passed or Wake
	// was called; it may also return 0 early. With d == 0 it never parks, and leaves a Wake for a
	// later call.
	Wait(events []Event, d time.Duration) (int, error)
	// Wake ends the running Wait, or the next one that would park. Any goroutine may call it, even
	// after Close.
	Wake()
	// Close releases the poller; the descriptors stay open. No Wait may be running. Afterwards
	// everything but Wake fails with os.ErrClosed.
	Close() error
}
