// Package poll asks the operating system which descriptors are ready.
//
// On Linux it is an epoll set that is itself registered with the poller of the Go runtime. A goroutine
// that waits is parked by the runtime like one that reads a socket: no thread sits in epoll_wait, so
// waiting does not hold a processor, a wake-up from another goroutine needs no system call, and time
// limits are the runtime's own timers. The set is then read without blocking.
//
// On macOS and the BSDs it is a kqueue, which the Go runtime cannot wait for: a goroutine sits in a blocking call
// while a Wait is parked. How that is done is shared with a set of epoll in the tests, and what is made of its filters is
// tested with a kqueue that is simulated; the calls to the kqueue itself have been built and vetted, not run.
//
// Elsewhere New fails with errors.ErrUnsupported.
package poll

import "time"

// Interest is a set of conditions: what to watch a descriptor for, or what was seen on it.
type Interest uint8

const (
	// Readable: a read will not block. Reported for data, end of file, errors and waiting connections.
	Readable Interest = 1 << iota
	// Writable: a write will not block, or an attempt to connect has ended.
	Writable
	// HangUp: the peer will send no more, or the descriptor has failed. Failures are reported always,
	// the half-close of a peer only where HangUp was asked for.
	HangUp
	// Edge asks for one report for each change, in place of a report as long as the condition lasts.
	// It never occurs in a report.
	Edge
)

// Event says that the descriptor added with Token is ready in the ways of Ready.
type Event struct {
	Token uint64
	Ready Interest
}

// Poller watches descriptors. Unless said otherwise its methods are called by one goroutine at a time.
//
// It does not know which descriptors it holds. A descriptor closed without Remove leaves the set by
// itself once no duplicate of it is open, but its number may come back for another file while an event
// of the old one is on its way: the caller keeps tokens unique and ignores those it has forgotten.
type Poller interface {
	// Add watches fd, which is in non-blocking mode; its events carry token. It fails with EEXIST if fd is watched.
	Add(fd uintptr, token uint64, interest Interest) error
	// Modify replaces token and interest of fd. With Edge it also reports once more what is ready.
	Modify(fd uintptr, token uint64, interest Interest) error
	// Remove stops watching fd.
	Remove(fd uintptr) error
	// Wait stores what is ready and returns how many events that is; one descriptor may have several. It waits for the first at most d,
	// without limit if d < 0; 0 means the time has passed or Wake was called. It may return 0 early.
	// With d == 0 it never parks, and leaves a Wake for a later call.
	Wait(events []Event, d time.Duration) (int, error)
	// Wake ends the Wait that is running, or the next one that would park. Any goroutine may call it,
	// also after Close.
	Wake()
	// Close frees the poller; the descriptors watched stay open. No Wait may be running. Everything but
	// Wake fails with os.ErrClosed afterwards.
	Close() error
}
