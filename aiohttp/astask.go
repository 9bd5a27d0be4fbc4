package aiohttp

import (
	"context"

	"github.com/aio-go/aio"
)

// asTask calls fn, which may await with ctx. In a task it calls fn directly. On any other goroutine
// it uses Submit, since an await would panic there.
func asTask[T any](ctx context.Context, fn func(ctx context.Context) (T, error)) (T, error) {
	if aio.InTask(ctx) {
		return fn(ctx)
	}
	return aio.SubmitValue(context.WithoutCancel(ctx), aio.RunningLoop(ctx), fn)
}

// countAsTask is asTask for reads and writes, whose number of bytes is valid with an error as well.
func countAsTask(
	ctx context.Context, fn func(ctx context.Context) (int, error),
) (n int, err error) {
	_, err = asTask(ctx, aio.Action(func(ctx context.Context) (err error) {
		n, err = fn(ctx)
		return err
	}))
	return n, err
}
