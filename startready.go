package aio

import (
	"context"
	"errors"
)

// ErrNotReady is returned by [StartReady] if the task ended well without saying that it is ready.
var ErrNotReady = errors.New("aio: StartReady: the task ended without calling ready")

// StartReady starts fn as a task of group g and waits until it calls ready, whose value it returns: the address of a server that now
// listens, say. From then on fn is a task like those of [TaskGroup.Go]. If fn ends before that, its error is returned here and does not end
// the group. trio has this as nursery.start; asyncio has no counterpart.
//
// Cancellation: fn is cancelled and waited for.
func StartReady[T any](ctx context.Context, g *TaskGroup, fn func(ctx context.Context, ready func(v T)) error, opts ...TaskOption) (T, error) {
	mustHave("StartReady", fn != nil)
	if g == nil {
		panic(misuse("StartReady", "the group is nil; use the one that the function given to Group gets"))
	}
	said := NewFuture[T](loopOf(ctx, "StartReady"))
	said.flags |= observed // what goes wrong before is returned here
	t := g.Go(func(ctx context.Context) error {
		err := fn(ctx, func(v T) { said.SetResult(v) })
		if said.Done() && !said.Cancelled() {
			return err
		}
		if err == nil {
			err = ErrNotReady
		}
		said.SetError(err)
		return nil
	}, opts...)
	t.AddDoneCallback(func() {
		if err := t.Err(); err != nil && !said.Done() { // it panicked, or never ran
			said.SetError(err)
		}
	})
	v, err := said.Await(ctx)
	if err != nil && !t.Done() {
		t.Cancel(err)
		Wait(context.WithoutCancel(ctx), AllCompleted, t)
	}
	return v, err
}
