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

// Function is a registered function. A and R are the types of its argument and result.
type Function[A, R any] struct {
	name  string
	codec Codec
	settings
}

// settings holds the values of CallOptions.
type settings struct {
	on       Executor // nil: the context's
	attempts int
	id       string
	progress func(l *aio.Loop, report []byte)
	pipe     *space // the caller's end; nil: there is none
}

// handler is a registered function without its types.
type handler func(ctx context.Context, args []byte) ([]byte, error)

var registry struct {
	mu    sync.RWMutex // guards the rest
	funcs map[string]handler
}

// Register makes fn callable by name. Call it for a variable of a package, so that every process
// has it from the start. fn runs on a goroutine that is not the loop's: it may block, and must not
// await. Its context ends at the caller's deadline, and in [Threads] also when the call is
// cancelled.
//
// The types are encoded with gob, which sends the exported fields of structs. A []byte or a string
// is sent as it is, int, int64, float64 and bool as text; aio.None means no argument or result.
// [Encoding] chooses another codec. Register panics if the name is taken, or if one of the types
// cannot be encoded.
func Register[A, R any](
	name string, fn func(ctx context.Context, arg A) (R, error), opts ...RegisterOption,
) *Function[A, R] {
	if name == "" || fn == nil {
		panic("executor: Register: the name is empty or the function nil; pass both")
	}
	var r registration
	for _, o := range opts {
		o(&r)
	}
	op := fmt.Sprintf("Register: the function %q", name)
	mustEncode[A](r.codec, op)
	mustEncode[R](r.codec, op)
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if registry.funcs[name] != nil {
		panic(fmt.Sprintf("executor: Register: there is a function %q already; "+
			"choose another name, such as one with the package in front", name))
	}
	if registry.funcs == nil {
		registry.funcs = map[string]handler{}
	}
	registry.funcs[name] = func(ctx context.Context, args []byte) ([]byte, error) {
		arg, err := decodeBy[A](r.codec, args)
		if err != nil {
			return nil, err
		}
		result, err := fn(ctx, arg)
		if err != nil {
			return nil, err
		}
		return encodeBy(r.codec, result)
	}
	return &Function[A, R]{name: name, codec: r.codec, settings: settings{attempts: 1}}
}

// RegisterCoroutine is [Register] for a function that awaits: where it runs, it is the main task of
// a loop of its own, and may start others. In a worker of a [Pool] it can use all that package aio
// and the others have, besides the shared objects. A task that it leaves behind is cancelled when
// it returns. asyncio: a coroutine in a worker process, as aiomultiprocess has it.
func RegisterCoroutine[A, R any](
	name string, fn func(ctx context.Context, arg A) (R, error), opts ...RegisterOption,
) *Function[A, R] {
	if fn == nil {
		panic("executor: RegisterCoroutine: the function is nil; pass one")
	}
	return Register(name, func(ctx context.Context, arg A) (R, error) {
		return aio.RunValue(ctx, aio.Bind(fn, arg))
	}, opts...)
}

// Name returns the registered name.
func (f *Function[A, R]) Name() string { return f.name }

// Run calls the function on the executor of ctx ([With], [On]) with a copy of arg, and returns a
// copy of its result. The errors are those of [Executor], of the function, and of encoding. Loop
// only; the argument is encoded, and the result decoded, on the loop.
//
// It has the form of a function for aio.Map: aio.Map(ctx, items, f.Run). asyncio: run_in_executor.
//
// Cancellation: that of the executor.
func (f *Function[A, R]) Run(ctx context.Context, arg A) (R, error) {
	var zero R
	l := aio.RunningLoop(ctx)
	if f.pipe != nil {
		defer f.pipe.hangUp()
	}
	ex := f.on
	if ex == nil {
		ex = From(ctx)
	}
	job, err := f.Job(arg)
	if err != nil {
		return zero, err
	}
	job.Deadline, _ = ctx.Deadline()
	if f.progress != nil {
		job.Progress = func(report []byte) { f.progress(l, report) }
	}
	for {
		data, err := ex.Execute(ctx, job)
		if err == nil {
			return f.Result(data)
		}
		_, lost := errtree.As[*WorkerError](err)
		if job.Attempt >= f.attempts || !lost || ctx.Err() != nil {
			return zero, err
		}
		job.Attempt++
	}
}

// Job returns the job of a call with a copy of arg, for executors that take jobs in other ways than
// Execute. Any goroutine.
func (f *Function[A, R]) Job(arg A) (Job, error) {
	args, err := encodeBy(f.codec, arg)
	if err != nil {
		return Job{}, err
	}
	job := Job{ID: f.id, Name: f.name, Args: args, Attempt: 1, pipe: f.pipe}
	if job.ID == "" {
		job.ID = newID()
	}
	return job, nil
}

// Result decodes the encoded result of a job. It takes over data. Any goroutine.
func (f *Function[A, R]) Result(data []byte) (R, error) { return decodeBy[R](f.codec, data) }

// With returns a copy of the function whose calls use the options.
func (f *Function[A, R]) With(opts ...CallOption) *Function[A, R] {
	g := *f
	for _, o := range opts {
		o(&g.settings)
	}
	return &g
}

// CallOption is an option of [Function.With].
type CallOption func(s *settings)

// On makes the function run on ex, in place of the context's executor. It panics as the function
// With does. Default: the executor of the context.
func On(ex Executor) CallOption {
	check("On", ex)
	return func(s *settings) { s.on = ex }
}

// Attempts is the number of attempts in all if a job loses its worker. The effects of a lost
// attempt are not undone, so a repetition must be harmless. An error of the function itself ends
// the attempts. Default: 1.
func Attempts(n int) CallOption {
	if n < 1 {
		panic(fmt.Sprintf("executor: Attempts: the number is %d; use 1 or more", n))
	}
	return func(s *settings) { s.attempts = n }
}

// ID is the ID of the job. Default: a unique one.
func ID(id string) CallOption { return func(s *settings) { s.id = id } }

// newID returns an ID that is not used twice, in this process or in others.
func newID() string { return idPrefix() + "-" + strconv.FormatUint(ids.Add(1), 10) }

var (
	ids      atomic.Uint64
	idPrefix = sync.OnceValue(func() string { return rand.Text()[:12] })
)

// Registered reports whether this process has a function of the name. Any goroutine.
func Registered(name string) bool { return lookUp(name) != nil }

func lookUp(name string) handler {
	registry.mu.RLock()
	defer registry.mu.RUnlock()
	return registry.funcs[name]
}

// Call runs the function of a job here and now, and returns its encoded result: it is the other end
// of an executor. It blocks while the function runs, so it is not for a loop. It does not recover a
// panic of the function. The function finds the job with [Current], and its reports go to
// job.Progress, on the function's goroutine. If the function does not exist, it returns
// [ErrNotRegistered].
func Call(ctx context.Context, job Job) ([]byte, error) {
	fn := lookUp(job.Name)
	if fn == nil {
		return nil, fmt.Errorf("%w: %q", ErrNotRegistered, job.Name)
	}
	return fn(context.WithValue(ctx, jobKey{}, job), job.Args)
}
