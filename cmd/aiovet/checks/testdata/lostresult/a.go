package lostresult

import (
	"context"

	"github.com/aio-go/aio"
)

func number(ctx context.Context) (int, error)        { return 1, aio.Yield(ctx) }
func none(ctx context.Context) (aio.None, error)     { return aio.None{}, aio.Yield(ctx) }
func double(ctx context.Context, n int) (int, error) { return 2 * n, aio.Yield(ctx) }
func act(ctx context.Context) error                  { return aio.Yield(ctx) }

func lost(ctx context.Context, g *aio.TaskGroup) {
	aio.CreateTask(ctx, number)              // want `nobody can get the result of this task; keep what aio.CreateTask returns, or use aio.Start`
	aio.CreateTask(ctx, aio.Bind(double, 1)) // want `nobody can get the result`
	aio.GoValue(g, number)                   // want `nobody can get the result of this task; keep what aio.GoValue returns, or use TaskGroup.Go`
	aio.NewFuture[int](ctx)                  // want `nobody can await this future`
	aio.Bind(double, 1)                      // want `aio.Bind only makes a function; call it`
	aio.Action(act)                          // want `aio.Action only makes a function`
}

func right(ctx context.Context, g *aio.TaskGroup) *aio.Task[int] {
	aio.Start(ctx, act)
	aio.CreateTask(ctx, none)
	g.Go(act)
	aio.GoValue(g, none)
	_ = aio.CreateTask(ctx, number)
	return aio.CreateTask(ctx, number)
}
