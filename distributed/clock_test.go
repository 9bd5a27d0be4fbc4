package distributed_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/distributed"
)

// wrong is the clock of a machine that is fast, or slow.
type wrong time.Duration

func (w wrong) Now() time.Time               { return time.Now().Add(time.Duration(w)) }
func (w wrong) Advance(until time.Time) bool { return false }

func TestAWorkersClockMayBeWrongByAnHour(t *testing.T) {
	for _, by := range []time.Duration{-time.Hour, time.Hour} {
		url := startServer(t, nil)
		ending := make(chan struct{})
		ended := make(chan error, 1)
		go func() {
			ended <- aio.Run(t.Context(), func(ctx context.Context) error {
				c, err := distributed.Connect(ctx, url)
				if err != nil {
					return err
				}
				defer c.Close()
				return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
					work := g.Go(func(ctx context.Context) error { return distributed.Work(ctx, c) })
					_, _, err := aio.Recv(ctx, ending)
					work.Cancel(nil)
					return err
				})
			}, aio.WithClock(wrong(by)))
		}()
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			c, err := distributed.Connect(ctx, url)
			if err != nil {
				return err
			}
			defer c.Close()
			short, err := distributed.Submit(ctx, c, square, 5, distributed.Within(time.Minute))
			if err != nil {
				return err
			}
			long, err := distributed.Submit(ctx, c, endless, aio.None{},
				distributed.Within(300*time.Millisecond))
			if err != nil {
				return err
			}
			if n, err := short.Await(ctx); n != 25 || err != nil {
				t.Errorf("%v: %d, %v", by, n, err)
			}
			_, err = long.Await(ctx)
			var dead *distributed.FailedError
			if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &dead) {
				t.Errorf("%v: %v", by, err)
			}
			return nil
		})
		if close(ending); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
