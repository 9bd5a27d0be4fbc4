package executor

import (
	"context"
	"fmt"
	"reflect"
	"time"
)

// Executor runs jobs somewhere else than on the loop. [Threads] and [Pool] are executors, and one that
// sends jobs through a message broker would be another.
type Executor interface {
	// Execute runs a job and suspends the task until it has ended. It returns the encoded result. An error
	// of the job's function comes back as it is or as a [*RemoteError]; if the job got lost, the error is
	// a [*WorkerError], or wraps one. Loop only.
	//
	// Cancellation: nobody waits for the job any more, and what can be done to end it has been done.
	Execute(ctx context.Context, job Job) ([]byte, error)
}

// Job is one call of a registered function, in a form that can be sent.
type Job struct {
	// ID tells jobs apart. Further attempts have the same.
	ID string
	// Name is what the function was registered as.
	Name string
	// Args is the argument, encoded.
	Args []byte
	// Attempt is 1 for the first, and one more each time the job was lost before.
	Attempt int
	// Deadline is when the caller stops waiting, by its loop's clock; the zero time if it does not.
	Deadline time.Time
	// Progress takes what the function reports by the way, encoded; nil if nobody listens. An executor calls
	// it on the loop, in order, and not after Execute has returned.
	Progress func(report []byte)
}

type executorKey struct{}

// With returns a copy of ctx in which functions run on ex. It panics if ex is nil, a nil pointer, or a pool
// that is closed; ctx is what it was. asyncio: set_default_executor.
func With(ctx context.Context, ex Executor) context.Context {
	check("With", ex)
	return context.WithValue(ctx, executorKey{}, ex)
}

// From returns the executor of ctx: the innermost one given to [With], or [Processes]. Without any it is
// goroutines, as many as there are jobs, or as aio.WithThreadLimiter allows.
func From(ctx context.Context) Executor {
	if ex, ok := ctx.Value(executorKey{}).(Executor); ok {
		return ex
	}
	return unbounded
}

// check panics if ex cannot run anything.
func check(op string, ex Executor) {
	problem := ""
	switch v := reflect.ValueOf(ex); {
	case ex == nil:
		problem = "the executor is nil"
	case v.Kind() == reflect.Pointer && v.IsNil():
		problem = fmt.Sprintf("the executor is a nil %T", ex)
	}
	if p, ok := ex.(*Pool); ok && problem == "" && p.ending {
		problem = "the pool is closed"
	}
	if problem != "" {
		panic("executor: " + op + ": " + problem + "; pass one that works, such as NewThreads(8)")
	}
}
