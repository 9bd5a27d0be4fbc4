package aio

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/aio-go/aio/internal/list"
	"github.com/aio-go/aio/internal/nocopy"
)

// ErrGroupClosed is the cause with which a task is cancelled that was started in a group that is
// ending. Its function never runs.
var ErrGroupClosed = errors.New("aio: the group is ending and takes no more tasks")

// TaskGroup owns the tasks started in it. See [Group]. asyncio: TaskGroup.
//
//	state     meaning                               left when
//	open      tasks may be added                    a task or the body fails; Cancel; the block is
//	                                                cancelled; all have ended
//	aborting  all tasks were cancelled; no more     all have ended
//	closed    Group has returned
type TaskGroup struct {
	_        nocopy.Mark
	scope    *scope
	parent   *worker
	children []*groupChild // those that have not ended, and some that have
	live     int
	turns    int // ends of children that have still to get their turn
	state    groupState
	own      *cancellation // the one with which the group ended its body
	joining  Waiter        // the body has ended, the task waits for the children
	errs     []error
	panic    *PanicError
}

type groupState uint8

const (
	groupOpen groupState = iota
	groupAborting
	groupClosed
)

// Group calls body, in the calling task, with a group in which it may start tasks. It returns when
// body and all tasks of the group have ended. Tasks of the group may start more. If a task or body
// fails, all other tasks are cancelled in the order of creation, and then body.
//
// Group returns nil if nothing failed, and otherwise the errors joined in the order in which they
// happened, with body's last. A single error is returned as it is. A cancelled task has not failed;
// a time-out is a failure. If a task or body panicked, Group re-panics when all have ended.
// asyncio: async with TaskGroup().
//
// Cancellation: the tasks are cancelled and waited for; none is left when Group returns. Group
// returns the cancellation, unless a task or body fails with another error.
func Group(ctx context.Context, body func(ctx context.Context, g *TaskGroup) error) error {
	w := running(ctx, "Group")
	mustHave("Group", body != nil)
	return group(w, ctx, "Group", callerPC(0), body)
}

func group(
	w *worker,
	ctx context.Context,
	op string,
	pc uintptr,
	body func(ctx context.Context, g *TaskGroup) error,
) error {
	g := &TaskGroup{scope: newScope(w, ctx, op, pc), parent: w}
	w.enter(g.scope, groupScope)
	err, done := error(nil), false
	defer func() {
		if !done { // the body panicked or exited: the children end before the panic goes on
			if v := recover(); v != nil {
				g.panicked(v)
			}
			g.abort(errors.New("the body of the group did not return"))
			g.wait()
			g.close()
			if g.panic != nil {
				g.raise()
			}
			g.reportErrs() // a Goexit takes nothing along
		}
	}()
	err = body(g.scope, g)
	done = true
	err = g.end(err)
	if g.panic != nil {
		g.raise()
	}
	return err
}

func (g *TaskGroup) raise() {
	g.panic.Others = append(g.panic.Others[:len(g.panic.Others):len(g.panic.Others)], g.errs...)
	panic(g.panic)
}

// end waits for the children after the body has returned err, and returns the result of Group.
func (g *TaskGroup) end(err error) error {
	var cancelledErr error
	failure := err
	byGroup := g.own != nil // the group ended its body, not the other way round
	if err != nil {
		g.abort(err)
		if isCancellation(err) || isBareCanceled(err) && g.scope.cancelled.Load() != nil {
			cancelledErr, failure = err, nil
		}
	}
	if stopped := g.wait(); stopped != nil && cancelledErr == nil {
		cancelledErr = stopped
	}
	if byGroup { // what the body returned is the group's own cancellation
		cancelledErr = nil
	}
	if cancelledErr == nil && g.state == groupAborting {
		cancelledErr = g.overruling()
	}
	g.close()
	if failure != nil {
		g.errs = append(g.errs, failure)
	}
	switch {
	case len(g.errs) == 1:
		return g.errs[0]
	case len(g.errs) > 1:
		return errors.Join(g.errs...)
	}
	return cancelledErr
}

