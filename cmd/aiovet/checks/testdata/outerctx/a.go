package outerctx

import (
	"context"
	"time"

	"example.com/vet/helpers"
	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

func blank(ctx context.Context, lock *aiosync.Lock) error {
	return lock.With(ctx, func(_ context.Context) error {
		return helpers.Pause(ctx) // want `ctx is a context from outside of this function, which has its own; use that`
	})
}

func renamed(ctx context.Context) error {
	return aio.Group(ctx, func(inner context.Context, g *aio.TaskGroup) error {
		g.Go(func(own context.Context) error {
			return aio.Sleep(ctx, time.Second) // want `ctx is a context from outside`
		})
		aio.Start(ctx, helpers.Pause)
		return aio.Sleep(inner, time.Second)
	})
}

func unnamed(ctx context.Context) error {
	return aio.Timeout(ctx, time.Second, func(context.Context) error {
		return aio.Yield(ctx) // want `ctx is a context from outside`
	})
}

func nested(ctx context.Context) error {
	return aio.Group(ctx, func(group context.Context, g *aio.TaskGroup) error {
		return aio.Timeout(group, time.Second, func(limited context.Context) error {
			return aio.Yield(ctx) // want `ctx is a context from outside`
		})
	})
}

func alone(ctx context.Context, g *aio.TaskGroup) {
	g.Go(func(_ context.Context) error {
		return aio.Yield(ctx) // want `ctx is a context from outside`
	})
}

type key struct{}

func local(ctx context.Context) error {
	with := context.WithValue(ctx, key{}, 1)
	return aio.Group(with, func(inner context.Context, g *aio.TaskGroup) error {
		return aio.Yield(with) // want `with is a context from outside`
	})
}

func right(ctx context.Context, g *aio.TaskGroup) error {
	free := context.WithoutCancel(ctx)
	return aio.Group(free, func(inner context.Context, g *aio.TaskGroup) error {
		if err := aio.Yield(ctx); err != nil { // the group was made with another one, so this is on purpose
			return err
		}
		g.Go(func(ctx context.Context) error { return aio.Yield(ctx) })
		_ = aio.Yield(context.WithoutCancel(ctx))
		_ = ctx.Err()
		_ = aio.RunningLoop(ctx)
		return aio.Yield(free)
	})
}
