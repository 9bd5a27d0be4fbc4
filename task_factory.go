package aio

import (
	"runtime/debug"
)

// TaskFactory is called with every new task of a loop before it is scheduled. It may name the task,
// add callbacks or keep it. If it returns an error or panics, the task does not run and has that
// outcome.
type TaskFactory func(t AnyTask) error

// SetTaskFactory sets the function that is called with every new task; nil removes it. asyncio:
// set_task_factory.
func (l *Loop) SetTaskFactory(f TaskFactory) { l.factory = f }

// TaskFactory returns the task factory, or nil. asyncio: get_task_factory.
func (l *Loop) TaskFactory() TaskFactory { return l.factory }

// WithTaskFactory sets the loop's task factory. Default: none.
func WithTaskFactory(f TaskFactory) Option { return option(func(l *Loop) { l.factory = f }) }

// admitted calls the factory with a new task. If it refuses or does not return, that is the task's
// outcome, because another task may already wait for one.
func (t *taskCore) admitted() bool {
	var err error
	returned := false
	defer func() {
		if !returned { // runtime.Goexit goes on
			t.settle(failed, &GoexitError{Name: t.Name()})
		}
	}()
	func() {
		defer func() {
			if v := recover(); v != nil {
				p := &PanicError{Value: v, Stack: debug.Stack()}
				t.extra().panic = p
				err = p
			}
		}()
		err = t.loop.factory(t.any())
	}()
	returned = true
	if err != nil {
		t.settle(failed, err)
	}
	return err == nil
}

// Eager makes a task take its first step at once, inside CreateTask, Start or Go, until its first
// await that suspends. Then it goes on like any other task. It saves a pass if the work often needs
// no wait. It changes the order: the first step comes before the creator's next statement. asyncio:
// eager_task_factory.
func Eager() TaskOption { return eagerOption{} }

type eagerOption struct{}

func (eagerOption) taskOption(t *taskCore) { t.flags |= eagerStart }

// startNow runs the first step of a task from inside a step of another task or a callback.
func (l *Loop) startNow(t *taskCore) {
	current, hosted, left := l.current.Load(), l.hosted, l.left
	l.hosted, l.left = true, 0 // the new task makes no steps of others: it is not their turn
	if s := l.stage(t); s != nil {
		s.Resume()
	}
	l.hosted, l.left = hosted, left
	l.setCurrent(current)
}