// overruling returns the cancellation of the code around the group, or nil. It wins over the
// group's own, whichever came first.
func (g *TaskGroup) overruling() error {
	req := g.scope.cancelled.Load()
	if g.own != nil {
		req = g.scope.outerRequest()
	}
	if req == nil {
		return nil
	}
	return req.awaitError()
}

// wait waits until all children have ended. It returns the cancellation that came meanwhile, if
// any.
func (g *TaskGroup) wait() (stopped error) {
	if g.parent.loop.current != g.parent {
		panic(misuse("Group", "the group ends in another task than it was opened in; "+
			"drive an iterator with a group inside from one task"))
	}
	p := &g.parent.wait
	for g.live > 0 || g.turns > 0 {
		if g.parent.unservable() {
			break // the task is being ended with all others
		}
		if g.state == groupOpen {
			p.begin(g.scope, "Group", g)
		} else {
			p.begin(nil, "Group", g)
		}
		g.joining = p.waiter()
		err := p.park()
		g.joining = Waiter{}
		if err != nil {
			g.abort(err)
			if g.own == nil { // otherwise it is the group's own
				stopped = err
			}
		}
	}
	return stopped
}

func (g *TaskGroup) close() {
	g.state = groupClosed
	g.parent.leave(g.scope)
}

// abort cancels the body and all children, once.
func (g *TaskGroup) abort(cause error) {
	if g.state != groupOpen {
		return
	}
	g.state = groupAborting
	req := g.scope.cancelled.Load()
	if req == nil {
		m := g.scope.more
		req = &cancellation{CancelledError: CancelledError{Cause: cause, by: m.op, pc: m.pc}}
		if ce, ok := cause.(*CancelledError); ok {
			req.CancelledError = *ce
		}
		g.own = req
	}
	defer g.parent.loop.inOne()()
	for _, c := range g.children {
		if !c.task.Done() {
			c.task.scope.cancel(req)
		}
	}
	g.scope.cancel(req)
}

// Cancel ends the group early. It cancels body and all tasks, and no more tasks can be added. If
// nothing fails meanwhile, Group returns nil, unless the code around it is cancelled before that.
// It does nothing if the group is ending.
func (g *TaskGroup) Cancel(cause error) {
	g.loop("TaskGroup.Cancel").MustBeHere("TaskGroup.Cancel")
	g.abort(cause)
}

// Go starts fn as a task of the group, in the next pass. Its context has the values of the group's
// context. Awaiting the returned task is optional. If the group is ending, the task is cancelled
// before it starts, with [ErrGroupClosed] as the cause. Go panics after Group has returned.
// asyncio: create_task.
func (g *TaskGroup) Go(fn func(ctx context.Context) error, opts ...TaskOption) *Task[None] {
	t := newTask(g.loop("TaskGroup.Go"), g.scope, asFunc(fn), "TaskGroup.Go", opts)
	t.flags |= plain
	g.add(&t.taskCore)
	return t
}

// GoValue starts fn as a task of group g and returns the task. Its result is available with Await
// or Result. See [TaskGroup.Go]. asyncio: create_task.
func GoValue[T any](g *TaskGroup, fn Func[T], opts ...TaskOption) *Task[T] {
	t := newTask(g.loop("GoValue"), g.scope, fn, "GoValue", opts)
	g.add(&t.taskCore)
	return t
}

func (g *TaskGroup) loop(op string) *Loop {
	if g == nil || g.scope == nil {
		panic(misuse(op, "the group is nil or the zero value; "+
			"use the one that Group passes to its body"))
	}
	return g.scope.task.loop
}

