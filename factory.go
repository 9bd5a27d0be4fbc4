package aio

// TaskFactory is called with every new task of a loop before it is scheduled, on the loop. It may name it, add callbacks or keep it. An
// error keeps the task from running: it becomes the task's outcome.
type TaskFactory func(t AnyTask) error

// SetTaskFactory sets the function that is called with every new task; nil removes it. Loop only. asyncio: set_task_factory.
func (l *Loop) SetTaskFactory(f TaskFactory) { l.factory = f }

// TaskFactory returns the function set, nil if there is none. asyncio: get_task_factory.
func (l *Loop) TaskFactory() TaskFactory { return l.factory }

// WithTaskFactory sets the loop's task factory. Default: none.
func WithTaskFactory(f TaskFactory) Option { return option(func(l *Loop) { l.factory = f }) }
