package executor_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/executor"
)

// Users of a pool of one process, of which one is cancelled at each of its awaits in turn: while it
// waits for the worker, while the worker starts, while the job runs, and when the answer is there.
// The processes are real, so the schedules are few and their timers are the machine's.
func TestAnExploredPoolLosesNoWorker(t *testing.T) {
	if testing.Short() {
		t.Skip("each schedule starts processes")
	}
	switch runtime.GOOS {
	case "windows", "plan9", "js", "wasip1":
		t.Skip("there are no pools of processes on ", runtime.GOOS)
	}
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		return executor.Processes(ctx, func(ctx context.Context, p *executor.Pool) error {
			answers := 0
			tasks := make([]*aio.Task[aio.None], 3)
			for i := range tasks {
				tasks[i] = aio.Start(ctx, func(ctx context.Context) error {
					got, err := square.Run(ctx, i)
					if err == nil {
						answers++
						if got != i*i {
							t.Errorf("the square of %d is %d", i, got)
						}
					}
					return err
				}, aio.Name(fmt.Sprint("user ", i)))
			}
			outcomes, err := aio.GatherSettled[aio.None](ctx, tasks...)
			for i, o := range outcomes {
				if o.Err != nil && !errors.Is(o.Err, context.Canceled) {
					t.Errorf("user %d: %v", i, o.Err)
				}
			}
			if s := p.Statistics(); answers < 2 || s.Running != 0 || s.Waiting != 0 || s.Done != 3 {
				t.Errorf("%d answers, %+v", answers, s)
			}
			if got, err := square.Run(ctx, 9); err != nil || got != 81 { // it works still
				t.Errorf("got %d, %v", got, err)
			}
			return err
		}, executor.Workers(1))
	}, aiotest.CancelEachAwait("user *"), aiotest.Schedules(10), aiotest.DocumentedOrder())
}
