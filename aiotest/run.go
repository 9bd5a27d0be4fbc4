package aiotest

import (
	"context"
	"slices"
	"testing"

	"github.com/aio-go/aio"
)

// Run runs fn once as the main task of a loop of its own, in the documented order and under a
// virtual clock. The test fails with what fn says, with its error, and with everything that a
// program must not leave: reports to the exception handler, errors that nobody has seen, panics,
// tasks that have not ended and were not cancelled. Messages name the line that made the task.
//
// Run returns when the loop is closed. It may be called in parallel tests, and in a bubble of
// testing/synctest.
func Run(t testing.TB, fn func(ctx context.Context, t *T) error, opts ...Option) {
	t.Helper()
	mustHaveFunc("Run", fn)
	c := newConfig(opts)
	r := &run{sometimes: map[string]bool{}}
	all := append(slices.Clone(c.loop),
		aio.WithClock(&clock{}),
		aio.WithExceptionHandler(r.reported),
		aio.WithDebug(true),
	)
	runner := aio.NewRunner(all...)
	r.returned(runner.Run(context.Background(), func(ctx context.Context) error {
		return r.body(ctx, &T{t, r}, fn, c.leaks)
	}))
	runner.Close()
	r.end()
	for _, line := range r.logs {
		t.Log(line)
	}
	for _, p := range r.problems {
		t.Errorf("aiotest: %s", p)
	}
}

// program is what is tested.
type program = func(ctx context.Context, t *T) error

func mustHaveFunc(op string, fn program) {
	if fn == nil {
		panic("aiotest: " + op + ": the function is nil; give the test's own")
	}
}
