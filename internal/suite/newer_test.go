package suite_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// What asyncio has gained or changed since 3.11, area N of docs/conformance.md. The order was
// compared with CPython 3.13; TaskGroup.cancel (3.15) and the call graph (3.14) with their
// documentation.

// newer runs a test on a loop with a virtual clock, and compares what it notes.
func newer(t *testing.T, want string, fn func(ctx context.Context, note func(args ...any)) error) {
	t.Helper()
	var notes []string
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		return fn(ctx, func(args ...any) { notes = append(notes, strings.TrimSpace(fmt.Sprintln(args...))) })
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		t.Error(err)
	}
	if got := strings.Join(notes, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

var errNewer = errors.New("it fails")

// Conformance: N-001.
func TestAnEagerTaskInsideAnotherTakesItsFirstStepBeforeTheOtherGoesOn(t *testing.T) {
	newer(t, "outer o, inner i, outer o, main main, inner i",
		func(ctx context.Context, note func(args ...any)) error {
			outer := aio.Start(ctx, func(ctx context.Context) error {
				note("outer", aio.CurrentTask(ctx).Name())
				inner := aio.Start(ctx, func(ctx context.Context) error {
					note("inner", aio.CurrentTask(ctx).Name())
					err := aio.Yield(ctx)
					note("inner", aio.CurrentTask(ctx).Name())
					return err
				}, aio.Name("i"), aio.Eager())
				note("outer", aio.CurrentTask(ctx).Name())
				_, err := inner.Await(ctx)
				return err
			}, aio.Name("o"), aio.Eager())
			note("main", aio.CurrentTask(ctx).Name())
			_, err := outer.Await(ctx)
			return err
		})
}

// Conformance: N-002, N-003.
func TestTheEndOfAnEagerFirstStepIsTheTasksEnd(t *testing.T) {
	newer(t, "done true it fails, callbacks 0, callbacks 1",
		func(ctx context.Context, note func(args ...any)) error {
			bad := aio.Start(ctx, func(context.Context) error { return errNewer }, aio.Eager())
			note("done", bad.Done(), bad.Err())
			quick := aio.Start(ctx, func(context.Context) error { return nil }, aio.Eager())
			called := 0
			quick.AddDoneCallback(func() { called++ })
			note("callbacks", called)
			err := aio.Yield(ctx)
			note("callbacks", called)
			return err
		})
}

// Conformance: N-004.
func TestAnEagerMemberThatFailsAtOnceEndsTheGroupAtTheNextAwaitOfTheBody(t *testing.T) {
	newer(t, "the body goes on, cancelled true, it fails",
		func(ctx context.Context, note func(args ...any)) error {
			err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(context.Context) error { return errNewer }, aio.Eager())
				note("the body goes on")
				err := aio.Sleep(ctx, time.Hour)
				note("cancelled", errors.Is(err, aio.ErrCancelled))
				return err
			})
			note(err)
			return nil
		})
}

// Conformance: N-005, N-006, N-007.
func TestAQueueThatIsShutDownRefusesThoseThatWaitInTheirOrder(t *testing.T) {
	newer(t, "no item 0, no item 1, no room 0, no room 1, items 1, items 0, joined",
		func(ctx context.Context, note func(args ...any)) error {
			several := func(what string, fn func(ctx context.Context) error, q *aiosync.Queue[int]) error {
				return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
					for i := range 2 {
						g.Go(func(ctx context.Context) error {
							if err := fn(ctx); !errors.Is(err, aiosync.ErrQueueShutdown) {
								return fmt.Errorf("%s %d: %w", what, i, err)
							}
							note(what, i)
							return nil
						})
					}
					if err := aio.Yield(ctx); err != nil {
						return err
					}
					q.Shutdown(false)
					return nil
				})
			}
			empty := aiosync.NewQueue[int](1)
			err := several("no item", func(ctx context.Context) error {
				_, err := empty.Get(ctx)
				return err
			}, empty)
			if err != nil {
				return err
			}
			full := aiosync.NewQueue[int](1)
			if err := full.PutNowait(0); err != nil {
				return err
			}
			err = several("no room", func(ctx context.Context) error { return full.Put(ctx, 1) }, full)
			if err != nil {
				return err
			}
			note("items", full.Len())
			full.Shutdown(true) // the second call, which is immediate
			note("items", full.Len())
			err = full.Join(ctx)
			note("joined")
			return err
		})
}

