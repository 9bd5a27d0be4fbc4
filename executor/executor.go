package executor

import (
	"context"
	"fmt"
	"reflect"
	"time"
)

// Executor runs jobs off the loop. [Threads] and [Pool] are executors; one that sends jobs through
// a message broker would be another.
type Executor interface {
	// Execute runs a job and suspends the task until it has ended. It returns the encoded result.
	// An error of the job's function is returned as it is or as a [*RemoteError]. If the job got
	// lost, the error is a [*WorkerError], or wraps one. Loop only.
	//
	// Cancellation: Execute returns, and has done what it can to end the job.
	Execute(ctx context.Context, job Job) ([]byte, error)
}

// Job is one call of a registered function, in a form that can be sent.
type Job struct {
	// ID tells jobs apart. Further attempts have the same ID.
	ID string
	// Name is the registered name of the function.
	Name string
	// Args is the encoded argument.
	Args []byte
	// Attempt is 1 for the first attempt, and grows by 1 each time the job gets lost.
	Attempt int
	// Deadline is when the caller stops waiting, by its loop's clock; zero means never.
	Deadline time.Time
	// Progress takes the encoded reports of the function; nil if they are not needed. An executor
	// calls it on the loop, in order, and not after Execute has returned.
	Progress func(report []byte)

	pipe *space // the caller's end of a pipe
}

type executorKey struct{}

// With returns a copy of ctx in which functions run on ex. It panics if ex is nil, a nil pointer,
// or a closed pool. ctx itself does not change. asyncio: set_default_executor.
func With(ctx context.Context, ex Executor) context.Context {
	check("With", ex)
	if ctx.Value(linkKey{}) != nil { // in a function: its shared objects are those of ex now
		ctx = context.WithValue(ctx, linkKey{}, nil)
	}
	return context.WithValue(ctx, executorKey{}, ex)
}

// From returns the executor of ctx: the innermost one given to [With] or [Processes]. Without one,
// jobs run on goroutines, as many as there are jobs, or as aio.WithThreadLimiter allows.
func From(ctx context.Context) Executor {
	if ex, ok := ctx.Value(executorKey{}).(Executor); ok {
		return ex
	}
	return unbounded
}

// check panics if ex cannot run jobs.
func check(op string, ex Executor) {
	problem := ""
	switch v := reflect.ValueOf(ex); {
	case ex == nil:
		problem = "the executor is nil"
	case v.Kind() == reflect.Pointer && v.IsNil():
		problem = fmt.Sprintf("the executor is a nil %T", ex)
	}
	if p, ok := ex.(*Pool); ok && problem == "" && p.ending.Load() {
		problem = "the pool is closed"
	}
	if problem != "" {
		panic("executor: " + op + ": " + problem + "; pass one that works, such as NewThreads(8)")
	}
}
