package distributed_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/distributed"
	"github.com/aio-go/aio/executor"
)

var naps = executor.Register("naps", func(ctx context.Context, n int) (int, error) {
	select {
	case <-time.After(time.Duration(n%5) * time.Millisecond):
		return n, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
})

func TestAStormOfCancellationsLeavesNoJobBehind(t *testing.T) {
	random := rand.New(rand.NewPCG(17, 1))
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		const jobs = 500
		counts := map[string]int{}
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range jobs {
				pauses, byHandle, late := random.IntN(40), random.IntN(2) == 0, random.IntN(10) == 0
				g.Go(func(ctx context.Context) error {
					what, err := nap(ctx, c, i, pauses, byHandle, late)
					counts[what]++
					return err
				})
			}
			return nil
		})
		if err != nil {
			return err
		}
		if counts["done"]+counts["cancelled"] != jobs || counts["done"] == 0 || counts["cancelled"] == 0 {
			t.Errorf("%v", counts)
		}
		for { // acknowledgements and removals are under way
			s, err := c.Stats(ctx)
			if err != nil {
				return err
			}
			if s.Waiting[distributed.Normal] == 0 && s.Running == 0 && s.Later == 0 {
				if s.Dead != 0 || c.Counts().Waiting != 0 {
					t.Errorf("%+v, %+v", s, c.Counts())
				}
				return nil
			}
			if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
				t.Errorf("%v, %+v, %+v", counts, s, c.Counts())
				return err
			}
		}
	})
}

// nap submits a job and cancels it after some pauses, by its handle or by the waiting task.
func nap(
	ctx context.Context, c *distributed.Client, n, pauses int, byHandle, late bool,
) (string, error) {
	wait := func(ctx context.Context) error {
		for range pauses {
			if err := aio.Sleep(ctx, time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	}
	var result int
	var err error
	if byHandle {
		var opts []distributed.JobOption
		if late {
			opts = append(opts, distributed.NotBefore(time.Now().Add(time.Hour)))
			pauses++
		}
		h, err := distributed.Submit(ctx, c, naps, n, opts...)
		if err != nil {
			return "", err
		}
		if err := wait(ctx); err != nil {
			return "", err
		}
		if err := h.Cancel(ctx); err != nil {
			return "", err
		}
		result, err = h.Await(ctx)
		if errors.Is(err, distributed.ErrCancelled) {
			return "cancelled", nil
		} else if err != nil {
			return "", err
		}
	} else {
		call := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			return naps.With(executor.On(c)).Run(ctx, n)
		})
		if err := wait(ctx); err != nil {
			return "", err
		}
		call.Cancel(nil)
		result, err = call.Await(ctx)
		if errors.Is(err, aio.ErrCancelled) {
			return "cancelled", nil
		} else if err != nil {
			return "", err
		}
	}
	if result != n {
		return "wrong", nil
	}
	return "done", nil
}