// Conformance: N-008.
func TestATaskThatWasGivenAnItemGetsItAlthoughTheQueueIsShutDown(t *testing.T) {
	newer(t, "got 1 <nil>", func(ctx context.Context, note func(args ...any)) error {
		q := aiosync.NewQueue[int](0)
		getter := aio.Start(ctx, func(ctx context.Context) error {
			v, err := q.Get(ctx)
			note("got", v, err)
			return nil
		})
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if err := q.PutNowait(1); err != nil {
			return err
		}
		q.Shutdown(false)
		_, err := getter.Await(ctx)
		return err
	})
}

// Conformance: N-010, N-011.
func TestAGroupThatIsCancelledByItsBodyOrByAMemberEndsWithoutAnError(t *testing.T) {
	for from, want := range map[string]string{
		// The body asks, so its next await fails at once.
		"body":   "body cancelled true, one cancelled true, left <nil>",
		"member": "one cancelled true, body cancelled true, left <nil>",
	} {
		newer(t, want,
			func(ctx context.Context, note func(args ...any)) error {
				err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
					g.Go(func(ctx context.Context) error {
						err := aio.Sleep(ctx, time.Hour)
						note("one cancelled", errors.Is(err, aio.ErrCancelled))
						return err
					})
					if err := aio.Yield(ctx); err != nil {
						return err
					}
					if from == "body" {
						g.Cancel(nil)
						g.Cancel(nil) // once more does nothing
					} else {
						g.Go(func(context.Context) error { g.Cancel(nil); return nil })
					}
					err := aio.Sleep(ctx, time.Hour)
					defer note("body cancelled", errors.Is(err, aio.ErrCancelled))
					return err
				})
				note("left", err)
				return nil
			})
	}
}

// Conformance: N-012.
func TestAMemberThatAnswersTheCancellationOfItsGroupWithAnErrorMakesItTheGroups(t *testing.T) {
	newer(t, "it fails", func(ctx context.Context, note func(args ...any)) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				if err := aio.Sleep(ctx, time.Hour); err == nil {
					return err
				}
				return errNewer
			})
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			g.Cancel(nil)
			return nil
		})
		note(err)
		return nil
	})
}

// Conformance: N-013.
func TestACancellationFromOutsideIsNotSwallowedByThatOfTheGroup(t *testing.T) {
	newer(t, "cancelled true", func(ctx context.Context, note func(args ...any)) error {
		var group *aio.TaskGroup
		task := aio.Start(ctx, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				group = g
				return aio.Sleep(ctx, time.Hour)
			})
		})
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		group.Cancel(nil)
		task.Cancel(nil)
		_, _, err := aio.Wait(ctx, aio.AllCompleted, task)
		note("cancelled", task.Cancelled())
		return err
	})
}

// Conformance: N-014.
func TestACancelledGroupCancelsWhatIsStartedInItAfterwards(t *testing.T) {
	newer(t, "late true", func(ctx context.Context, note func(args ...any)) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Cancel(nil)
			late := g.Go(func(context.Context) error { note("it runs"); return nil })
			defer func() { note("late", errors.Is(late.Err(), aio.ErrGroupClosed)) }()
			return nil
		})
	})
}

// Conformance: N-020, N-021, N-022.
func TestAPictureHasWhoWaitsForWhom(t *testing.T) {
	newer(t, "gatherer waits for leaf 0 leaf 1, grouper waits for member, shielder waits for leaf 0",
		func(ctx context.Context, note func(args ...any)) error {
			sleep := func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) }
			leaves := []*aio.Task[aio.None]{
				aio.Start(ctx, sleep, aio.Name("leaf 0")), aio.Start(ctx, sleep, aio.Name("leaf 1")),
			}
			aio.Start(ctx, func(ctx context.Context) error {
				_, err := aio.Gather(ctx, leaves...)
				return err
			}, aio.Name("gatherer"))
			aio.Start(ctx, func(ctx context.Context) error {
				return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
					g.Go(sleep, aio.Name("member"))
					return nil
				})
			}, aio.Name("grouper"))
			aio.Start(ctx, func(ctx context.Context) error {
				_, err := aio.Shield(ctx, leaves[0])
				return err
			}, aio.Name("shielder"))
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			picture := aio.RunningLoop(ctx).Snapshot(false)
			names := map[uint32]string{}
			for _, task := range picture.Tasks {
				names[task.ID] = task.Name
			}
			for _, task := range picture.Tasks {
				if len(task.WaitsFor) > 0 {
					var waitsFor []string
					for _, id := range task.WaitsFor {
						waitsFor = append(waitsFor, names[id])
					}
					note(task.Name, "waits for", strings.Join(waitsFor, " "))
				}
			}
			return nil
		})
}

