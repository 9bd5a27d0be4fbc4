package executor

import (
	"context"
	"fmt"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/nocopy"
)

// Threads is an [Executor] on goroutines of this process, by means of aio.ToThread. Jobs start in the order
// in which they were asked for. It belongs to the first loop that uses it. asyncio: ThreadPoolExecutor.
//
// A function cannot be stopped from outside: one whose call is cancelled keeps its place until it returns.
// A panic of the function is raised in the caller.
type Threads struct {
	_       nocopy.Mark
	limiter *aiosync.Limiter // nil: as the loop has it
	done    int
}

// ThreadStatistics is what [Threads.Statistics] returns.
type ThreadStatistics struct {
	Max     int // functions that may run at a time; 0: no bound
	Running int // functions that run
	Waiting int // jobs that wait for their turn
	Done    int // jobs that have ended, in whatever way
}

// unbounded is the executor of a context without one. It counts nothing: loops share it.
var unbounded Executor = loopThreads{}

// NewThreads makes an executor that runs up to n functions at a time. It panics if n is less than one.
func NewThreads(n int) *Threads {
	if n < 1 {
		panic(fmt.Sprintf("executor: NewThreads: the number of functions at a time is %d; use 1 or more", n))
	}
	return &Threads{limiter: aiosync.NewLimiter(n)}
}

// Execute runs a job on a goroutine. See [Executor].
//
// Cancellation: it returns at once, and the function's context ends; the function goes on until it returns.
func (t *Threads) Execute(ctx context.Context, job Job) ([]byte, error) {
	defer func() { t.done++ }()
	return onThread(ctx, job, aio.LimitedBy(t.limiter))
}

// Statistics returns a picture of the executor as it is now. Loop only.
func (t *Threads) Statistics() ThreadStatistics {
	s := t.limiter.Statistics()
	return ThreadStatistics{Max: s.Total, Running: s.Borrowed, Waiting: s.Waiting, Done: t.done}
}

// loopThreads is what a context without an executor has.
type loopThreads struct{}

func (loopThreads) Execute(ctx context.Context, job Job) ([]byte, error) { return onThread(ctx, job) }

func onThread(ctx context.Context, job Job, opts ...aio.ThreadOption) ([]byte, error) {
	if listener := job.Progress; listener != nil {
		l, over := aio.RunningLoop(ctx), false
		defer func() { over = true }()
		job.Progress = func(report []byte) {
			// It fails only when the loop is closed: then nobody listens.
			l.CallSoonThreadsafe(func() {
				if !over {
					listener(report)
				}
			})
		}
	}
	return aio.ToThread(ctx, func(ctx context.Context) ([]byte, error) { return Call(ctx, job) }, opts...)
}
