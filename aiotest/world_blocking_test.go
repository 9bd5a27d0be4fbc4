package aiotest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
)

// panicOf returns what fn panics with.
func panicOf(fn func()) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	fn()
	return ""
}

func TestAProgramInAWorldThatRunsALoopIsToldToAwait(t *testing.T) {
	const (
		there  = "another loop is running on this goroutine; "
		remedy = "await the function itself, with the context of your task; " +
			"another goroutine would be outside of the test and of its world"
	)
	own := func(context.Context) error { return nil }
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{})
		over := aio.NewFuture[aio.None](ctx)
		w.Host("server").Boot(func(ctx context.Context) error {
			for _, x := range []struct {
				want string
				fn   func()
			}{
				{"aio: Run: " + there + remedy, func() { _ = aio.Run(ctx, own) }},
				{"aio: Runner.Run: " + there + remedy, func() {
					r := aio.NewRunner()
					defer r.Close()
					_ = r.Run(context.Background(), own)
				}},
				{"aio: RunParallel: a loop is running on this goroutine and would block; " + remedy,
					func() {
						_ = aio.RunParallel(ctx, 2, func(context.Context, int) error { return nil })
					}},
			} {
				if got := panicOf(x.fn); got != x.want {
					t.Errorf("it panics with %q, want %q", got, x.want)
				}
			}
			over.SetResult(aio.None{})
			return nil
		})
		_, err := over.Await(ctx)
		return err
	})
}
