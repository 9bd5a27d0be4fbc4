package distributed_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/distributed"
	"github.com/aio-go/aio/executor"
)

// An executorFunc is an executor from elsewhere.
type executorFunc func(ctx context.Context, job executor.Job) ([]byte, error)

func (fn executorFunc) Execute(ctx context.Context, job executor.Job) ([]byte, error) {
	return fn(ctx, job)
}

// A job that was handed back, or has failed, has a record, which a cancellation replaces.
func TestACallThatIsCancelledAfterItsJobWasHandedBackHasThatOutcome(t *testing.T) {
	with(t, func(ctx context.Context, c *distributed.Client) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			defer g.Cancel(nil)
			var returned aiosync.Event
			id := ""
			g.Go(func(ctx context.Context) error {
				for ev, err := range c.Events(ctx) {
					if err != nil {
						return err
					}
					if ev.Kind == distributed.JobReturned {
						id = ev.ID
						returned.Set()
					}
				}
				return nil
			})
			g.Go(func(ctx context.Context) error {
				return distributed.Work(ctx, c, distributed.On(old{}))
			})
			call := aio.CreateTask(executor.With(ctx, c), aio.Bind(square.Run, 5))
			if err := returned.Wait(ctx); err != nil {
				return err
			}
			call.Cancel(nil)
			if _, err := call.Await(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
			h, err := distributed.Find(c, square, id)
			if err != nil {
				return err
			}
			if _, err := h.Await(ctx); !errors.Is(err, distributed.ErrCancelled) {
				t.Errorf("%v", err)
			}
			return nil
		})
	})
}

// The worker's end takes no attempt from jobs that it has fetched and not begun.
func TestAWorkerThatEndsHandsBackWhatItHasFetched(t *testing.T) {
	with(t, func(ctx context.Context, c *distributed.Client) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			defer g.Cancel(nil)
			var handles []*distributed.Handle[int]
			for i, p := range []distributed.Priority{distributed.High, distributed.Normal, distributed.Low} {
				for range 3 {
					h, err := distributed.Submit(ctx, c, square, i, distributed.At(p), distributed.Tries(1))
					if err != nil {
						return err
					}
					handles = append(handles, h)
				}
			}
			for range 4 { // workers that begin one job and end
				var begun aiosync.Event
				worker := g.Go(func(ctx context.Context) error {
					return distributed.Work(ctx, c, distributed.Concurrency(1), distributed.Drain(0),
						distributed.On(executorFunc(func(ctx context.Context, job executor.Job) ([]byte, error) {
							begun.Set()
							return nil, aio.Sleep(ctx, time.Hour)
						})))
				})
				if err := begun.Wait(ctx); err != nil {
					return err
				}
				worker.Cancel(nil)
				_, _ = worker.Await(ctx)
			}
			g.Go(func(ctx context.Context) error { return distributed.Work(ctx, c) })
			for i, h := range handles {
				if n, err := h.Await(ctx); n != (i/3)*(i/3) || err != nil {
					t.Errorf("%d, %v", n, err)
				}
			}
			return nil
		})
	})
}

var (
	stumbles = executor.RegisterCoroutine("stumbles", func(ctx context.Context, n int) (int, error) {
		if job, _ := executor.Current(ctx); job.Attempt < 3 {
			return 0, errors.New("not yet")
		}
		return n, nil
	})
	hurries = executor.RegisterCoroutine("hurries", func(ctx context.Context, n int) (int, error) {
		if job, _ := executor.Current(ctx); job.Attempt > 1 {
			return n, nil
		}
		return n, aio.Timeout(ctx, time.Millisecond, func(ctx context.Context) error {
			return aio.Sleep(ctx, time.Hour)
		})
	})
)

func TestEachFunctionOfAChainHasAllItsAttempts(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		h, err := distributed.Submit(ctx, c, stumbles, 7, distributed.Then("stumbles"),
			distributed.Tries(3))
		if err != nil {
			return err
		}
		if n, err := h.Await(ctx); n != 7 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		return nil
	})
}

func TestATimeLimitOfTheFunctionIsNotThatOfTheJob(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		h, err := distributed.Submit(ctx, c, hurries, 7, distributed.Within(time.Minute))
		if err != nil {
			return err
		}
		if n, err := h.Await(ctx); n != 7 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		return nil
	})
}

// Its own name need not be registered where the worker runs.
func TestAFunctionOfAnotherExecutorThatLacksAnotherOneHasFailed(t *testing.T) {
	with(t, func(ctx context.Context, c *distributed.Client) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			defer g.Cancel(nil)
			runs := 0
			g.Go(func(ctx context.Context) error {
				return distributed.Work(ctx, c, distributed.On(executorFunc(
					func(ctx context.Context, job executor.Job) ([]byte, error) {
						runs++
						return nil, fmt.Errorf("inside: %w: %q", executor.ErrNotRegistered, "another")
					})))
			})
			_, err := c.Execute(ctx, executor.Job{ID: "1", Name: "elsewhere"})
			var dead *distributed.FailedError
			if !errors.As(err, &dead) || len(dead.Failures) != 3 || runs != 3 {
				t.Errorf("%d runs, %v", runs, err)
			}
			return nil
		})
	})
}

func TestCloseEndsAnIdleWorkerAtOnce(t *testing.T) {
	with(t, func(ctx context.Context, c *distributed.Client) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			worker := g.Go(func(ctx context.Context) error {
				if err := distributed.Work(ctx, c); !errors.Is(err, distributed.ErrClosed) {
					return fmt.Errorf("it ends with %w", err)
				}
				return nil
			})
			if _, err := square.With(executor.On(c)).Run(ctx, 1); err != nil {
				return err
			}
			c.Close()
			// Its standing requests would last for 20 seconds.
			_, err := aio.WaitFor(ctx, 15*time.Second, worker.Await)
			return err
		})
	})
}