func (g *TaskGroup) add(t *taskCore) {
	switch {
	case g.state == groupClosed:
		panic(misuse("TaskGroup.Go", "the group has ended; start tasks before Group returns, "+
			"or use CreateTask for a task that outlives the group"))
	case g.state == groupAborting:
		c := *g.scope.cancelled.Load()
		c.Cause = ErrGroupClosed
		t.flags |= observed
		t.finishUnstarted(&c)
		return
	}
	if f := g.scope.facts.Load(); f != nil {
		if t.scope.facts.Load() == nil {
			t.scope.facts.Store(f) // the scope of a block has no name
		} else {
			t.scope.setLimit(f.limit)
		}
	}
	if len(g.children) > 64 && g.live < len(g.children)/2 {
		g.compact()
	}
	c := &groupChild{group: g, task: t}
	t.tell(&c.node, c)
	g.children = append(g.children, c)
	g.live++
	t.schedule()
}

// waitText implements waitable.
func (g *TaskGroup) waitText([]*taskCore) string {
	return fmt.Sprintf("%d tasks of the group", g.live)
}

// blockers implements waitable.
func (g *TaskGroup) blockers(to []*taskCore) []*taskCore {
	for _, c := range g.children {
		if !c.task.Done() {
			to = append(to, c.task)
		}
	}
	return to
}

// cancelFor implements waitable: the end of the block itself cancels the children.
func (g *TaskGroup) cancelFor(*wait, *cancellation) bool { return false }

// evict implements waitable.
func (g *TaskGroup) evict(*wait, error) {}

// compact drops the children that have ended.
func (g *TaskGroup) compact() {
	left := g.children[:0]
	for _, c := range g.children {
		if !c.task.Done() {
			left = append(left, c)
		}
	}
	clear(g.children[len(left):])
	g.children = left
}

// groupChild is a task in a group. When the task has failed, or is the last to end, the child takes
// a turn in the ready queue. So the group reacts one pass later, as in asyncio, and knows all
// failures of one pass before it cancels the rest.
type groupChild struct {
	node    list.Elem[completer]
	group   *TaskGroup
	task    *taskCore
	excused bool // its failure is known elsewhere and does not concern the group
}

func (c *groupChild) completed(t *core) {
	g := c.group
	if g.state == groupClosed {
		return // the loop is being closed, and has ended the group before its tasks
	}
	t.flags |= observed
	g.live--
	if t.state == failed || g.live == 0 {
		g.turns++
		t.loop.ready.Push(c)
	}
}

func (c *groupChild) run() {
	g, t := c.group, c.task
	g.turns--
	switch {
	case t.state != failed || c.excused:
	case g.state == groupClosed: // as above, but it ended before the group did
		t.flags &^= observed
		t.notice(true)
	default:
		g.failed(t)
	}
	if g.live == 0 && g.turns == 0 {
		g.joining.Unpark()
	}
}

// excuse makes the failure with which t is going to end no failure of the group.
func (g *TaskGroup) excuse(t *taskCore) {
	for _, c := range g.children {
		if c.task == t {
			c.excused = true
		}
	}
}

func (g *TaskGroup) failed(t *taskCore) {
	if t.rare != nil && t.rare.panic != nil && g.panic == nil {
		p := *t.rare.panic
		again := "\nre-panicked in the group of task " + g.scope.task.shownName() + ":\n"
		p.Stack = slices.Concat(p.Stack, []byte(again), debug.Stack())
		g.panic = &p
	} else {
		g.errs = append(g.errs, t.err)
	}
	g.abort(t.err)
}

// reportErrs reports the errors that Group cannot return.
func (g *TaskGroup) reportErrs() {
	for _, err := range g.errs {
		t := g.scope.task
		message := "a task of a group failed, and the body of the group called runtime.Goexit"
		t.loop.report(t.report(message, err))
	}
}

// panicked keeps the panic of the body. If a child panicked before, it becomes one of the others.
func (g *TaskGroup) panicked(v any) {
	p := &PanicError{Value: v, Stack: debug.Stack()}
	if from, ok := v.(*PanicError); ok {
		*p = *from // a copy: it may be the outcome of a task, which stays as it is
	}
	if g.panic == nil {
		g.panic = p
	} else {
		g.errs = append(g.errs, p)
	}
}