// Conformance: N-030.
func TestGatheringTasksThatHaveEndedTakesAPass(t *testing.T) {
	newer(t, "another, [1]", func(ctx context.Context, note func(args ...any)) error {
		task := aio.CreateTask(ctx, func(context.Context) (int, error) { return 1, nil })
		if _, err := task.Await(ctx); err != nil {
			return err
		}
		aio.RunningLoop(ctx).CallSoon(func() { note("another") })
		got, err := aio.Gather(ctx, task)
		note(got)
		return err
	})
}

// Conformance: N-031.
func TestAWaitForAConditionThatIsCancelledWakesNobodyElse(t *testing.T) {
	newer(t, "a cancelled true, b still waits true",
		func(ctx context.Context, note func(args ...any)) error {
			var c aiosync.Condition
			wait := func(ctx context.Context) error { return c.With(ctx, c.Wait) }
			a, b := aio.Start(ctx, wait), aio.Start(ctx, wait)
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			a.Cancel(nil)
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			note("a cancelled", a.Cancelled())
			note("b still waits", !b.Done())
			b.Cancel(nil)
			return nil
		})
}

// Conformance: N-032.
func TestAsCompletedYieldsTheTasksThemselves(t *testing.T) {
	newer(t, "true, true", func(ctx context.Context, note func(args ...any)) error {
		quick := func(context.Context) error { return nil }
		tasks := []*aio.Task[aio.None]{aio.Start(ctx, quick), aio.Start(ctx, quick)}
		for task, err := range aio.AsCompleted(ctx, tasks...) {
			if err != nil {
				return err
			}
			note(slices.Contains(tasks, task))
		}
		return nil
	})
}

// Conformance: N-033. A panic of main closes the runner.
func TestARunnerStartsAfreshAfterARunThatFailed(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errNewer)
	for name, bad := range map[string]struct {
		ctx  context.Context
		main func(ctx context.Context) error
		want error // nil: a *DeadlockError
	}{
		"an error":          {nil, func(context.Context) error { return errNewer }, errNewer},
		"a cancelled ctx":   {ctx, aio.Yield, aio.ErrCancelled},
		"a cancelled main":  {nil, cancelledMain, aio.ErrCancelled},
		"a stop":            {nil, stoppedMain, aio.ErrStopped},
		"the deadline":      {nil, lateMain, context.DeadlineExceeded},
		"a deadlock":        {nil, deadlockedMain, nil},
		"a task left alone": {nil, neglectfulMain, errNewer},
	} {
		t.Run(name, func(t *testing.T) {
			runner := aio.NewRunner(aio.WithClock(aio.NewVirtualClock()))
			defer runner.Close()
			run := func(ctx context.Context, main func(ctx context.Context) error) error {
				return runner.Run(cmp.Or(ctx, t.Context()), main)
			}
			for range 2 {
				err := run(bad.ctx, bad.main)
				var deadlock *aio.DeadlockError
				if !errors.Is(err, bad.want) && !errors.As(err, &deadlock) {
					t.Errorf("the bad run: %v, want %v", err, bad.want)
				}
				began := runner.Loop().Time()
				err = run(nil, func(ctx context.Context) error {
					return errors.Join(ctx.Err(), aio.Sleep(ctx, time.Second), aio.Yield(ctx))
				})
				if d := runner.Loop().Time().Sub(began); err != nil || d != time.Second {
					t.Errorf("the next run: %v after %v", err, d)
				}
			}
		})
	}
}

func cancelledMain(ctx context.Context) error {
	aio.CurrentTask(ctx).Cancel(nil)
	return aio.Yield(ctx)
}

func stoppedMain(ctx context.Context) error {
	aio.RunningLoop(ctx).Stop()
	return aio.Sleep(ctx, time.Hour)
}

func lateMain(ctx context.Context) error {
	return aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
		return aio.Sleep(ctx, time.Hour)
	})
}

func deadlockedMain(ctx context.Context) error {
	_, err := aio.NewFuture[int](ctx).Await(ctx)
	return err
}

func neglectfulMain(ctx context.Context) error {
	aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
	return errNewer
}

// Conformance: N-033.
func TestARunnerStartsAfreshAfterAnInterrupt(t *testing.T) {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	runner := aio.NewRunner(aio.WithInterrupt())
	defer runner.Close()
	for range 3 { // each is the first interrupt of its run
		var sent error
		err := runner.Run(t.Context(), func(ctx context.Context) error {
			if sent = self.Signal(os.Interrupt); sent != nil {
				return nil
			}
			return aio.Sleep(ctx, time.Minute)
		})
		if sent != nil {
			t.Skip("this system has no such signal: ", sent)
		}
		if !errors.Is(err, aio.ErrInterrupted) {
			t.Fatalf("the interrupted run: %v", err)
		}
		if err := runner.Run(t.Context(), aio.Yield); err != nil {
			t.Errorf("the next run: %v", err)
		}
	}
}
