package aio_test

import (
	"context"
	"iter"
	"testing"

	"github.com/aio-go/aio"
)

func TestInTaskKnowsWhoMayAwait(t *testing.T) {
	if aio.InTask(t.Context()) {
		t.Error("without a loop")
	}
	run(t, func(ctx context.Context) error {
		if !aio.InTask(ctx) || !aio.InTask(aio.RunningLoop(ctx).Context()) {
			t.Error("not in a task")
		}
		next, stop := iter.Pull(func(yield func(bool) bool) { yield(aio.InTask(ctx)) })
		defer stop()
		if in, _ := next(); !in {
			t.Error("not in an iterator of a task")
		}
		in, err := aio.ToThread(ctx, func(thread context.Context) (bool, error) {
			return aio.InTask(ctx) || aio.InTask(thread), nil
		})
		if in || err != nil {
			t.Error("on a goroutine: ", in, err)
		}
		called := aio.NewFuture[bool](aio.RunningLoop(ctx))
		aio.RunningLoop(ctx).CallSoon(func() { called.SetResult(aio.InTask(ctx)) })
		in, err = called.Await(ctx)
		if in || err != nil {
			t.Error("in a callback: ", in, err)
		}
		return nil
	})
}
