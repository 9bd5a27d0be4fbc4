package aiofile

import (
	"context"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/perloop"
)

// defaultLimit is how many operations of a loop are under way at a time.
const defaultLimit = 32

// limits are what a loop's operations share.
type limits struct {
	usual *aiosync.Limiter
}

var tables perloop.Table[*limits]

func limitsOf(ctx context.Context) *limits {
	return tables.Get(aio.RunningLoop(ctx), func() *limits {
		return &limits{usual: aiosync.NewLimiter(defaultLimit)}
	})
}

type limiterKey struct{}

// WithLimiter returns a context with which the operations of this package are bounded by limiter, in place of the loop's usual bound of 32.
func WithLimiter(ctx context.Context, limiter *aiosync.Limiter) context.Context {
	if limiter == nil {
		panic(misuse("WithLimiter", "the limiter is nil; make one with aiosync.NewLimiter"))
	}
	return context.WithValue(ctx, limiterKey{}, limiter)
}

// Do calls fn, which may block, beside the loop, by the rules of this package: for what package os has and this one has not.
//
//	info, err := aiofile.Do(ctx, func() (os.FileInfo, error) { return os.Stat(name) })
//
// A panic of fn is raised again in the caller. For calls that can be interrupted or may be left alone there is [aio.ToThread].
//
// Cancellation: fn is not called if the task is cancelled while it waits in line. Once fn has begun, its end is waited for and its outcome
// returned.
func Do[T any](ctx context.Context, fn func() (T, error)) (T, error) {
	if fn == nil {
		panic(misuse("Do", "the function is nil"))
	}
	var zero T
	aio.RunningLoop(ctx)                   // panics if there is none
	if err := aio.Yield(ctx); err != nil { // nothing below waits with ctx, if there is a token
		return zero, err
	}
	l := limitsOf(ctx)
	limiter, ok := ctx.Value(limiterKey{}).(*aiosync.Limiter)
	if !ok {
		limiter = l.usual
	}
	turn := new(int)
	if err := limiter.AcquireFor(ctx, turn); err != nil {
		return zero, err
	}
	defer limiter.ReleaseFor(turn)
	return aio.ToThread(context.WithoutCancel(ctx), func(context.Context) (T, error) { return fn() }, aio.LimitedBy(nil))
}

// do is Do for functions without a result.
func do(ctx context.Context, fn func() error) error {
	_, err := Do(ctx, func() (aio.None, error) { return aio.None{}, fn() })
	return err
}

// insist calls fn beside the loop even if the task is cancelled, and on the loop if the task is being ended and cannot wait any more.
func insist(ctx context.Context, fn func() error) error {
	called := false
	var err error
	_ = do(context.WithoutCancel(ctx), func() error {
		called, err = true, fn()
		return nil
	})
	if !called {
		err = fn()
	}
	return err
}

func misuse(op, problem string) string { return "aiofile: " + op + ": " + problem }
