package aio_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// slowly ends d after it was cancelled.
func slowly(d time.Duration) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		err := forever(ctx)
		aio.Sleep(context.WithoutCancel(ctx), d)
		return err
	}
}

// endings are blocks that end themselves, without an error, at once, and then wait a minute for a child.
var endings = map[string]func(ctx context.Context) error{
	"a group whose body cancels it": func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(slowly(time.Minute))
			aio.Yield(ctx)
			g.Cancel(errReason)
			return nil
		})
	},
	"a group whose body returns its cancellation": func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(slowly(time.Minute))
			aio.Yield(ctx)
			g.Cancel(errReason)
			return forever(ctx)
		})
	},
	"a group that a child cancels while the body waits": func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(slowly(time.Minute))
			g.Go(func(context.Context) error { g.Cancel(errReason); return nil })
			return forever(ctx)
		})
	},
	"a group that a child cancels after the body": func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(slowly(time.Minute))
			g.Go(func(context.Context) error { g.Cancel(errReason); return nil })
			return nil
		})
	},
	"a group in a group": func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, outer *aio.TaskGroup) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(slowly(time.Minute))
				aio.Yield(ctx)
				g.Cancel(errReason)
				return nil
			})
		})
	},
	"Race": func(ctx context.Context) error {
		v, err := aio.Race(ctx,
			func(ctx context.Context) (int, error) { return 1, aio.Yield(ctx) },
			func(ctx context.Context) (int, error) { return 2, slowly(time.Minute)(ctx) })
		if err != nil && v != 0 {
			return errBoom
		}
		return err
	},
	"Map": func(ctx context.Context) error {
		victim := aio.Start(ctx, forever)
		victim.Cancel(errReason)
		_, err := aio.Map(ctx, []int{0, 1}, func(ctx context.Context, i int) (int, error) {
			if i == 0 {
				return 0, slowly(time.Minute)(ctx)
			}
			_, err := victim.Await(ctx) // somebody else's cancellation
			return 0, err
		})
		return err
	},
	"All": func(ctx context.Context) error {
		_, err := aio.All(ctx,
			func(ctx context.Context) (int, error) { return 1, nil },
			func(ctx context.Context) (int, error) {
				slowly(time.Minute)(ctx)
				return 2, nil
			})
		return err
	},
	"StartReady": func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error { aio.Yield(ctx); g.Cancel(errReason); return nil })
			_, err := aio.StartReady(ctx, g, func(ctx context.Context, ready func(int)) error { return slowly(time.Minute)(ctx) })
			return err
		})
	},
}

func TestACancellationFromOutsideWinsOverABlockThatEndsItself(t *testing.T) {
	for name, ending := range endings {
		run(t, func(ctx context.Context) error {
			err := aio.Timeout(ctx, time.Second, ending)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s under Timeout: %v", name, err)
			}
			task := started(ctx, func(ctx context.Context) error { err = ending(ctx); return err })
			aio.Sleep(ctx, time.Second)
			task.Cancel(errBoom)
			if _, e := task.Await(ctx); !task.Cancelled() || !errors.Is(e, errBoom) || !errors.Is(err, errBoom) {
				t.Errorf("%s in a task: %v, returned %v", name, task, err)
			}
			child := func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error { aio.Sleep(ctx, time.Second); return errBoom })
				err = ending(ctx)
				return err
			}
			if e := aio.Group(ctx, child); e != errBoom || !errors.Is(err, aio.ErrCancelled) {
				t.Errorf("%s in a group: %v, returned %v", name, e, err)
			}
			std, cancel := context.WithCancelCause(ctx)
			l := aio.RunningLoop(ctx)
			l.CallLater(time.Second, func() { cancel(errBoom) })
			err = ending(std)
			if !errors.Is(err, errBoom) || !errors.Is(err, context.Canceled) {
				t.Errorf("%s under a standard context: %v", name, err)
			}
			limited, stop := aio.WithTimeout(ctx, time.Second)
			defer stop()
			if err = ending(limited); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s under WithTimeout: %v", name, err)
			}
			return nil
		})
	}
}

