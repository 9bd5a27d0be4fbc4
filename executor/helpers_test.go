package executor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/executor"
)

// run runs main on a loop. It fails the test if main returns an error or if anything is reported.
func run(t *testing.T, main func(ctx context.Context) error, opts ...aio.Option) {
	t.Helper()
	seen := func(_ *aio.Loop, r aio.Report) {
		t.Errorf("unexpected report: %s: %s: %v", r.Message, r.TaskName, r.Err)
	}
	opts = append([]aio.Option{aio.WithExceptionHandler(seen)}, opts...)
	if err := aio.Run(t.Context(), main, opts...); err != nil {
		t.Fatalf("main returned: %v", err)
	}
}

// inPool runs main with a pool whose workers' standard error is kept.
func inPool(
	t *testing.T, main func(ctx context.Context, p *executor.Pool) error, opts ...executor.PoolOption,
) {
	t.Helper()
	switch runtime.GOOS {
	case "windows", "plan9", "js", "wasip1":
		t.Skip("there are no pools of processes on ", runtime.GOOS)
	}
	var stderr buffer
	opts = append([]executor.PoolOption{executor.Stderr(&stderr)}, opts...)
	run(t, func(ctx context.Context) error { return executor.Processes(ctx, main, opts...) })
	if t.Failed() && stderr.String() != "" {
		t.Logf("the workers wrote:\n%s", stderr.String())
	}
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// wantPanic fails the test unless fn panics with a message that has all the parts.
func wantPanic(t *testing.T, fn func(), parts ...string) {
	t.Helper()
	defer func() {
		t.Helper()
		v := recover()
		if v == nil {
			t.Errorf("it did not panic; want a message with %q", parts)
			return
		}
		for _, part := range parts {
			if !strings.Contains(fmt.Sprint(v), part) {
				t.Errorf("the panic has no %q: %v", part, v)
			}
		}
	}()
	fn()
}

// both runs the test on threads and on processes.
func both(t *testing.T, test func(t *testing.T, ctx context.Context) error) {
	t.Helper()
	t.Run("threads", func(t *testing.T) {
		run(t, func(ctx context.Context) error {
			return test(t, executor.With(ctx, executor.NewThreads(2)))
		})
	})
	t.Run("processes", func(t *testing.T) {
		inPool(t, func(ctx context.Context, _ *executor.Pool) error { return test(t, ctx) },
			executor.Workers(2))
	})
	t.Run("no executor", func(t *testing.T) {
		run(t, func(ctx context.Context) error { return test(t, ctx) })
	})
}

// wantLost returns the WorkerError in err, and fails the test if there is none.
func wantLost(t *testing.T, err error) *executor.WorkerError {
	t.Helper()
	var lost *executor.WorkerError
	if !errors.As(err, &lost) {
		t.Fatalf("the error is %v, want a *WorkerError", err)
	}
	return lost
}
