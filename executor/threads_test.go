package executor_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/executor"
)

// gates hold functions on threads of this process up: each waits until a value is sent.
var (
	gates   = map[string]chan int{}
	through = executor.Register("through", func(_ context.Context, name string) (int, error) {
		return <-gates[name], nil
	})
	cry = executor.Register("cry", func(context.Context, string) (int, error) { panic("ouch") })
)

func TestThreadsStartJobsInTheOrderInWhichTheyWereAskedFor(t *testing.T) {
	gates["order"] = make(chan int)
	run(t, func(ctx context.Context) error {
		threads := executor.NewThreads(1)
		ctx = executor.With(ctx, threads)
		var done []int
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 4 {
				g.Go(func(ctx context.Context) error {
					if _, err := through.Run(ctx, "order"); err != nil {
						return err
					}
					done = append(done, i)
					return nil
				})
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			want := executor.ThreadStatistics{Max: 1, Running: 1, Waiting: 3}
			if got := threads.Statistics(); got != want {
				t.Errorf("the statistics are %+v, want %+v", got, want)
			}
			for i := range 4 {
				if err := aio.Send(ctx, gates["order"], i); err != nil {
					return err
				}
			}
			for len(done) < 4 {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			if !slices.Equal(done, []int{0, 1, 2, 3}) {
				t.Errorf("they ended in the order %v", done)
			}
			want = executor.ThreadStatistics{Max: 1, Done: 4}
			if got := threads.Statistics(); got != want {
				t.Errorf("in the end the statistics are %+v, want %+v", got, want)
			}
			return nil
		})
	})
}

func TestAPanicOnAThreadIsRaisedInTheCaller(t *testing.T) {
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { cry.Run(ctx, "") }, "ouch")
		return nil
	})
}

func TestACancelledJobOnAThreadKeepsItsPlaceUntilItReturns(t *testing.T) {
	gates["kept"] = make(chan int)
	run(t, func(ctx context.Context) error {
		threads := executor.NewThreads(1)
		ctx = executor.With(ctx, threads)
		task := aio.CreateTask(ctx, aio.Bind(through.Run, "kept"))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		task.Cancel(nil)
		if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("the task ended with %v", err)
		}
		if got := threads.Statistics().Running; got != 1 {
			t.Errorf("%d functions run, want the one that goes on", got)
		}
		if err := aio.Send(ctx, gates["kept"], 1); err != nil {
			return err
		}
		got, err := square.Run(ctx, 3) // it waits for the place
		if got != 9 {
			t.Errorf("the next job returned %d", got)
		}
		return err
	})
}

func TestMisuseOfThreadsPanics(t *testing.T) {
	wantPanic(t, func() { executor.NewThreads(0) }, "NewThreads", "use 1 or more")
	for _, fn := range []func(int) executor.PoolOption{executor.Workers, executor.JobsPerWorker} {
		wantPanic(t, func() { fn(0) }, "use 1 or more")
	}
	s := (&executor.WorkerError{Name: "x", Stderr: "one\npanic: two\nthree\n"}).Error()
	if !strings.HasSuffix(s, ": panic: two") {
		t.Errorf("the error says %q", s)
	}
}
