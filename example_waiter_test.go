package aio_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aio-go/aio"
)

// A turnstile lets one waiting task through with each push: a synchronisation primitive made of waiters.
type turnstile struct{ line []aio.Waiter }

// Pass waits for a push.
func (t *turnstile) Pass(ctx context.Context) error {
	w := aio.NewWaiter(ctx, "turnstile.Pass", t)
	t.line = append(t.line, w)
	err := w.Park()
	if err == nil {
		return nil
	}
	if w.Woken() {
		t.Push() // it was this task's turn, but it is cancelled: let the next one through
	} else {
		t.line = slices.DeleteFunc(t.line, func(x aio.Waiter) bool { return x == w })
	}
	return err
}

// Push lets one task through that waits.
func (t *turnstile) Push() {
	for len(t.line) > 0 {
		w := t.line[0]
		t.line = t.line[1:]
		if w.Unpark() {
			return
		}
	}
}

func (t *turnstile) String() string { return "a push" }

func ExampleWaiter() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var gate turnstile
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for _, name := range []string{"ann", "bob", "cid"} {
				g.Go(func(ctx context.Context) error {
					return aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
						err := gate.Pass(ctx)
						fmt.Println(name, "is through:", err == nil)
						return err
					})
				})
			}
			for range 3 {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				gate.Push()
			}
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// ann is through: true
	// bob is through: true
	// cid is through: true
}

func ExampleNewWaiter() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		w := aio.NewWaiter(ctx, "phone call", nil)
		aio.RunningLoop(ctx).CallLater(time.Minute, func() { fmt.Println("ring:", w.Unpark()) })
		fmt.Println("answered:", w.Park() == nil)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// ring: true
	// answered: true
}
