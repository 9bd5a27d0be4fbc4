package aio_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

func TestMapSettledKeepsWhatSucceeded(t *testing.T) {
	for _, opts := range [][]aio.MapOption{nil, {aio.Limit(1)}, {aio.Limit(2)}, {aio.Limit(100)}} {
		seen, err := runReports(t, func(ctx context.Context) error {
			failed := errors.New("no")
			outcomes, err := aio.MapSettled(ctx, []int{0, 1, 2, 3, 4}, func(ctx context.Context, i int) (int, error) {
				if err := aio.Sleep(ctx, time.Duration(5-i)*time.Second); err != nil {
					return 0, err
				}
				switch i {
				case 1:
					return 7, failed
				case 2:
					panic("oh")
				case 3:
					aio.CurrentTask(ctx).Cancel(nil)
					return 0, aio.Yield(ctx)
				}
				return 10 * i, nil
			}, opts...)
			if err != nil {
				return err
			}
			var p *aio.PanicError
			for i, o := range outcomes {
				right := o.Err == nil && o.Value == 10*i
				switch i {
				case 1:
					right = o.Err == failed && o.Value == 7
				case 2:
					right = errors.As(o.Err, &p) && p.Value == "oh"
				case 3:
					right = errors.Is(o.Err, aio.ErrCancelled)
				}
				if !right {
					t.Errorf("%v: outcome %d is %+v", opts, i, o)
				}
			}
			return nil
		})
		if err != nil || len(seen.all()) > 0 {
			t.Error(opts, err, seen.strings())
		}
	}
}

func TestMapSettledEndsWithItsCaller(t *testing.T) {
	_, err := runReports(t, func(ctx context.Context) error {
		started, ended := 0, 0
		err := aio.Timeout(ctx, 90*time.Second, func(ctx context.Context) error {
			_, err := aio.MapSettled(ctx, make([]int, 9), func(ctx context.Context, _ int) (int, error) {
				started++
				defer func() { ended++ }()
				return 0, aio.Sleep(ctx, time.Minute)
			}, aio.Limit(2))
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) || started != 4 || ended != 4 {
			t.Error(err, started, ended)
		}
		none, err := aio.MapSettled(ctx, nil, func(context.Context, int) (int, error) { return 0, nil })
		if none != nil || err != nil {
			t.Error(none, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// What was not done must not look as if it had been.
func TestMapWhoseTaskWasCancelledFails(t *testing.T) {
	runReports(t, func(ctx context.Context) error {
		done := 0
		out, err := aio.Map(ctx, []int{0, 1, 2}, func(ctx context.Context, i int) (int, error) {
			if i == 1 {
				aio.CurrentTask(ctx).Cancel(nil)
			}
			err := aio.Yield(ctx)
			if err == nil {
				done++
			}
			return 1, err
		}, aio.Limit(1))
		if !errors.Is(err, aio.ErrCancelled) || out != nil || done != 1 {
			t.Error(out, err, done)
		}
		return nil
	})
}

func ExampleMapSettled() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		outcomes, err := aio.MapSettled(ctx, []int{6, 0, 3}, func(ctx context.Context, n int) (int, error) {
			if n == 0 {
				return 0, errors.New("division by zero")
			}
			return 12 / n, nil
		})
		for _, o := range outcomes {
			fmt.Println(o.Value, o.Err)
		}
		return err
	})
	// Output:
	// 2 <nil>
	// 0 division by zero
	// 4 <nil>
}

func TestItemsOfWorkersThatAreCancelledBeforeTheyBeginAreNotForgotten(t *testing.T) {
	run(t, func(ctx context.Context) error {
		loop, main := aio.RunningLoop(ctx), aio.CurrentTask(ctx)
		cancelOthers := func() {
			for _, task := range loop.AllTasks() {
				if task != main {
					task.Cancel(nil)
				}
			}
		}
		double := func(_ context.Context, n int) (int, error) { return 2 * n, nil }
		for limit := range 4 {
			items := []int{1, 2, 3}
			loop.CallSoon(cancelOthers)
			if out, err := aio.Map(ctx, items, double, aio.Limit(limit+1)); !errors.Is(err, aio.ErrCancelled) {
				t.Errorf("Map: got %v, %v", out, err)
			}
			loop.CallSoon(cancelOthers)
			out, err := aio.MapSettled(ctx, items, double, aio.Limit(limit+1))
			if got := fmt.Sprint(out, err); got != "[{2 <nil>} {4 <nil>} {6 <nil>}] <nil>" {
				t.Errorf("MapSettled: got %s", got)
			}
		}
		return nil
	})
}
