package cancel

import (
	"context"
	"time"

	"github.com/aio-go/aio"
)

func lost(ctx context.Context, some bool) error {
	a, _ := aio.WithTimeout(ctx, time.Second)     // want `the cancel function of aio.WithTimeout is dropped`
	b, cancel := aio.WithDeadline(a, time.Time{}) // want `the cancel function of aio.WithDeadline is not called on every way`
	if some {
		return aio.Yield(b)
	}
	cancel()
	var c, _ = aio.WithCancelCause(ctx) // want `the cancel function of aio.WithCancelCause is dropped`
	return aio.Yield(c)
}

func blanked(ctx context.Context) error {
	a, cancel := aio.WithTimeout(ctx, time.Second) // want `not called on every way`
	_ = cancel
	return aio.Yield(a)
}

type holder struct{ cancel context.CancelFunc }

func right(ctx context.Context, h *holder, some bool) (context.Context, context.CancelFunc) {
	a, cancel := aio.WithTimeout(ctx, time.Second)
	defer cancel()
	b, end := aio.WithCancelCause(a)
	if some {
		end(nil)
	} else {
		go end(nil)
	}
	_, h.cancel = aio.WithTimeout(b, time.Second)
	d, stop := aio.WithTimeout(ctx, time.Second)
	aio.RunningLoop(ctx).CallSoon(func() { stop() })
	_ = d
	if some {
		return aio.WithTimeout(ctx, time.Second)
	}
	return aio.WithTimeout(ctx, time.Minute)
}
