package subprocess

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/safetext"
	"github.com/aio-go/aio/internal/sys"
)

// child is a started process that has to be collected. All of it belongs to the loop.
//
//	state     entered by                          signals              leaves to
//	running   adopt                               are sent             ended: the handle says so
//	ended     collected, by the system as well    os.ErrProcessDone    -
//
// A group may outlive its leader: it can be signalled until it is known to be empty, or the child
// was given up.
type child struct {
	nursery *nursery
	name    string // of the program
	pid     int
	leads   bool     // the leader of a process group of its own
	group   *os.File // a handle of that group; nil if the system has none, or the group is empty
	strays  []*stray // descendants that have left the group, and will be ended with it
	handle  handle
	grace   time.Duration

	ended     bool
	status    Status
	emptied   bool         // the group is known to be empty, or is left alone
	givenUp   bool         // by Process.Close
	asked     time.Time    // when it was first asked to end
	waiters   []aio.Waiter // tasks that wait for the end, in FIFO order
	callbacks []func()     // called when it has ended, in order
}

// handle is the system's handle of a child.
type handle interface {
	// watch makes the loop call ended once, when the child has ended.
	watch(n *nursery, ended func(Status, error)) error
	// poll collects the child if it has ended; once.
	poll() (Status, bool, error)
	// signal sends to the child alone.
	signal(sig sys.Signal) error
	// outlast blocks the thread until the child has ended, at most for d. Then it does what poll
	// does.
	outlast(d time.Duration) (Status, bool, error)
	// close frees the handle.
	close()
}

// adopt makes the loop responsible for a child.
func (n *nursery) adopt(c *child) *child {
	c.nursery = n
	n.children = append(n.children, c)
	if err := c.handle.watch(n, c.collected); err != nil {
		// This loop cannot watch descriptors, or no more of them: a goroutine waits.
		c.handle.close()
		p, _ := os.FindProcess(c.pid) // it has not been collected, so it exists
		c.handle = newProcessHandle(p)
		c.handle.watch(n, c.collected)
	}
	return c
}

// collected is called when the child has ended and its status is known.
func (c *child) collected(s Status, err error) {
	if c.ended {
		return
	}
	if err != nil {
		s = Status{Code: 255}
		c.nursery.report("the status of a child was collected by somebody else", err, c)
	}
	c.ended, c.status = true, s
	c.handle.close()
	c.nursery.forget(c)
	if c.givenUp {
		c.empty()
	} else if !c.groupGone() {
		c.nursery.outlived(c)
	}
	for _, w := range c.waiters {
		w.Unpark()
	}
	c.waiters = nil
	for _, fn := range c.callbacks {
		c.nursery.loop.CallSoon(fn)
	}
	c.callbacks = nil
}

// poll asks the system whether the child has ended.
func (c *child) poll() bool {
	if !c.ended {
		if s, ended, err := c.handle.poll(); ended {
			c.collected(s, err)
		}
	}
	return c.ended
}

// onEnd makes the loop call fn when the child has ended.
func (c *child) onEnd(fn func()) {
	if c.ended {
		c.nursery.loop.CallSoon(fn)
		return
	}
	c.callbacks = append(c.callbacks, fn)
}

// signal sends to the child alone.
func (c *child) signal(sig os.Signal) error {
	s, ok := numbered(sig)
	if !ok {
		return fmt.Errorf("subprocess: %v is no signal of this system", sig)
	}
	if c.ended {
		return os.ErrProcessDone
	}
	return c.handle.signal(s)
}

// signalGroup sends to all processes of the child's group, or to the child alone if it has no group
// of its own.
func (c *child) signalGroup(sig os.Signal) error {
	s, ok := numbered(sig)
	if !ok || !c.leads {
		return c.signal(sig)
	}
	if c.emptied {
		return os.ErrProcessDone
	}
	err := c.toGroup(s)
	if err == sys.ESRCH {
		if c.ended {
			c.empty()
		}
		return os.ErrProcessDone
	}
	return err
}

// toGroup sends to the group that the child leads. The group keeps its number until the child is
// collected and the group is empty. Then other processes may get the number, and must not be
// signalled. A handle always means this group. Without a handle, a process with that number is the
// sign.
func (c *child) toGroup(sig sys.Signal) error {
	if c.group != nil {
		if err := signalGroupOf(c.group, sig); !errtree.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	if c.ended && hasNumber(c.pid) {
		return sys.ESRCH
	}
	return killGroup(c.pid, sig)
}

// empty is called when the child and its group have gone.
func (c *child) empty() {
	c.emptied = true
	if c.group != nil {
		c.group.Close()
		c.group = nil
	}
}

// giveUp is called when the program does not ask for the child any more. Its group needs no handle
// once the child has ended.
func (c *child) giveUp() {
	if c.givenUp = true; c.ended {
		c.empty()
	}
}

// groupGone reports whether the child and its group have gone.
func (c *child) groupGone() bool {
	if c.ended && !c.emptied && (!c.leads || c.toGroup(0) == sys.ESRCH) {
		c.empty()
	}
	return c.ended && c.emptied
}

// terminate asks all of them to end.
func (c *child) terminate() {
	if c.asked.IsZero() {
		c.asked = c.nursery.loop.Time()
	}
	c.findStrays()
	// a stopped process would not get the first
	for _, sig := range []sys.Signal{sys.SIGTERM, sigCont} {
		c.signalGroup(sig)
		for _, s := range c.strays {
			s.signal(sig)
		}
	}
}

// kill kills all of them.
func (c *child) kill() {
	c.findStrays()
	c.signalGroup(sys.SIGKILL)
	for _, s := range c.strays {
		s.signal(sys.SIGKILL)
	}
	c.forgetStrays()
}

// findStrays looks for processes that the child, or a stray found before, has started and that have
// left its group, as after setsid. It finds those whose parents still exist: a process that was
// left to process 1 before cannot be told from an unrelated one.
func (c *child) findStrays() {
	if !c.leads {
		return
	}
	if !c.ended {
		c.strays = findStrays(c.pid, c.pid, c.strays)
	}
	for _, s := range slices.Clone(c.strays) {
		if !s.gone() {
			c.strays = findStrays(s.pid, c.pid, c.strays)
		}
	}
}

// straysGone reports whether all strays have ended.
func (c *child) straysGone() bool {
	return !slices.ContainsFunc(c.strays, func(s *stray) bool { return !s.gone() })
}

func (c *child) forgetStrays() {
	for _, s := range c.strays {
		s.close()
	}
	c.strays = nil
}

// state is for String methods.
func (c *child) state() string {
	if c.ended {
		return fmt.Sprintf("pid %d, %v", c.pid, c.status)
	}
	return fmt.Sprintf("pid %d, running", c.pid)
}

// String describes the child for logs and dumps.
func (c *child) String() string { return safetext.Line(c.name) + ", " + c.state() }

// leave removes a waiting task.
func (c *child) leave(w aio.Waiter) {
	if i := slices.Index(c.waiters, w); i >= 0 {
		c.waiters = slices.Delete(c.waiters, i, i+1)
	}
}
