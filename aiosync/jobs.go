package aiosync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/nocopy"
)

// ErrJobsClosed is returned by [Jobs.Spawn] once Close was called.
var ErrJobsClosed = errors.New("aiosync: these jobs are closed")

// Jobs starts tasks that outlive the block that asks for them: mails to send, logs to write,
// caches to fill. Unlike tasks of [aio.Start] they are limited in number, end with Close, and their
// failures go to one place. For tasks that end with a block use [aio.Group]. A Jobs belongs to the
// first loop that uses it. Python: aiojobs.Scheduler.
type Jobs struct {
	_       nocopy.Mark
	slots   *Semaphore // of jobs under way
	room    *Semaphore // for jobs that wait as well
	onError func(task aio.AnyTask, err error)
	open    map[*aio.Task[aio.None]]bool // jobs that have not ended
	active  int
	closing bool
	report  JobsReport
}

// JobsReport says what has become of jobs. Each job is in one of the numbers.
type JobsReport struct {
	Done      int // ended without an error
	Failed    int // ended with an error or a panic
	Cancelled int // cancelled, before they began or later
	Left      int // did not end within the time-out of Close, although they were cancelled
}

// JobsStatistics is the result of [Jobs.Statistics].
type JobsStatistics struct {
	Active  int // jobs under way
	Pending int // jobs that wait for others to end
	JobsReport
}

// NewJobs returns a Jobs that runs at most limit jobs at a time and lets at most pending others
// wait in FIFO order. onError is called on the loop for each job that fails; with nil, a failure
// that nobody awaits goes to the loop's exception handler. It panics if limit is less than 1 or
// pending is negative.
func NewJobs(limit, pending int, onError func(task aio.AnyTask, err error)) *Jobs {
	const op = "NewJobs"
	if limit < 1 {
		panic(misuse(op, fmt.Sprintf("the limit is %d; use 1 or more", limit)))
	}
	if pending < 0 {
		panic(misuse(op, "the number of pending jobs is negative; use 0 or more"))
	}
	return &Jobs{
		slots:   NewSemaphore(limit),
		room:    NewSemaphore(limit + pending),
		onError: onError,
		open:    map[*aio.Task[aio.None]]bool{},
	}
}

// Spawn starts a job. It waits while as many jobs as allowed wait already. The job has the values
// of ctx, and neither its cancellation nor its deadline. It returns the job's task: await it for
// the result, or cancel it. It returns [ErrJobsClosed] once Close was called.
//
// Cancellation: the job is not started.
func (j *Jobs) Spawn(
	ctx context.Context, fn func(ctx context.Context) error, opts ...aio.TaskOption,
) (*aio.Task[aio.None], error) {
	if fn == nil {
		panic(misuse("Jobs.Spawn", "the function is nil; pass one"))
	}
	if j.closing {
		return nil, ErrJobsClosed
	}
	if err := j.room.Acquire(ctx); err != nil {
		return nil, err
	}
	if j.closing { // meanwhile
		j.room.Release()
		return nil, ErrJobsClosed
	}
	done := false
	task := aio.Start(ctx, func(ctx context.Context) error {
		err := j.slots.With(ctx, func(ctx context.Context) error {
			j.active++
			defer func() { j.active-- }()
			return fn(ctx)
		})
		done = err == nil
		return err
	}, opts...)
	j.open[task] = true
	task.AddDoneCallback(func() { j.ended(task, done) })
	return task, nil
}

// ended is called when a job has ended, in any way.
func (j *Jobs) ended(task *aio.Task[aio.None], done bool) {
	delete(j.open, task)
	j.room.Release()
	switch {
	case done:
		j.report.Done++
	case task.Cancelled():
		j.report.Cancelled++
	default:
		j.report.Failed++
		if j.onError != nil {
			j.onError(task, task.Err())
		} // otherwise the loop reports it, unless a task awaits it
	}
}

// Statistics returns how many jobs there are and what became of those before.
func (j *Jobs) Statistics() JobsStatistics {
	return JobsStatistics{Active: j.active, Pending: len(j.open) - j.active, JobsReport: j.report}
}

// Wait waits until all jobs have ended, those that are spawned meanwhile included. In a job it does
// not wait for that job.
//
// Cancellation: it stops waiting, and the jobs go on.
func (j *Jobs) Wait(ctx context.Context) error {
	for {
		others := j.others(ctx)
		if len(others) == 0 {
			return nil
		}
		if _, _, err := aio.Wait(ctx, aio.AllCompleted, others...); err != nil {
			return err
		}
	}
}

// others returns the jobs that have not ended, without the one that runs.
func (j *Jobs) others(ctx context.Context) (tasks []aio.AnyTask) {
	self := aio.CurrentTask(ctx)
	for task := range j.open {
		if aio.AnyTask(task) != self {
			tasks = append(tasks, task)
		}
	}
	slices.SortFunc(tasks, func(a, b aio.AnyTask) int { return cmp.Compare(a.ID(), b.ID()) })
	return tasks
}

// Close cancels the jobs that wait and those under way, and waits at most d until they have ended.
// It reports what has become of all jobs, ever. Spawn returns [ErrJobsClosed] from now on, also to
// tasks that wait in it. To let jobs end by themselves first, call Wait, in a time-out. Close may
// be called again, to wait for jobs that are left.
//
//	defer jobs.Close(context.WithoutCancel(ctx), time.Second)
//
// Cancellation: it cancels the jobs, stops waiting for them, and returns the error with the report.
func (j *Jobs) Close(ctx context.Context, d time.Duration) (JobsReport, error) {
	if !j.closing {
		j.closing = true
		j.room.Release() // the first task that waits in Spawn; each wakes the next one
	}
	others := j.others(ctx)
	for _, task := range others {
		task.Cancel(ErrJobsClosed)
	}
	var err error
	if len(others) > 0 {
		_, _, err = aio.WaitTimeout(ctx, d, aio.AllCompleted, others...)
	}
	report := j.report
	report.Left = len(j.others(ctx))
	return report, err
}

// String is for messages.
func (j *Jobs) String() string {
	return fmt.Sprintf("<Jobs active=%d pending=%d>", j.active, len(j.open)-j.active)
}
