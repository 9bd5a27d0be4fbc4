package suite_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/leaktest"
)

// A task that waits makes the steps of the tasks behind it from its own stack. Nobody must be able
// to tell: the tests compare with a loop that has a chooser and therefore makes every step itself.

// scatter is a random program: tasks that yield, sleep, start others, cancel and await each other,
// lock, time out, exit and panic. It logs every step.
func scatter(ctx context.Context, j *journal, r *rand.Rand, depth int) error {
	var lock aiosync.Lock
	l := aio.RunningLoop(ctx)
	q := aiosync.NewQueue[int](2)
	event := &aiosync.Event{}
	ids := 0
	var tasks []*aio.Task[aio.None]
	var start func(ctx context.Context, depth int)
	act := func(ctx context.Context, id, depth int) error {
		for step := range 3 + r.IntN(8) {
			j.Add("%d.%d at %v", id, step, l.Time().Unix())
			var err error
			what := r.IntN(16)
			switch what {
			case 0, 1, 2:
				err = aio.Yield(ctx)
			case 3:
				err = aio.Sleep(ctx, time.Duration(r.IntN(3))*time.Second)
			case 4, 5:
				if depth > 0 {
					start(ctx, depth-1)
				}
			case 6:
				if len(tasks) > 0 && r.IntN(3) == 0 {
					tasks[r.IntN(len(tasks))].Cancel(nil)
				}
			case 7:
				if victim := tasks[r.IntN(len(tasks))]; victim != aio.CurrentTask(ctx) {
					err = aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
						_, _, err := aio.Wait(ctx, aio.AllCompleted, victim)
						return err
					})
					if errors.Is(err, context.DeadlineExceeded) {
						err = nil
					}
				}
			case 8:
				err = lock.With(ctx, aio.Yield)
			case 9:
				l.CallSoon(func() { j.Add("callback of %d", id) })
			case 10:
				if q.PutNowait(id) != nil {
					n, _ := q.GetNowait()
					j.Add("%d took %d", id, n)
				}
			case 11:
				err = aio.Timeout(ctx, time.Second, func(ctx context.Context) error { return event.Wait(ctx) })
				if errors.Is(err, context.DeadlineExceeded) {
					err = nil
				}
			case 12:
				event.Set()
				event.Clear()
			case 13:
				err = aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
					for range 2 {
						g.Go(func(ctx context.Context) error { j.Add("child of %d", id); return aio.Yield(ctx) })
					}
					return nil
				})
			case 14:
				if r.IntN(4) == 0 {
					j.Add("%d exits", id)
					runtime.Goexit()
				}
			case 15:
				if r.IntN(4) == 0 {
					j.Add("%d fails", id)
					return errBoom
				}
			}
			if err != nil {
				j.Add("%d: cancelled %v", id, errors.Is(err, aio.ErrCancelled))
				return err
			}
		}
		return nil
	}
	start = func(ctx context.Context, depth int) {
		ids++
		id := ids
		var opts []aio.TaskOption
		if r.IntN(5) == 0 {
			opts = append(opts, aio.Eager())
		}
		tasks = append(tasks, nil)
		at := len(tasks) - 1
		tasks[at] = aio.Start(ctx, aio.Yield) // so that there is none missing while an eager one runs
		tasks[at] = aio.Start(ctx,
			func(ctx context.Context) error { return act(ctx, id, depth) }, opts...)
		tasks[at].AddDoneCallback(func() { j.Add("%d done", id) })
	}
	for range 5 {
		start(ctx, depth)
	}
	for i := 0; i < len(tasks); i++ {
		aio.Wait(ctx, aio.AllCompleted, tasks[i])
		tasks[i].Err()
	}
	return nil
}

func TestHostedStepsAreMadeInTheSameOrder(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() || leaktest.RaceDetector {
		seeds = 30
	}
	for seed := range seeds {
		log := func(opts ...aio.Option) (j journal) {
			run(t, func(ctx context.Context) error {
				return scatter(ctx, &j, rand.New(rand.NewPCG(seed, 0)),
					3)
			}, opts...)
			return j
		}
		alone := log(aio.WithChooser(fifo))
		debug := log(aio.WithDebug(true))
		hosted := log()
		if !slices.Equal(alone, hosted) || !slices.Equal(alone, debug) {
			i := 0
			for i < len(alone) && i < len(hosted) && alone[i] == hosted[i] {
				i++
			}
			t.Fatalf("seed %d: the orders differ after %d of %d and %d lines:\n%q\n%q", seed, i, len(alone),
				len(hosted), alone[max(0, i-3):min(i+3, len(alone))], hosted[max(0, i-3):min(i+3, len(hosted))])
		}
	}
}

