package aio

import "context"

// LoopFor is [RunningLoop] for packages that build on this one: its panic, if ctx has no loop, names op, the function that the program
// called.
func LoopFor(ctx context.Context, op string) *Loop { return loopOf(ctx, op) }

// InTask reports whether the caller may await with ctx: whether it runs in a task of the loop that ctx belongs to. It is for what both tasks
// and other goroutines call, such as a Read method, and works on any goroutine. Without a loop in ctx it is false.
func InTask(ctx context.Context) bool {
	l := ownerOf(ctx)
	if l == nil {
		return false
	}
	if l.currentWorker() != nil {
		return true
	}
	coroutine, task := callerStack() // as an await does: it may be inside an iter.Pull of the task's
	return coroutine && !task && !l.onLoop() && l.current.Load() != nil
}

// IsHere reports whether the caller runs on the loop: in one of its tasks or callbacks. Only there may what belongs to the loop be used
// without [Submit] or [Loop.CallSoonThreadsafe]. It works on any goroutine. A task may also await, see [InTask].
func (l *Loop) IsHere() bool { return l.onLoop() }
