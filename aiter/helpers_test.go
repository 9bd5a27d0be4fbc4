package aiter_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
)

var (
	errBoom   = errors.New("boom")
	errReason = errors.New("the reason")
)

// run runs main under a virtual clock. It fails the test if main returns an error, if anything is
// reported, or if a task is left when main returns.
func run(t *testing.T, main func(ctx context.Context) error, opts ...aio.Option) {
	t.Helper()
	seen, err := runReports(t, func(ctx context.Context) error {
		err := main(ctx)
		if left := aio.AllTasks(ctx); len(left) != 1 {
			t.Errorf("tasks are left: %v", left)
		}
		return err
	}, opts...)
	if err != nil {
		t.Fatalf("main returned: %v", err)
	}
	for _, r := range *seen {
		t.Errorf("unexpected report: %s: %s: %v", r.Message, r.TaskName, r.Err)
	}
}

// runReports is run for tests in which something is reported, or left.
func runReports(
	t *testing.T, main func(ctx context.Context) error, opts ...aio.Option,
) (*[]aio.Report, error) {
	t.Helper()
	seen := &[]aio.Report{}
	handler := aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) { *seen = append(*seen, r) })
	opts = append([]aio.Option{aio.WithClock(aio.NewVirtualClock()), handler, aio.WithSlowCallback(0)},
		opts...)
	err := aio.Run(t.Context(), main, opts...)
	return seen, err
}

// journal collects lines in the order in which things happen.
type journal []string

func (j *journal) add(format string, args ...any) { *j = append(*j, fmt.Sprintf(format, args...)) }

func (j *journal) want(t *testing.T, lines ...string) {
	t.Helper()
	if !slices.Equal(*j, lines) {
		t.Fatalf("what happened differs\n got: %s\nwant: %s",
			strings.Join(*j, " | "), strings.Join(lines, " | "))
	}
}

// panicValue returns what fn panics with, nil if it does not.
func panicValue(fn func()) (v any) {
	defer func() { v = recover() }()
	fn()
	return nil
}

// wantPanic fails the test unless fn panics with a message that has all the parts.
func wantPanic(t *testing.T, fn func(), parts ...string) {
	t.Helper()
	v := panicValue(fn)
	if v == nil {
		t.Errorf("it did not panic; want a message with %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(fmt.Sprintf("%+v", v), part) {
			t.Errorf("the panic has no %q: %+v", part, v)
		}
	}
}

// count yields 1 to n, each after a second, then ends with err. Its cleanup awaits, and is written
// down.
func count(ctx context.Context, log *journal, n int, err error) iter.Seq2[int, error] {
	return counting(ctx, log, "source", n, time.Second, err)
}

func counting(
	ctx context.Context, log *journal, name string, n int, each time.Duration, err error,
) iter.Seq2[int, error] {
	return aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
		defer func() { log.add("%s closed: %v", name, aio.Yield(context.WithoutCancel(ctx))) }()
		for i := range n {
			if err := aio.Sleep(ctx, each); err != nil {
				return err
			}
			if !yield(i + 1) {
				return nil
			}
		}
		return err
	})
}

// all takes a whole sequence and checks the contract on the way: no error before the end, a zero
// value beside it, nothing after it.
func all[T any](t *testing.T, seq iter.Seq2[T, error]) ([]T, error) {
	t.Helper()
	var out []T
	var end error
	for v, err := range seq {
		if end != nil {
			t.Errorf("after the error came %v, %v", v, err)
			break
		}
		if err == nil {
			out = append(out, v)
			continue
		}
		var zero T
		if end = err; fmt.Sprint(v) != fmt.Sprint(zero) {
			t.Errorf("beside the error there is %v", v)
		}
	}
	return out, end
}

// wantItems takes a whole sequence, which must be these items without an error.
func wantItems[T any](t *testing.T, seq iter.Seq2[T, error], want ...T) {
	t.Helper()
	got, err := all(t, seq)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// started starts a task and gives it a few passes.
func started(ctx context.Context, fn func(ctx context.Context) error) *aio.Task[aio.None] {
	task := aio.Start(ctx, fn)
	for range 3 {
		_ = aio.Yield(ctx)
	}
	return task
}

// elapsed measures by the loop's clock.
func elapsed(ctx context.Context, fn func()) time.Duration {
	loop := aio.RunningLoop(ctx)
	began := loop.Time()
	fn()
	return loop.Time().Sub(began)
}

// exits ends the task.
func exits() error {
	runtime.Goexit()
	return nil
}

// dice lets the loop take what is ready in random order.
type dice struct{ *rand.Rand }

func (d dice) Choose(_ aio.Choice, n int) int { return d.IntN(n) }

func throwing(seed uint64) aio.Option {
	return aio.WithChooser(dice{rand.New(rand.NewPCG(seed, 1))})
}
