package executor

import (
	"context"
	"fmt"
	"sync"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/nocopy"
)

// Threads is an [Executor] on goroutines of this process, through aio.ToThread. Jobs start in FIFO
// order. It belongs to the first loop that uses it.
//
// A function cannot be stopped from outside: after a cancellation of its call it keeps its place
// until it returns. A panic of the function is re-panicked in the caller.
// asyncio: ThreadPoolExecutor.
type Threads struct {
	_       nocopy.Mark
	limiter *aiosync.Limiter // nil: the loop's limiter
	done    int

	once  sync.Once
	space *space
}

// ThreadStatistics is the result of [Threads.Statistics].
type ThreadStatistics struct {
	Max     int // the largest number of functions at a time; 0: no bound
	Running int // running functions
	Waiting int // jobs that wait for their turn
	Done    int // jobs that have ended, in any way
}

// unbounded is the executor of a context without one. It counts nothing: loops share it.
var unbounded Executor = loopThreads{}

// NewThreads makes an executor that runs up to n functions at a time. It panics if n is less than
// one.
func NewThreads(n int) *Threads {
	if n < 1 {
		panic(fmt.Sprintf("executor: NewThreads: the number of functions at a time is %d; "+
			"use 1 or more", n))
	}
	return &Threads{limiter: aiosync.NewLimiter(n)}
}

// Execute runs a job on a goroutine. See [Executor].
//
// Cancellation: it returns at once, and the function's context ends; the function goes on until it
// returns.
func (t *Threads) Execute(ctx context.Context, job Job) ([]byte, error) {
	defer func() { t.done++ }()
	return onThread(ctx, job, t.shared(ctx), aio.LimitedBy(t.limiter))
}

// shared returns the shared objects. They belong to the first loop.
func (t *Threads) shared(ctx context.Context) *space {
	t.once.Do(func() { t.space = newSpace(aio.RunningLoop(ctx), mostMessage) })
	return t.space
}

// Statistics returns the current state of the executor. Loop only.
func (t *Threads) Statistics() ThreadStatistics {
	s := t.limiter.Statistics()
	return ThreadStatistics{Max: s.Total, Running: s.Borrowed, Waiting: s.Waiting, Done: t.done}
}

// loopThreads is the executor of a context without one.
type loopThreads struct{}

func (loopThreads) Execute(ctx context.Context, job Job) ([]byte, error) {
	return onThread(ctx, job, nil)
}

func onThread(
	ctx context.Context, job Job, objects *space, opts ...aio.ThreadOption,
) ([]byte, error) {
	l := aio.RunningLoop(ctx)
	if objects != nil {
		l = objects.loop
	}
	a := newAccount(l, objects, job.pipe)
	if listener := job.Progress; listener != nil {
		l, over := aio.RunningLoop(ctx), false
		defer func() { over = true }()
		job.Progress = func(report []byte) {
			// It fails only if the loop is closed: then the report is not needed.
			l.CallSoonThreadsafe(func() {
				if !over {
					listener(report)
				}
			})
		}
	}
	return aio.ToThread(ctx, func(ctx context.Context) ([]byte, error) {
		// It fails only if the loop is closed, and the objects with it.
		defer l.CallSoonThreadsafe(func() { a.close(false) })
		return Call(context.WithValue(ctx, linkKey{}, link(crossing{a})), job)
	}, opts...)
}
