package executor

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
)

// Function is a function that was registered. A and R are the types of its argument and result.
type Function[A, R any] struct {
	name string
	settings
}

// settings are what CallOptions set.
type settings struct {
	on       Executor // nil: the context's
	attempts int
	id       string
	progress func(l *aio.Loop, report []byte)
}

// handler is a registered function without its types.
type handler func(ctx context.Context, args []byte) ([]byte, error)

var registry struct {
	mu    sync.RWMutex // guards the rest
	funcs map[string]handler
}

// Register makes fn callable by name. Call it for a variable of a package, so that it has happened in every
// process before anything else. fn runs on a goroutine that is not the loop's: it may block, and must not
// await. Its context ends at the caller's deadline; in [Threads] also when the call is cancelled.
//
// The types are encoded with gob: of structs the exported fields. A []byte or a string is sent as it is, int, int64,
// float64 and bool as text; aio.None stands for no argument or result. It panics if the name is taken, or if gob
// cannot encode one of the types.
func Register[A, R any](name string, fn func(ctx context.Context, arg A) (R, error)) *Function[A, R] {
	if name == "" || fn == nil {
		panic("executor: Register: the name is empty or the function nil; pass both")
	}
	mustEncode[A](name)
	mustEncode[R](name)
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if registry.funcs[name] != nil {
		panic(fmt.Sprintf("executor: Register: there is a function %q already; choose another name, such as one with the package in front", name))
	}
	if registry.funcs == nil {
		registry.funcs = map[string]handler{}
	}
	registry.funcs[name] = func(ctx context.Context, args []byte) ([]byte, error) {
		arg, err := decode[A](args)
		if err != nil {
			return nil, err
		}
		result, err := fn(ctx, arg)
		if err != nil {
			return nil, err
		}
		return encode(result)
	}
	return &Function[A, R]{name: name, settings: settings{attempts: 1}}
}

// Name returns the name it was registered as.
func (f *Function[A, R]) Name() string { return f.name }

// Run calls the function on the executor of ctx ([With], [On]) with a copy of arg, and returns a copy of its
// result. The errors are those of [Executor], of the function, and of encoding. Loop only; the argument is
// encoded, and the result decoded, on the loop. asyncio: run_in_executor.
//
// As it has the form of a function with an argument it can be given to aio.Map: aio.Map(ctx, items, f.Run).
//
// Cancellation: that of the executor.
func (f *Function[A, R]) Run(ctx context.Context, arg A) (R, error) {
	var zero R
	l := aio.RunningLoop(ctx)
	ex := f.on
	if ex == nil {
		ex = From(ctx)
	}
	args, err := encode(arg)
	if err != nil {
		return zero, err
	}
	job := Job{ID: f.id, Name: f.name, Args: args, Attempt: 1}
	if job.ID == "" {
		job.ID = newID()
	}
	job.Deadline, _ = ctx.Deadline()
	if f.progress != nil {
		job.Progress = func(report []byte) { f.progress(l, report) }
	}
	for {
		data, err := ex.Execute(ctx, job)
		if err == nil {
			return decode[R](data)
		}
		_, lost := errtree.As[*WorkerError](err)
		if job.Attempt >= f.attempts || !lost || ctx.Err() != nil {
			return zero, err
		}
		job.Attempt++
	}
}

// With returns a copy of the function that is called with the options.
func (f *Function[A, R]) With(opts ...CallOption) *Function[A, R] {
	g := *f
	for _, o := range opts {
		o(&g.settings)
	}
	return &g
}

// CallOption is an option of [Function.With].
type CallOption func(s *settings)

// On has the function run on ex, whatever the context says. It panics as the function With does.
// Default: the executor of the context.
func On(ex Executor) CallOption {
	check("On", ex)
	return func(s *settings) { s.on = ex }
}

// Attempts is how often a job is tried in all if its worker gets lost. What the function did before is not
// undone, so it must do no harm twice. Errors of the function itself end the attempts. Default: 1.
func Attempts(n int) CallOption {
	if n < 1 {
		panic(fmt.Sprintf("executor: Attempts: the number is %d; use 1 or more", n))
	}
	return func(s *settings) { s.attempts = n }
}

// ID is the ID of the job. Default: one that no other job has.
func ID(id string) CallOption { return func(s *settings) { s.id = id } }

// newID returns an ID that is not used twice, here or elsewhere.
func newID() string { return idPrefix() + "-" + strconv.FormatUint(ids.Add(1), 10) }

var (
	ids      atomic.Uint64
	idPrefix = sync.OnceValue(func() string { return rand.Text()[:12] })
)

// Call runs the function of a job here and now, and returns its encoded result: the other end of an
// executor. It blocks as long as the function does, so it is not for a loop. A panic of the function goes
// on. The function finds the job with [Current], and what it reports goes to job.Progress, on the
// function's goroutine. It returns [ErrNotRegistered] if there is no such function.
func Call(ctx context.Context, job Job) ([]byte, error) {
	registry.mu.RLock()
	fn := registry.funcs[job.Name]
	registry.mu.RUnlock()
	if fn == nil {
		return nil, fmt.Errorf("%w: %q", ErrNotRegistered, job.Name)
	}
	return fn(context.WithValue(ctx, jobKey{}, job), job.Args)
}
