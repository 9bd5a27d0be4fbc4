package aiter

import (
	"context"
	"runtime"
	"slices"

	"github.com/aio-go/aio"
)

// crew are the tasks of one iteration. They begin with it and have ended when it has: that is what during sees to. They are no group of the
// task that iterates, since the loop body runs in between: a group's block would cancel the waits of the body, and could not be left in
// another task than it was entered in, as happens with iterators that are stepped by hand.
//
// When the iteration is left, members that hold, which is in their source's yield, are sent home: the yield returns false and the source
// cleans up undisturbed. Those that wait for something else are cancelled.
type crew struct {
	ctx      context.Context
	name     string
	members  []*member // those that have not ended, in the order in which they began
	consumer aio.Waiter
	leaving  bool
	broken   []*aio.Task[aio.None] // those that panicked or exited
}

type member struct {
	crew    *crew
	ctx     context.Context
	task    *aio.Task[aio.None]
	holder  aio.Waiter
	holding bool
	offers  int // items of this member that wait to be taken
}

// during calls loop, which is the iteration, and ends the members after it, whichever way it ends. A panic of a member is raised again, unless
// the loop body has panicked itself.
func (c *crew) during(loop func()) {
	orderly := false
	defer func() {
		c.end()
		c.settle(orderly)
	}()
	loop()
	orderly = true
}

// begin starts a member. If its task is cancelled before it begins, lost is called in place of work.
func (c *crew) begin(work func(ctx context.Context, m *member), lost func(err error)) {
	m := &member{crew: c}
	began := false
	m.task = aio.Start(c.ctx, func(ctx context.Context) error {
		began, m.ctx = true, ctx
		returned := false
		defer func() {
			if !returned {
				c.broken = append(c.broken, m.task)
			}
			c.gone(m)
		}()
		work(ctx, m)
		returned = true
		return nil
	}, aio.Name(c.name))
	m.task.AddDoneCallback(func() {
		if slices.Contains(c.broken, m.task) {
			_ = m.task.Err() // settle hands it on; it needs no report
		}
		if !began {
			if !c.leaving {
				lost(m.task.Err())
			}
			c.gone(m)
		}
	})
	c.members = append(c.members, m)
}

func (c *crew) gone(m *member) {
	if i := slices.Index(c.members, m); i >= 0 {
		c.members = slices.Delete(c.members, i, i+1)
	}
	c.wake()
}

// done reports whether nothing more can come.
func (c *crew) done() bool { return len(c.members) == 0 || len(c.broken) > 0 }

// wait suspends the task that iterates until wake.
func (c *crew) wait(ctx context.Context) error {
	c.consumer = aio.NewWaiter(ctx, c.name, nil)
	return c.consumer.Park()
}

func (c *crew) wake() { c.consumer.Unpark() }

// hold suspends a member until letGo. It returns false if the iteration was left, or the error of a cancellation that came from elsewhere.
func (m *member) hold() (bool, error) {
	if m.crew.leaving {
		return false, nil
	}
	m.holding = true
	m.holder = aio.NewWaiter(m.ctx, m.crew.name, nil)
	err := m.holder.Park()
	m.holding = false
	switch {
	case m.crew.leaving:
		return false, nil
	case err != nil:
		return false, err
	}
	return true, nil
}

func (m *member) letGo() { m.holder.Unpark() }

// end ends the members and waits for that, also in a task that is cancelled.
func (c *crew) end() {
	c.leaving = true
	for _, m := range slices.Clone(c.members) {
		if m.holding {
			m.letGo()
		} else {
			m.task.Cancel(errLeft)
		}
	}
	free := context.WithoutCancel(c.ctx)
	for len(c.members) > 0 {
		if c.wait(free) != nil {
			return // the loop is being closed and ends the members itself
		}
	}
}

// settle hands on how members ended that did not return.
func (c *crew) settle(orderly bool) {
	var first *aio.PanicError
	exited := false
	for _, t := range c.broken {
		switch p, ok := t.Err().(*aio.PanicError); {
		case !ok:
			exited = true
		case first == nil:
			copied := *p // it stays the outcome of the task
			first = &copied
		default:
			first.Others = append(first.Others, p)
		}
	}
	switch {
	case first != nil && orderly:
		panic(first)
	case first != nil:
		aio.RunningLoop(c.ctx).CallExceptionHandler(aio.Report{Message: "a task of an iteration panicked", Err: first, TaskName: c.name})
	case exited && orderly:
		runtime.Goexit()
	}
}