// host suspends the calling task in such a way that it makes the steps of what was started just
// before.
func host(ctx context.Context) error { return aio.Sleep(ctx, time.Second) }

func TestATaskThatIsHostedMayPanicOrExit(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		var j journal
		bad := aio.Start(ctx, func(ctx context.Context) error {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			j.Add("panics")
			panic("hosted")
		})
		gone := aio.Start(ctx, func(ctx context.Context) error {
			defer j.Add("deferred")
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			j.Add("exits")
			runtime.Goexit()
			return nil
		})
		after := aio.Start(ctx, func(ctx context.Context) error {
			for range 3 {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			j.Add("goes on")
			return nil
		})
		if err := host(ctx); err != nil {
			return err
		}
		j.Want(t, "panics", "exits", "deferred", "goes on")
		wantPanic(t, func() { bad.Await(ctx) }, "hosted")
		var g *aio.GoexitError
		if _, err := gone.Await(ctx); !errors.As(err, &g) {
			t.Errorf("got %v", err)
		}
		_, err := after.Await(ctx)
		return err
	})
	if got := seen.All(); err != nil || len(got) != 1 ||
		got[0].Message != "a task panicked and was never awaited" {
		t.Errorf("got %v; reported: %v", err, got)
	}
}

func TestTheHostItselfMayPanicOrExitAfterwards(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		for _, exit := range []bool{false, true} {
			hosting := aio.Start(ctx, func(ctx context.Context) error {
				for i := range 2 {
					aio.Start(ctx, func(ctx context.Context) error { j.Add("guest %d", i); return aio.Yield(ctx) })
				}
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				if exit {
					runtime.Goexit()
				}
				panic("the host")
			})
			aio.Wait(ctx, aio.AllCompleted, hosting)
			if hosting.Err() == nil {
				t.Error("it did not fail")
			}
		}
		j.Want(t, "guest 0", "guest 1", "guest 0", "guest 1")
		return nil
	})
}

func TestAHostedTaskMayStopTheLoopButNotCloseOrRunIt(t *testing.T) {
	var j journal
	err := runErr(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		aio.Start(ctx, func(ctx context.Context) error {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			wantPanic(t, func() { l.Close() }, "aio: Loop.Close: the loop is running")
			wantPanic(t, func() { l.RunForever() }, "aio: Loop.RunForever: the loop is running already")
			wantPanic(t, func() { aio.Run(context.Background(), host) },
				"aio: Run: another loop is running on this goroutine")
			l.Stop()
			j.Add("stopped")
			return nil
		})
		aio.Start(ctx, func(ctx context.Context) error {
			for i := range 3 {
				j.Add("pass %d", i)
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		return host(ctx)
	})
	if err != aio.ErrStopped {
		t.Errorf("got %v", err)
	}
	j.Want(t, "pass 0", "stopped", "pass 1")
}

func TestAHostedTaskSeesItselfAndItsOwnContext(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for i := range 10 {
			name := fmt.Sprint("guest ", i)
			aio.Start(ctx, func(ctx context.Context) error {
				for range 5 {
					if got := aio.CurrentTask(ctx).Name(); got != name {
						t.Errorf("%s is taken for %s", name, got)
					}
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
				return nil
			}, aio.Name(name))
		}
		if err := host(ctx); err != nil {
			return err
		}
		if got := aio.CurrentTask(ctx).Name(); got != "main" {
			t.Errorf("main is taken for %s", got)
		}
		return nil
	})
}

func TestALoopThatIsStoppedWhileATaskHostsGoesOnWithTheNextRun(t *testing.T) {
	l := aio.NewLoop(aio.WithClock(aio.NewVirtualClock()))
	defer l.Close()
	n := 0
	task := aio.Start(l.Context(), func(ctx context.Context) error {
		for {
			if n++; n%10 == 0 {
				l.Stop()
			}
			if n == 100 {
				return nil
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
	})
	other := aio.Start(l.Context(), func(ctx context.Context) error {
		for n < 100 {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	runs := 0
	for !task.Done() || !other.Done() {
		l.RunForever()
		runs++
		if runs == 10 {
			l.CallLater(time.Second, l.Stop)
		}
	}
	if n != 100 || runs < 10 || runs > 11 {
		t.Errorf("%d steps in %d runs", n, runs)
	}
}
