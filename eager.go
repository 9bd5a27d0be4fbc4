package aio

// Eager makes a task take its first step at once, inside CreateTask, Start or Go, up to its first await that suspends; then it goes on like
// any other. It saves the wait for the next pass where the work is often done without one, and changes the order: what the task does first
// comes before what its creator does next. asyncio: eager_task_factory.
func Eager() TaskOption { return eagerOption{} }

type eagerOption struct{}

func (eagerOption) taskOption(t *taskCore) { t.flags |= eagerStart }

// startNow runs the first step of a task from within a step of another, or a callback.
func (l *Loop) startNow(t *taskCore) {
	current, hosted, left := l.current.Load(), l.hosted, l.left
	l.hosted, l.left = true, 0 // the new task makes no steps of others: it is not their turn
	if s := l.stage(t); s != nil {
		s.Resume()
	}
	l.hosted, l.left = hosted, left
	l.setCurrent(current)
}
