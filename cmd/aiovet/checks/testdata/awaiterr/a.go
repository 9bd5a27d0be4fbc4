package awaiterr

import (
	"context"
	"time"

	"example.com/vet/helpers"
	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

func dropped(ctx context.Context, q *aiosync.Queue[int]) error {
	aio.Sleep(ctx, time.Second) // want `the error of aio.Sleep is dropped`
	q.Put(ctx, 1)               // want `the error of aiosync.Queue.Put is dropped`
	q.Get(ctx)                  // want `the error of aiosync.Queue.Get is dropped`
	helpers.Pause(ctx)          // want `the error of helpers.Pause is dropped`
	aio.Submit(ctx, nil, nil)   // want `the error of aio.Submit is dropped`
	for range q.All(ctx) {      // want `the errors of the sequence of aiosync.Queue.All are dropped`
		break
	}
	for v := range helpers.Items(ctx, q) { // want `the errors of the sequence of helpers.Items are dropped`
		_ = v
	}
	return nil
}

func several(ctx context.Context) (n int, ok bool, p *int, err error) {
	if n == 0 {
		aio.Yield(ctx) // want `the error of aio.Yield is dropped`
	}
	return
}

func derived(ctx context.Context, keys []any) error {
	ctx = context.WithValue(ctx, keys[0], 1)
	ctx = context.WithValue(ctx, keys[1], 1)
	ctx = context.WithValue(ctx, keys[2], 1)
	aio.Yield(ctx) // want `the error of aio.Yield is dropped`
	return nil
}

func nothing(ctx context.Context) {
	aio.Yield(ctx) // want `the error of aio.Yield is dropped`
}

func spinning(ctx context.Context, q *aiosync.Queue[int]) {
	sum := 0
	for {
		v, _ := q.Get(ctx) // want `the error of aiosync.Queue.Get is dropped in a loop, which spins`
		sum += v
	}
}

func right(ctx context.Context, q *aiosync.Queue[int]) error {
	_ = aio.Sleep(ctx, time.Second) // on purpose
	v, _ := q.Get(ctx)
	_ = v
	aio.Sleep(context.WithoutCancel(ctx), time.Second) // it is not cancelled
	free := context.WithoutCancel(ctx)
	helpers.Pause(free)
	limited, cancel := aio.WithTimeout(free, time.Second)
	defer cancel()
	helpers.Pause(limited)
	defer helpers.Pause(ctx)
	defer func() { helpers.Pause(ctx) }()
	helpers.Plain(ctx)
	for range 3 {
		_, _ = q.Get(ctx)
	}
	for {
		if v, err := q.Get(ctx); err != nil || v == 0 {
			return err
		}
	}
}
