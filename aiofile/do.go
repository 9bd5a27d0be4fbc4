package aiofile

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/perloop"
	"github.com/aio-go/aio/internal/unclosed"
)

// defaultLimit is how many operations of a loop are under way at a time.
const defaultLimit = 32

// limits is shared by the operations of a loop.
type limits struct {
	usual *aiosync.Limiter
	open  map[*File]string // in debug mode: the lines that opened them
}

var tables perloop.Table[*limits]

func limitsOf(ctx context.Context) *limits {
	loop := aio.RunningLoop(ctx)
	return tables.Get(loop, func() *limits {
		l := &limits{usual: aiosync.NewLimiter(defaultLimit), open: map[*File]string{}}
		loop.OnClose(func() { l.reportOpen(loop) })
		return l
	})
}

// reportOpen reports, in debug mode, the files that the program has not closed before its loop.
func (l *limits) reportOpen(loop *aio.Loop) {
	files := slices.SortedFunc(maps.Keys(l.open), func(a, b *File) int {
		return cmp.Or(cmp.Compare(a.Name(), b.Name()), cmp.Compare(l.open[a], l.open[b]))
	})
	for _, f := range files {
		loop.CallExceptionHandler(aio.Report{
			Message: "aiofile: the loop was closed before the file. Close it in a defer",
			Warning: true,
			Attrs:   []slog.Attr{slog.String("file", f.Name()), slog.String("opened", l.open[f])},
		})
	}
}

// opened notes, in debug mode, which line of the program opened f.
func opened(ctx context.Context, f *File, err error) (*File, error) {
	if err == nil && aio.RunningLoop(ctx).Debug() {
		l := limitsOf(ctx)
		l.open[f] = unclosed.Site()
		f.forget = func() { delete(l.open, f) }
	}
	return f, err
}

type limiterKey struct{}

// WithLimiter returns a context in which limiter bounds the operations of this package, in place of
// the loop's default bound of 32.
func WithLimiter(ctx context.Context, limiter *aiosync.Limiter) context.Context {
	if limiter == nil {
		panic(misuse("WithLimiter", "the limiter is nil; make one with aiosync.NewLimiter"))
	}
	return context.WithValue(ctx, limiterKey{}, limiter)
}

// operation is what a place in the limiter is lent to.
type operation struct{ _ byte } // pointers to empty structs may be equal

func (*operation) String() string { return "an operation on a file" }

// Do calls fn, which may block, off the loop by the rules of this package. It is for functions of
// package os that this package lacks.
//
//	info, err := aiofile.Do(ctx, func() (os.FileInfo, error) { return os.Stat(name) })
//
// A panic of fn is re-panicked in the caller. For calls that can be interrupted or abandoned use
// [aio.ToThread].
//
// Cancellation: if the task is cancelled while it waits in line, fn is not called. Once fn has
// begun, Do waits for its end and returns its outcome.
func Do[T any](ctx context.Context, fn func() (T, error)) (T, error) {
	if fn == nil {
		panic(misuse("Do", "the function is nil; pass one"))
	}
	var zero T
	aio.RunningLoop(ctx)                   // panics if there is no loop
	if err := aio.Yield(ctx); err != nil { // if there is a token, nothing below waits with ctx
		return zero, err
	}
	l := limitsOf(ctx)
	limiter, ok := ctx.Value(limiterKey{}).(*aiosync.Limiter)
	if !ok {
		limiter = l.usual
	}
	turn := new(operation)
	if err := limiter.AcquireFor(ctx, turn); err != nil {
		return zero, err
	}
	defer limiter.ReleaseFor(turn)
	return aio.ToThread(context.WithoutCancel(ctx),
		func(context.Context) (T, error) { return fn() }, aio.LimitedBy(nil))
}

// do is Do for functions without a result.
func do(ctx context.Context, fn func() error) error {
	_, err := Do(ctx, func() (aio.None, error) { return aio.None{}, fn() })
	return err
}

// insist calls fn off the loop even if the task is cancelled. If the loop ends the task, which then
// cannot wait, it calls fn on the loop.
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