func TestABlockThatEndsItselfUndisturbedReturnsNoCancellation(t *testing.T) {
	for _, name := range []string{"a group whose body cancels it", "a group whose body returns its cancellation", "a group that a child cancels while the body waits",
		"a group that a child cancels after the body", "a group in a group", "Race", "StartReady"} {
		run(t, func(ctx context.Context) error {
			if err := aio.Timeout(ctx, time.Hour, endings[name]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			task := started(ctx, func(ctx context.Context) error {
				forever(ctx)
				free := context.WithoutCancel(ctx)
				if err := endings[name](free); err != nil { // the request that it is free from does not count
					t.Errorf("%s in a cleanup: %v", name, err)
				}
				return nil
			})
			task.Cancel(nil)
			_, err := task.Await(ctx)
			return err
		})
	}
}

func TestAFailureWinsOverTheCancellationFromOutside(t *testing.T) {
	run(t, func(ctx context.Context) error {
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					slowly(time.Minute)(ctx)
					return errBoom
				})
				aio.Yield(ctx)
				g.Cancel(nil)
				return nil
			})
		})
		if err != errBoom {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func TestAGroupThatIsCancelledFromInsideInThePassOfACancellationFromOutsideReturnsThat(t *testing.T) {
	for _, outerFirst := range []bool{true, false} {
		run(t, func(ctx context.Context) error {
			var group *aio.TaskGroup
			task := started(ctx, func(ctx context.Context) error {
				return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
					group = g
					g.Go(forever)
					return nil
				})
			})
			aio.Yield(ctx)
			if outerFirst {
				task.Cancel(errReason)
			}
			group.Cancel(errBoom)
			task.Cancel(errReason)
			_, err := task.Await(ctx)
			wantCancelled(t, err, errReason)
			return nil
		})
	}
}

func TestBlocksWithEqualDeadlinesHaveAllExpired(t *testing.T) {
	run(t, func(ctx context.Context) error {
		at := aio.RunningLoop(ctx).Time().Add(time.Second)
		var blocks []*aio.TimeoutBlock
		var errs []error
		var nest func(ctx context.Context, depth int) error
		nest = func(ctx context.Context, depth int) error {
			if depth == 0 {
				return forever(ctx)
			}
			err := aio.TimeoutAt(ctx, at, func(ctx context.Context) error {
				blocks = append(blocks, aio.CurrentTimeout(ctx))
				return nest(ctx, depth-1)
			})
			errs = append(errs, err)
			return err
		}
		nest(ctx, 3)
		for i, b := range blocks {
			if !b.Expired() {
				t.Errorf("block %d: %v", i, b)
			}
		}
		wantCancellation(t, errs[0])
		wantCancellation(t, errs[1])
		wantTimeout(t, errs[2])
		return nil
	})
}

func TestADeadlineInThePassOfACancellationHasExpired(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		var block *aio.TimeoutBlock
		var task *aio.Task[aio.None]
		l.CallLater(time.Second, func() { task.Cancel(errReason) })
		task = started(ctx, func(ctx context.Context) error {
			return aio.TimeoutAt(ctx, l.Time().Add(time.Second), func(ctx context.Context) error {
				block = aio.CurrentTimeout(ctx)
				return forever(ctx)
			})
		})
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		if !block.Expired() {
			t.Error(block)
		}
		return nil
	})
}

func TestADeadlineThatPassesAfterACancellationOfTheContextTurnsThatIntoNoTimeOut(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ctx, cancel := aio.WithCancelCause(ctx)
		aio.RunningLoop(ctx).CallLater(time.Second, func() { cancel(errReason) })
		err := aio.Timeout(ctx, 2*time.Second, slowly(time.Minute))
		wantCancelled(t, err, errReason)
		return nil
	})
}

