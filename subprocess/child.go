package subprocess

import (
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/aio-go/aio"
)

// child is a process that was started and has to be collected. All of it belongs to the loop.
//
//	state     entered by                          signals              leaves to
//	running   adopt                               are sent             ended: the handle says so
//	ended     collected, by the system as well    os.ErrProcessDone    -
//
// A group may outlive its leader: it can be signalled until it was found empty.
type child struct {
	nursery *nursery
	name    string // of the program
	pid     int
	leads   bool // a process group of its own
	handle  handle
	grace   time.Duration

	ended     bool
	status    Status
	emptied   bool         // the group is known to have nobody left in it
	asked     time.Time    // when it was first asked to end
	waiters   []aio.Waiter // tasks that wait for the end, in the order they came
	callbacks []func()     // called when it has ended, in order
}

// handle is what the system has for a child.
type handle interface {
	// watch has ended called, once and on the loop, when the child has ended.
	watch(n *nursery, ended func(Status, error)) error
	// poll collects the child if it has ended; once.
	poll() (Status, bool, error)
	// signal sends to the child alone.
	signal(sig syscall.Signal) error
	// outlast blocks the thread until the child has ended, at most for d, and then is like poll.
	outlast(d time.Duration) (Status, bool, error)
	// close frees what the handle holds.
	close()
}

// adopt makes the loop responsible for a child.
func (n *nursery) adopt(name string, pid int, leads bool, h handle, grace time.Duration) *child {
	c := &child{nursery: n, name: name, pid: pid, leads: leads, handle: h, grace: grace}
	n.children = append(n.children, c)
	if err := h.watch(n, c.collected); err != nil {
		// This loop cannot watch descriptors, or no more of them: a goroutine waits.
		h.close()
		p, _ := os.FindProcess(pid) // nobody else has collected it, so it is there
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
	c.groupGone()
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

// onEnd has fn called by the loop when the child has ended.
func (c *child) onEnd(fn func()) {
	if c.ended {
		c.nursery.loop.CallSoon(fn)
		return
	}
	c.callbacks = append(c.callbacks, fn)
}

// signal sends to the child alone.
func (c *child) signal(sig os.Signal) error {
	s, ok := sig.(syscall.Signal)
	if !ok {
		return fmt.Errorf("subprocess: %v is no signal of this system", sig)
	}
	if c.ended {
		return os.ErrProcessDone
	}
	return c.handle.signal(s)
}

// signalGroup sends to all in the child's group; to the child alone if it has none of its own.
func (c *child) signalGroup(sig os.Signal) error {
	s, ok := sig.(syscall.Signal)
	if !ok || !c.leads {
		return c.signal(sig)
	}
	if c.emptied {
		return os.ErrProcessDone
	}
	err := killGroup(c.pid, s)
	if err == syscall.ESRCH {
		// The number may be given to others from now on.
		c.emptied = c.ended
		return os.ErrProcessDone
	}
	return err
}

// groupGone reports whether nobody is left of the child and its group.
func (c *child) groupGone() bool {
	if c.ended && !c.emptied {
		c.emptied = !c.leads || killGroup(c.pid, 0) == syscall.ESRCH
	}
	return c.ended && c.emptied
}

// terminate asks all to end.
func (c *child) terminate() {
	if c.asked.IsZero() {
		c.asked = c.nursery.loop.Time()
	}
	c.signalGroup(syscall.SIGTERM)
	c.signalGroup(sigCont) // one that is stopped could not hear it
}

func (c *child) kill() { c.signalGroup(syscall.SIGKILL) }

// state is for String methods.
func (c *child) state() string {
	if c.ended {
		return fmt.Sprintf("pid %d, %v", c.pid, c.status)
	}
	return fmt.Sprintf("pid %d, running", c.pid)
}

// String describes the child for logs and dumps.
func (c *child) String() string { return c.name + ", " + c.state() }

// leave takes a task out of the line of those that wait.
func (c *child) leave(w aio.Waiter) {
	if i := slices.Index(c.waiters, w); i >= 0 {
		c.waiters = slices.Delete(c.waiters, i, i+1)
	}
}
