package clock_test

import (
	"context"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/clock"
)

func TestSleepsAndBlockingCallsMoveTheSameVirtualTime(t *testing.T) {
	c := clock.New(false)
	elapsed := c.Stopwatch()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		if err := aio.Sleep(ctx, time.Hour); err != nil {
			return err
		}
		c.Block(time.Minute)
		loop := aio.RunningLoop(ctx)
		_, err := aio.All(ctx,
			aio.Action(func(ctx context.Context) error {
				return aio.Blocking(ctx, func(context.Context) error { // on another goroutine
					c.BlockBeside(loop, time.Second)
					return nil
				})
			}),
			aio.Action(func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) }),
		)
		return err
	}, aio.WithClock(c))
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Hour + time.Minute + time.Second; elapsed() != want {
		t.Errorf("%v went by, want %v", elapsed(), want)
	}
}

func TestARealClockHasToBeWaitedFor(t *testing.T) {
	c := clock.New(true)
	elapsed := c.Stopwatch()
	if c.Advance(c.Now().Add(time.Hour)) {
		t.Error("a real clock was moved")
	}
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		c.Block(time.Millisecond)
		return aio.Sleep(ctx, time.Millisecond)
	}, aio.WithClock(c))
	if err != nil {
		t.Fatal(err)
	}
	if elapsed() < 2*time.Millisecond {
		t.Errorf("only %v went by", elapsed())
	}
}