// forestall makes a block whose deadline is due in the pass in which its task, which runs before the deadline's turn, moves it to at.
func forestall(ctx context.Context, move func(b *aio.TimeoutBlock, now time.Time)) (log []string, err error) {
	l := aio.RunningLoop(ctx)
	var block *aio.TimeoutBlock
	due := l.Time().Add(time.Second)
	l.CallAt(due, func() { // older than the block's timer
		move(block, l.Time())
		l.CallSoon(func() { log = append(log, "next pass, expired: "+pyBool(block.Expired())) })
	})
	l.CallAt(due.Add(2*time.Second), func() { log = append(log, "2 s later, expired: "+pyBool(block.Expired())) })
	err = aio.TimeoutAt(ctx, due, func(ctx context.Context) error {
		block = aio.CurrentTimeout(ctx)
		l.CallAt(due, func() { log = append(log, "this pass, expired: "+pyBool(block.Expired())) }) // younger
		return aio.Sleep(ctx, time.Minute)
	})
	return log, err
}

func TestADeadlineThatIsMovedInThePassInWhichItIsDueKeepsToTheNewTime(t *testing.T) {
	run(t, func(ctx context.Context) error {
		log, err := forestall(ctx, func(b *aio.TimeoutBlock, now time.Time) { b.Reschedule(now) })
		wantTimeout(t, err)
		wantLines(t, log, "this pass, expired: False", "next pass, expired: True")
		log, err = forestall(ctx, func(b *aio.TimeoutBlock, now time.Time) {
			b.Reschedule(now)
			b.Reschedule(now.Add(time.Second))
		})
		wantTimeout(t, err)
		wantLines(t, log, "this pass, expired: False", "next pass, expired: False")
		log, err = forestall(ctx, func(b *aio.TimeoutBlock, now time.Time) {
			b.Reschedule(now)
			b.Reschedule(time.Time{})
			b.Reschedule(now)
		})
		wantTimeout(t, err)
		wantLines(t, log, "this pass, expired: False", "next pass, expired: True")
		log, err = forestall(ctx, func(b *aio.TimeoutBlock, now time.Time) { b.Reschedule(time.Time{}) })
		if err != nil {
			t.Error(err)
		}
		wantLines(t, log, "this pass, expired: False", "next pass, expired: False", "2 s later, expired: False")
		return nil
	})
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got %q, want %q", got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", got, want)
			return
		}
	}
}

// Conformance: WF-005.
func TestWaitForWithoutTimeCancelsAFreshTaskBeforeItStarts(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for _, d := range []time.Duration{0, -time.Second} {
			ran := false
			task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { ran = true; return 1, nil })
			_, err := aio.WaitFor(ctx, d, task.Await)
			if te := wantTimeout(t, err); te.After != d || ran || !task.Cancelled() {
				t.Errorf("%v; it ran: %v, %v", te, ran, task)
			}
			future := aio.NewFuture[int](aio.RunningLoop(ctx))
			_, err = aio.WaitFor(ctx, d, future.Await)
			wantTimeout(t, err)
			if !future.Cancelled() {
				t.Error(future)
			}
			stubborn := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
				_ = forever(ctx)
				return 7, nil
			})
			aio.Yield(ctx)
			if v, err := aio.WaitFor(ctx, d, stubborn.Await); v != 7 || err != nil {
				t.Errorf("got %d, %v", v, err)
			}
		}
		return aio.Yield(ctx)
	})
}

