package aio_test

import (
	"context"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
)

func TestASendOnAChannelThatIsClosedMeanwhilePanicsInTheTask(t *testing.T) {
	if leaktest.RaceDetector {
		t.Skip("the race detector takes any close of a channel during a send for a race")
	}
	run(t, func(ctx context.Context) error {
		ch := make(chan int)
		aio.RunningLoop(ctx).CallSoon(func() { close(ch) })
		wantPanic(t, func() { aio.Send(ctx, ch, 1) }, "send on closed channel")
		late := make(chan int)
		aio.RunningLoop(ctx).CallSoon(func() { close(late) })
		wantPanic(t, func() { aio.Select(ctx, aio.OnSend(late, 1, nil)) }, "send on closed channel")
		return nil
	})
}
