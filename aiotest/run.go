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
// tasks that have not ended and were not cancelled, calls of CallLater that are still to come,
// connections, files and responses that are not closed. Messages name the line that made the task
// or opened the file.
//
// Functions given to [aio.ToThread] run to their end before the next step. The numbers of
// [aio.Loop.Rand] are the same in each run.
//
// Run returns when the loop is closed. It may be called in parallel tests, and in a bubble of
// testing/synctest.
func Run(t testing.TB, fn func(ctx context.Context, t *T) error, opts ...Option) {
	t.Helper()
	mustHaveFunc("Run", fn)
	conf := newConfig(opts)
	conf.loop = append(slices.Clone(conf.loop), aio.WithDebug(true))
	c := newController(t, conf, fn)
	r := c.schedule(nil, documented, strike{}, nil)
	c.close()
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