func TestAwaitingATaskThatWasAskedToEndWaitsForItsCleanupWhenTheAwaiterIsCancelled(t *testing.T) {
	for name, wait := range map[string]func(ctx context.Context, child *aio.Task[aio.None]) error{
		"Await": func(ctx context.Context, child *aio.Task[aio.None]) error { _, err := child.Await(ctx); return err },
		"Gather": func(ctx context.Context, child *aio.Task[aio.None]) error {
			_, err := aio.Gather(ctx, child)
			return err
		},
		"a chain": func(ctx context.Context, child *aio.Task[aio.None]) error {
			_, err := aio.Start(ctx, func(ctx context.Context) error { _, err := child.Await(ctx); return err }).Await(ctx)
			return err
		},
	} {
		run(t, func(ctx context.Context) error {
			l := aio.RunningLoop(ctx)
			start := l.Time()
			after := func() time.Duration { return l.Time().Sub(start) }
			child := started(ctx, slowly(24*time.Second))
			l.CallLater(time.Second, func() { child.Cancel(errReason) })
			_, err := aio.WaitFor(ctx, 5*time.Second, func(ctx context.Context) (aio.None, error) { return aio.None{}, wait(ctx, child) })
			wantTimeout(t, err)
			if !child.Done() || after() != 25*time.Second {
				t.Errorf("%s: WaitFor returned after %v, %v", name, after(), child)
			}
			child, start = started(ctx, slowly(24*time.Second)), l.Time()
			waiter := started(ctx, func(ctx context.Context) error { return wait(ctx, child) })
			aio.Sleep(ctx, time.Second)
			child.Cancel(errReason)
			aio.Sleep(ctx, time.Second)
			waiter.Cancel(errBoom)
			_, err = waiter.Await(ctx)
			wantCancellation(t, err)
			if !child.Done() || after() != 25*time.Second {
				t.Errorf("%s: the task ended after %v, %v", name, after(), child)
			}
			return nil
		})
	}
}

func TestAnAwaiterWaitsForTheCleanupOfATaskThatShieldsTheAwaiter(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		var awaiter *aio.Task[aio.None]
		child := aio.Start(ctx, func(ctx context.Context) error {
			_, err := aio.Shield(ctx, awaiter) // its own cancellation ends this wait at once
			aio.Sleep(context.WithoutCancel(ctx), time.Minute)
			return err
		})
		start := l.Time()
		awaiter = aio.Start(ctx, func(ctx context.Context) error {
			err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error { _, err := child.Await(ctx); return err })
			wantTimeout(t, err)
			if took := l.Time().Sub(start); took != time.Second+time.Minute || !child.Done() {
				t.Errorf("it returned after %v, %v", took, child)
			}
			return nil
		})
		_, err := awaiter.Await(ctx)
		return err
	})
}

func TestTasksThatAwaitEachOtherEndWhenOneIsCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var a, b, c *aio.Task[aio.None]
		a = aio.Start(ctx, func(ctx context.Context) error { _, err := b.Await(ctx); return err })
		b = aio.Start(ctx, func(ctx context.Context) error { _, err := c.Await(ctx); return err })
		c = aio.Start(ctx, func(ctx context.Context) error { _, err := a.Await(ctx); return err })
		aio.Yield(ctx)
		b.Cancel(errReason)
		c.Cancel(errReason)
		passes(ctx, 10)
		if !a.Done() || !b.Done() || !c.Done() {
			t.Errorf("%v, %v, %v", a, b, c)
		}
		return nil
	})
}

func TestABlockWhoseTimeIsOverTellsOfTheOuterRequestThatCameDuringItsCleanup(t *testing.T) {
	reason := errors.New("outer")
	run(t, func(ctx context.Context) error {
		var err error
		task := aio.Start(ctx, func(ctx context.Context) error {
			err = aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
				stopped := forever(ctx)
				_ = aio.Sleep(context.WithoutCancel(ctx), 10*time.Second)
				return stopped
			})
			return err
		})
		_ = aio.Sleep(ctx, 5*time.Second)
		task.Cancel(reason)
		_, _ = task.Await(context.WithoutCancel(ctx))
		if !errors.Is(err, reason) || !errors.Is(err, aio.ErrCancelled) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		return nil
	})
}
