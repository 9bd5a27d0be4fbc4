package aiotest_test

import (
	"context"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
)

// ordered runs functions as tasks and fails if the second one is over before the first.
func ordered(fns ...func(ctx context.Context) error) func(context.Context, *aiotest.T) error {
	return func(ctx context.Context, t *aiotest.T) error {
		var order []int
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i, fn := range fns {
				g.Go(func(ctx context.Context) error {
					err := fn(ctx)
					order = append(order, i)
					return err
				})
			}
			return nil
		})
		if err == nil && order[0] != 0 {
			t.Errorf("the second is over first")
		}
		return err
	}
}

func sleeping(d time.Duration) func(ctx context.Context) error {
	return func(ctx context.Context) error { return aio.Sleep(ctx, d) }
}

func TestASleepMayTakeTwiceItsTime(t *testing.T) {
	const ms = time.Millisecond
	thread := func(ctx context.Context) error {
		return aio.Blocking(ctx, func(context.Context) error { return nil })
	}
	for name, c := range map[string]struct {
		first, second func(ctx context.Context) error
		opts          []aiotest.Option
		swap          bool
	}{
		"a little later":          {first: sleeping(10 * ms), second: sleeping(11 * ms), swap: true},
		"at the limit":            {first: sleeping(10 * ms), second: sleeping(20 * ms), swap: true},
		"beyond it":               {first: sleeping(10 * ms), second: sleeping(21 * ms)},
		"by at most 50 ms":        {first: sleeping(time.Second), second: sleeping(1050 * ms), swap: true},
		"and no more":             {first: sleeping(time.Second), second: sleeping(1051 * ms)},
		"a thread":                {first: thread, second: sleeping(50 * ms), swap: true},
		"a thread that is longer": {first: thread, second: sleeping(51 * ms)},
		"in the documented order": {first: sleeping(10 * ms), second: sleeping(11 * ms),
			opts: []aiotest.Option{aiotest.DocumentedOrder()}},
		"with exact time": {first: sleeping(10 * ms), second: sleeping(11 * ms),
			opts: []aiotest.Option{aiotest.Lateness(0)}},
		"several after one another": {first: sleeping(10 * ms), second: func(ctx context.Context) error {
			for range 3 {
				if err := aio.Sleep(ctx, 6*ms); err != nil {
					return err
				}
			}
			return nil
		}, swap: true},
		"a step that only waits for its turn": {first: func(ctx context.Context) error {
			return aio.Yield(ctx)
		}, second: sleeping(ms)},
	} {
		t.Run(name, func(t *testing.T) {
			r := explore(t, ordered(c.first, c.second), c.opts...)
			if swapped := len(r.errors) > 0; swapped != c.swap {
				t.Errorf("swapped: %v, want %v\n%q", swapped, c.swap, r.errors)
			}
		})
	}
}

func TestATimeOutIsNotShortenedByWhatIsSlow(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		began := aio.RunningLoop(ctx).Time()
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				err := aio.Timeout(ctx, 12*time.Millisecond, sleeping(10*time.Millisecond))
				t.Sometimes("the sleep was slow",
					aio.RunningLoop(ctx).Time().Sub(began) == 20*time.Millisecond)
				return err
			})
			g.Go(sleeping(20 * time.Millisecond))
			return nil
		})
	})
}
