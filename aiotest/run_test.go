package aiotest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
)

// runOnce returns what Run would print.
func runOnce(t *testing.T, fn func(ctx context.Context, t *aiotest.T) error, opts ...aiotest.Option) *recorder {
	r := &recorder{TB: t, name: t.Name()}
	aiotest.Run(r, fn, opts...)
	return r
}

func TestRunTakesNoTime(t *testing.T) {
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		begun := aio.RunningLoop(ctx).Time()
		err := aio.Sleep(ctx, 1000*time.Hour)
		if took := aio.RunningLoop(ctx).Time().Sub(begun); took != 1000*time.Hour {
			t.Errorf("it took %v", took)
		}
		return err
	})
}

func TestRunFailsWithWhatAProgramForgets(t *testing.T) {
	boom := errors.New("boom")
	fail := func(context.Context) error { return boom }
	for _, c := range []struct {
		name string
		fn   func(ctx context.Context, t *aiotest.T) error
		want string
	}{
		{"an error", func(context.Context, *aiotest.T) error { return boom }, "aiotest: error: boom"},
		{"a panic", func(context.Context, *aiotest.T) error { panic("oh") }, "aiotest: panic: oh"},
		{"an unseen error", func(ctx context.Context, _ *aiotest.T) error {
			aio.Start(ctx, fail, aio.Name("lost"))
			return aio.Yield(ctx)
		}, "task lost, made at run_test.go:"},
		{"a panic in a task", func(ctx context.Context, _ *aiotest.T) error {
			aio.Start(ctx, func(context.Context) error { panic("oh") }, aio.Name("lost"))
			return aio.Yield(ctx)
		}, "task lost, made at run_test.go:"},
		{"a task that is left", func(ctx context.Context, _ *aiotest.T) error {
			aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) }, aio.Name("lost"))
			return aio.Yield(ctx)
		}, "aiotest: leak: the function has returned, but task lost, made at run_test.go:"},
		{"Fatal in a task", func(ctx context.Context, t *aiotest.T) error {
			_, err := aio.Start(ctx, func(context.Context) error {
				t.Fatal("over")
				return nil
			}).Await(ctx)
			return err
		}, "over"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := runOnce(t, c.fn)
			if len(r.errors) != 1 || !strings.Contains(r.errors[0], c.want) {
				t.Errorf("%q", r.errors)
			}
		})
	}
}

func TestATaskThatWasCancelledIsNoLeak(t *testing.T) {
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		task := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		defer task.Cancel(nil)
		return aio.Yield(ctx)
	})
}

func TestLeaksMayBeAllowed(t *testing.T) {
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		return aio.Yield(ctx)
	}, aiotest.AllowLeaks())
}

func TestRunAndExploreWorkInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleep := func(ctx context.Context, _ *aiotest.T) error { return aio.Sleep(ctx, time.Hour) }
		aiotest.Run(t, sleep)
		aiotest.Explore(t, sleep)
	})
}
