package aio_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// wantDeadlock fails the test unless err is a DeadlockError whose cycle, or list of those who wait,
// has the names, and whose text the parts.
func wantDeadlock(t *testing.T, err error, names string, parts ...string) {
	t.Helper()
	d, ok := err.(*aio.DeadlockError)
	if !ok {
		t.Fatalf("got %T %v, want a *DeadlockError", err, err)
	}
	var got []string
	for _, i := range append(d.Cycle, d.Waiting...) {
		got = append(got, i.Name)
	}
	if strings.Join(got, " ") != names {
		t.Errorf("the tasks are %q, want %q", got, names)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("there is no %q in %q", part, err)
		}
	}
}

func TestTwoTasksThatAwaitEachOtherAreReportedWhileTheRestGoesOn(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		var a, b *aio.Task[aio.None]
		a = aio.Start(ctx, func(ctx context.Context) error { _, err := b.Await(ctx); return err }, aio.Name("a"))
		b = aio.Start(ctx, func(ctx context.Context) error { _, err := a.Await(ctx); return err }, aio.Name("b"))
		for range 10 {
			if err := aio.Sleep(ctx, time.Minute); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	list := seen.All()
	if len(list) != 1 || list[0].Message != "tasks wait for each other" {
		t.Fatalf("reports: %q", seen.Strings())
	}
	wantDeadlock(t, list[0].Err, "a b", "aio: deadlock: a waits in Task.Await for task b; b waits in Task.Await for task a")
}

func TestMainGetsTheCycleThatItIsIn(t *testing.T) {
	err := runErr(t, func(ctx context.Context) error {
		main := aio.CurrentTask(ctx).(*aio.Task[aio.None])
		child := aio.Start(ctx, func(ctx context.Context) error {
			main.Await(ctx) // ends with main's cancellation
			return nil
		}, aio.Name("child"))
		_, err := child.Await(ctx)
		return err
	})
	wantDeadlock(t, err, "main child", "main waits in Task.Await for task child", "child waits in Task.Await for task main")
}

func TestMainGetsTheCycleThatItWaitsFor(t *testing.T) {
	err := runErr(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			var a, b *aio.Task[aio.None]
			a = g.Go(func(ctx context.Context) error { _, err := b.Await(ctx); return err }, aio.Name("a"))
			b = g.Go(func(ctx context.Context) error { _, err := a.Await(ctx); return err }, aio.Name("b"))
			return nil
		})
	})
	wantDeadlock(t, err, "a b")
}

// crossed lets each of n tasks take a lock of its own and then that of the next.
func crossed(ctx context.Context, n int, start func(ctx context.Context, fn func(ctx context.Context) error, opts ...aio.TaskOption) *aio.Task[aio.None]) {
	locks := make([]aiosync.Lock, n)
	for i := range n {
		start(ctx, func(ctx context.Context) error {
			return locks[i].With(ctx, func(ctx context.Context) error {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				return locks[(i+1)%n].With(ctx, func(context.Context) error { return nil })
			})
		}, aio.Name("locker "+string(rune('a'+i))))
	}
}

func TestACycleOfLocksIsReportedWithTheirOwners(t *testing.T) {
	for n, names := range map[int]string{2: "locker a locker b", 3: "locker a locker b locker c"} {
		seen, err := runReports(t, func(ctx context.Context) error {
			crossed(ctx, n, aio.Start)
			return aio.Sleep(ctx, time.Hour)
		})
		if err != nil {
			t.Fatal(err)
		}
		list := seen.All()
		if len(list) != 1 {
			t.Fatalf("reports: %q", seen.Strings())
		}
		wantDeadlock(t, list[0].Err, names, "locker a waits in Lock.Acquire for <Lock locked", "locker b")
	}
}

func TestMainGetsTheCycleOfLocksThatItIsIn(t *testing.T) {
	var first, second aiosync.Lock
	err := runErr(t, func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			return second.With(ctx, func(ctx context.Context) error { return first.Acquire(ctx) })
		}, aio.Name("other"))
		return first.With(ctx, func(ctx context.Context) error {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			return second.Acquire(ctx)
		})
	})
	wantDeadlock(t, err, "main other")
	var c *aio.CancelledError
	if errors.As(err, &c) {
		t.Errorf("Run returned the cancellation itself: %v", err)
	}
}

func TestATaskThatWaitsForALockItHoldsIsACycleOfOne(t *testing.T) {
	err := runErr(t, func(ctx context.Context) error {
		var l aiosync.Lock
		if err := l.Acquire(ctx); err != nil {
			return err
		}
		return l.Acquire(ctx)
	})
	if d, ok := err.(*aio.DeadlockError); !ok || len(d.Cycle)+len(d.Waiting) != 1 {
		t.Errorf("got %v", err)
	}
}

func TestAChildThatWaitsForItsOwnGroupIsACycle(t *testing.T) {
	err := runErr(t, func(ctx context.Context) error {
		parent := aio.Start(ctx, func(ctx context.Context) error {
			parent := aio.CurrentTask(ctx).(*aio.Task[aio.None])
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error { _, err := parent.Await(ctx); return err }, aio.Name("child"))
				return nil
			})
		}, aio.Name("parent"))
		_, err := parent.Await(ctx)
		return err
	})
	wantDeadlock(t, err, "parent child", "parent waits in Group for 1 tasks of the group, which child holds up")
}

func TestACycleThroughGatherIsReportedAtOnceAndEndsRunWhenNothingElseGoesOn(t *testing.T) {
	var slept bool
	seen, err := runReports(t, func(ctx context.Context) error {
		main := aio.CurrentTask(ctx).(*aio.Task[aio.None])
		_, err := aio.Gather(ctx,
			aio.Start(ctx, func(ctx context.Context) error {
				err := aio.Sleep(ctx, time.Hour)
				slept = err == nil
				return err
			}, aio.Name("sleeper")),
			aio.Start(ctx, func(ctx context.Context) error { _, err := main.Await(ctx); return err }, aio.Name("child")))
		return err
	})
	wantDeadlock(t, err, "main child")
	if got := seen.All(); len(got) != 1 || got[0].Message != "tasks wait for each other" {
		t.Errorf("reported: %v", got)
	}
	if !slept {
		t.Error("the sleeper was not let to sleep")
	}
}

func TestACycleThatSomebodyCancelsInTimeDoesNotEndRun(t *testing.T) {
	_, err := runReports(t, func(ctx context.Context) error {
		var l aiosync.Lock
		stuck := aio.Start(ctx, func(ctx context.Context) error {
			return l.With(ctx, func(ctx context.Context) error { return l.Acquire(ctx) }) // waits for itself
		})
		aio.RunningLoop(ctx).CallLater(time.Minute, func() { stuck.Cancel(nil) })
		if _, err := stuck.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("the task that was cancelled ended with %v", err)
		}
		return nil
	})
	if err != nil {
		t.Errorf("Run returned %v", err)
	}
}

func TestACycleThatADeadlineWillBreakIsNone(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Lock
		waits := map[string]func(ctx context.Context, await aio.Func[aio.None]) error{
			"Timeout": func(ctx context.Context, await aio.Func[aio.None]) error {
				return aio.Timeout(ctx, time.Hour, func(ctx context.Context) error { _, err := await(ctx); return err })
			},
			"Timeout around a group": func(ctx context.Context, await aio.Func[aio.None]) error {
				return aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
					return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error { _, err := await(ctx); return err })
				})
			},
			"WithTimeout": func(ctx context.Context, await aio.Func[aio.None]) error {
				ctx, cancel := aio.WithTimeout(ctx, time.Hour)
				defer cancel()
				_, err := await(ctx)
				return err
			},
		}
		for name, wait := range waits {
			if err := l.Acquire(ctx); err != nil {
				return err
			}
			child := aio.Start(ctx, func(ctx context.Context) error { return l.With(ctx, func(context.Context) error { return nil }) })
			err := wait(ctx, func(ctx context.Context) (aio.None, error) { return aio.Shield(ctx, child) })
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: got %v", name, err)
			}
			wait2 := aio.Start(ctx, func(ctx context.Context) error { return wait(ctx, child.Await) })
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			l.Release()
			if _, err := wait2.Await(ctx); err != nil {
				t.Errorf("%s: got %v", name, err)
			}
		}
		return nil
	})
}

func TestMainInACycleWithADeadlineOfItsOwnGetsItsTimeOut(t *testing.T) {
	err := runErr(t, func(ctx context.Context) error {
		var l aiosync.Lock
		if err := l.Acquire(ctx); err != nil {
			return err
		}
		child := aio.Start(ctx, l.Acquire)
		return aio.Timeout(ctx, time.Second, func(ctx context.Context) error { _, err := child.Await(ctx); return err })
	})
	var timeout *aio.TimeoutError
	if !errors.As(err, &timeout) {
		t.Errorf("got %v", err)
	}
}

func TestACycleThatFormsAgainIsReportedAgain(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		var a, b *aio.Task[aio.None]
		a = aio.Start(ctx, func(ctx context.Context) error {
			for range 2 {
				wait, cancel := aio.WithCancelCause(ctx)
				aio.RunningLoop(ctx).CallLater(time.Minute, func() { cancel(nil) })
				if _, err := b.Await(wait); !errors.Is(err, aio.ErrCancelled) {
					t.Errorf("got %v", err)
				}
				if err := aio.Sleep(ctx, time.Minute); err != nil {
					return err
				}
			}
			return nil
		}, aio.Name("a"))
		b = aio.Start(ctx, func(ctx context.Context) error { _, err := a.Await(ctx); return err }, aio.Name("b"))
		aio.Start(ctx, func(ctx context.Context) error { _, err := b.Await(ctx); return err }) // keeps b from being cancelled with a's wait
		return aio.Sleep(ctx, time.Hour)
	})
	if err != nil {
		t.Fatal(err)
	}
	if list := seen.All(); len(list) != 2 {
		t.Errorf("%d reports: %q", len(list), seen.Strings())
	}
	for _, r := range seen.All() {
		wantDeadlock(t, r.Err, "a b")
	}
}

func TestUnderAVirtualClockMainIsToldWhenNothingCanWakeAnybody(t *testing.T) {
	err := runErr(t, func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) }, aio.Name("sleeper"))
		aio.Start(ctx, (&aiosync.Event{}).Wait, aio.Name("waiter"))
		_, err := aiosync.NewQueue[int](0).Get(ctx)
		return err
	})
	wantDeadlock(t, err, "main waiter", "aio: deadlock: nothing is ready, no timer runs and nothing is expected from outside", "main in Queue.Get for <Queue", "waiter in Event.Wait for <Event unset")
}

func TestADeadlockOfManyNamesTheFirstTen(t *testing.T) {
	err := runErr(t, func(ctx context.Context) error {
		for range 20 {
			aio.Start(ctx, forever)
		}
		return forever(ctx)
	})
	if err == nil || !strings.HasSuffix(err.Error(), "; and 11 more") {
		t.Errorf("got %v", err)
	}
}

func TestMainMayTidyUpAfterADeadlock(t *testing.T) {
	var j journal
	seen, err := runReports(t, func(ctx context.Context) error {
		err := forever(ctx)
		var d *aio.DeadlockError
		j.Add("deadlock: %v, cancelled: %v", errors.As(err, &d), errors.Is(err, aio.ErrCancelled))
		j.Add("sleep: %v", aio.Sleep(context.WithoutCancel(ctx), time.Second))
		return errBoom // wins
	})
	if err != errBoom {
		t.Errorf("got %v", err)
	}
	const told = "the main task failed after it was cancelled because of a deadlock"
	if list := seen.All(); len(list) != 1 || list[0].Message != told {
		t.Errorf("reports: %q", seen.Strings())
	} else {
		wantDeadlock(t, list[0].Err, "main")
	}
	j.Want(t, "deadlock: true, cancelled: true", "sleep: <nil>")
}

func TestAMainThatTurnsItsCancellationIntoNilHidesNoDeadlock(t *testing.T) {
	ways := map[string]func(err error) error{
		"nil":              func(error) error { return nil },
		"context.Canceled": func(error) error { return context.Canceled },
		"wrapped":          func(err error) error { return fmt.Errorf("sad: %w", err) },
	}
	for name, end := range ways {
		err := runErr(t, func(ctx context.Context) error { return end(forever(ctx)) })
		if _, ok := err.(*aio.DeadlockError); !ok {
			t.Errorf("%s: got %v", name, err)
		}
		err = runErr(t, func(ctx context.Context) error {
			return end(aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					forever(ctx)
					return nil
				})
				return nil
			}))
		})
		if _, ok := err.(*aio.DeadlockError); !ok {
			t.Errorf("%s, in a group: got %v", name, err)
		}
	}
	v, err := aio.RunValue(t.Context(), func(ctx context.Context) (int, error) {
		forever(ctx)
		return 7, nil
	}, testOptions(&reports{})...)
	if _, ok := err.(*aio.DeadlockError); !ok || v != 7 {
		t.Errorf("RunValue: got %v, %v", v, err)
	}
}

func TestTheNextRunKnowsNothingOfTheDeadlockBefore(t *testing.T) {
	r := aio.NewRunner(testOptions(&reports{})...)
	defer r.Close()
	err := r.Run(t.Context(), forever)
	if _, ok := err.(*aio.DeadlockError); !ok {
		t.Errorf("got %v", err)
	}
	if err := r.Run(t.Context(), func(ctx context.Context) error { return nil }); err != nil {
		t.Errorf("the next run: %v", err)
	}
}

func TestADeadlockAfterMainWasCancelledIsToldAsOne(t *testing.T) {
	clocks := map[string][]aio.Option{"virtual": {aio.WithClock(aio.NewVirtualClock())}, "real": nil}
	ends := map[string]func(ctx context.Context){
		"by a cancel of its own": func(ctx context.Context) {
			main := aio.CurrentTask(ctx)
			aio.RunningLoop(ctx).CallSoon(func() { main.Cancel(errReason) })
		},
		"by the context of Run": func(ctx context.Context) { ctx.Value(endKey{}).(context.CancelFunc)() },
	}
	for clock, opts := range clocks {
		for name, end := range ends {
			t.Run(clock+" "+name, func(t *testing.T) {
				seen := &reports{}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var lock aiosync.Lock
				err := aio.Run(context.WithValue(ctx, endKey{}, cancel), func(ctx context.Context) error {
					end(ctx)
					j := forever(ctx)
					if !errors.Is(j, aio.ErrCancelled) {
						t.Errorf("main met %v", j)
					}
					ctx = context.WithoutCancel(ctx)
					lock.Acquire(ctx)
					return lock.Acquire(ctx)
				}, append(opts, seen.Option())...)
				if _, ok := err.(*aio.DeadlockError); !ok {
					t.Errorf("got %T %v", err, err)
				}
				want := "the main task waited, after its cancellation, for something that cannot come, and was ended at an await|main"
				if got := seen.Strings(); len(got) != 1 || got[0] != want {
					t.Errorf("reports: %q", got)
				}
			})
		}
	}
}

type endKey struct{}

// asking asks the loop at each choice, and does what a test tool may do there.
type asking struct {
	ask func(what aio.Choice, n int) int
}

func (a *asking) Choose(what aio.Choice, n int) int { return a.ask(what, n) }

func TestAChooserMayAskTheLoopAfterATaskHasEnded(t *testing.T) {
	for _, debug := range []bool{false, true} {
		var ctxOf context.Context
		var victim *aio.Task[aio.None]
		asked, made := 0, 0
		chooser := &asking{func(aio.Choice, int) int {
			if ctxOf == nil {
				return 0
			}
			asked++
			if c := aio.CurrentTask(ctxOf); c != nil {
				t.Errorf("choice %d: the current task is %v", asked, c)
			}
			if made < 5 {
				made++
				aio.Start(ctxOf, func(ctx context.Context) error { return aio.Yield(ctx) })
			}
			if asked == 3 {
				victim.Cancel(errReason)
			}
			aio.RunningLoop(ctxOf).Snapshot(false)
			return 0
		}}
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			victim = aio.Start(ctx, forever)
			ctxOf = aio.RunningLoop(ctx).Context()
			for range 20 {
				aio.Start(ctx, func(ctx context.Context) error { return nil })
				aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) })
			}
			for range 10 {
				aio.Yield(ctx)
			}
			err := aio.Sleep(ctx, time.Minute)
			if !victim.Cancelled() {
				t.Error("the chooser's Cancel did nothing")
			}
			return err
		}, aio.WithChooser(chooser), aio.WithClock(aio.NewVirtualClock()), aio.WithDebug(debug))
		if err != nil || asked < 20 {
			t.Errorf("debug %v: %v after %d questions", debug, err, asked)
		}
	}
}

func TestAMainThatWaitsForEverAlthoughItWasCancelledIsEnded(t *testing.T) {
	waits := map[string]func(ctx context.Context) error{
		"a waiter": forever,
		"a lock": func(ctx context.Context) error {
			var l aiosync.Lock
			l.Acquire(ctx)
			return l.Acquire(ctx)
		},
		"a task": func(ctx context.Context) error {
			_, err := aio.Start(ctx, forever).Await(ctx)
			return err
		},
	}
	for name, wait := range waits {
		var j journal
		seen, err := runReports(t, func(ctx context.Context) error {
			defer j.Add("deferred")
			forever(ctx)
			j.Add("cancelled")
			wait(context.WithoutCancel(ctx))
			j.Add("not reached")
			return nil
		})
		if d, ok := err.(*aio.DeadlockError); !ok || len(d.Waiting) != 1 {
			t.Errorf("%s: got %v", name, err)
		}
		j.Want(t, "cancelled", "deferred")
		if got := seen.Strings(); len(got) != 1 || got[0] != "the main task waited, after its cancellation, for something that cannot come, and was ended at an await|main" {
			t.Errorf("%s: reports: %q", name, got)
		}
	}
}

// What may be woken from outside is not taken for dead, be the clock virtual or not. Tasks wait for
// each other where no cycle is.
func TestWhatCanStillBeWokenIsNoDeadlock(t *testing.T) {
	programs := map[string]func(ctx context.Context) error{
		"a timer": func(ctx context.Context) error { return aio.Sleep(ctx, time.Millisecond) },
		"a thread": func(ctx context.Context) error {
			_, err := aio.ToThread(ctx, func(context.Context) (int, error) { return 1, nil })
			return err
		},
		"a channel": func(ctx context.Context) error {
			ch := make(chan int)
			go func() { ch <- 1 }()
			_, _, err := aio.Recv(ctx, ch)
			return err
		},
		"a call that is expected": func(ctx context.Context) error {
			l := aio.RunningLoop(ctx)
			f := aio.NewFuture[int](l.Context())
			l.ExpectPosts(1)
			go l.CallSoonThreadsafe(func() {
				l.ExpectPosts(-1)
				f.SetResult(1)
			})
			_, err := f.Await(ctx)
			return err
		},
		"a line of tasks": func(ctx context.Context) error {
			var l aiosync.Lock
			err := l.With(ctx, func(ctx context.Context) error {
				for range 5 {
					aio.Start(ctx, func(ctx context.Context) error {
						return l.With(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Millisecond) })
					})
				}
				return aio.Sleep(ctx, time.Millisecond)
			})
			if err != nil {
				return err
			}
			return l.With(ctx, func(context.Context) error { return nil })
		},
		"one of several": func(ctx context.Context) error {
			main := aio.CurrentTask(ctx).(*aio.Task[aio.None])
			never := aio.Start(ctx, func(ctx context.Context) error { _, err := main.Await(ctx); return err })
			soon := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Millisecond) })
			_, _, err := aio.Wait(ctx, aio.FirstCompleted, never, soon)
			return err
		},
	}
	for name, main := range programs {
		if err := runErr(t, main); err != nil {
			t.Errorf("%s, virtual clock: %v", name, err)
		}
		seen := &reports{}
		if err := aio.Run(t.Context(), main, seen.Option()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if list := seen.Strings(); len(list) > 0 {
			t.Errorf("%s: %q", name, list)
		}
	}
}

func TestUnderTheRealClockAnotherGoroutineMayStillWakeMain(t *testing.T) {
	l := make(chan *aio.Loop)
	f := make(chan *aio.Future[int])
	go func() {
		loop, future := <-l, <-f
		aio.SubmitValue(context.Background(), loop, func(context.Context) (aio.None, error) { return aio.None{}, future.SetResult(42) })
	}()
	v, err := aio.RunValue(t.Context(), func(ctx context.Context) (int, error) {
		loop := aio.RunningLoop(ctx)
		future := aio.NewFuture[int](loop.Context())
		l <- loop
		f <- future
		return future.Await(ctx)
	})
	if v != 42 || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
}

func TestUnderTheRealClockACycleIsFoundAsWell(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		main := aio.CurrentTask(ctx).(*aio.Task[aio.None])
		_, err := aio.Start(ctx, func(ctx context.Context) error { main.Await(ctx); return nil }, aio.Name("child")).Await(ctx)
		return err
	})
	wantDeadlock(t, err, "main child")
}

func TestALoopWaitsForGoroutinesThatMayPostInsteadOfCallingItADeadlock(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		f := aio.NewFuture[int](l.Context())
		l.MayPost(1)
		go func() {
			time.Sleep(50 * time.Millisecond) // real time, that of a world which the virtual clock does not move
			_, _ = l.CallSoonThreadsafe(func() {
				l.MayPost(-1)
				_ = f.SetResult(1)
			})
		}()
		_, err := f.Await(ctx)
		return err
	})
}

func TestGoroutinesThatMayPostDoNotHideADeadlockForEver(t *testing.T) {
	err := runErr(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		aio.SetSilence(l, time.Millisecond)
		l.MayPost(1)
		defer l.MayPost(-1)
		return forever(ctx)
	})
	if _, ok := errors.AsType[*aio.DeadlockError](err); !ok {
		t.Errorf("got %v", err)
	}
}

func TestGoroutinesThatMayPostDoNotStopAVirtualClock(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.MayPost(1)
		defer l.MayPost(-1)
		begin := l.Time()
		err := aio.Timeout(ctx, time.Hour, forever)
		wantTimeout(t, err)
		if d := l.Time().Sub(begin); d != time.Hour {
			t.Errorf("it took %v", d)
		}
		return nil
	})
}

// realClock is a clock of a user's own that follows the machine's.
type realClock struct{}

func (realClock) Now() time.Time         { return time.Now() }
func (realClock) Advance(time.Time) bool { return false }

func TestUnderARealClockOfAUsersOwnAPostFromOutsideIsWaitedFor(t *testing.T) {
	run(t, func(ctx context.Context) error {
		done, loop := gate(ctx), aio.RunningLoop(ctx)
		time.AfterFunc(50*time.Millisecond, func() { loop.CallSoonThreadsafe(func() { open(done) }) })
		_, err := done.Await(ctx)
		return err
	}, aio.WithClock(realClock{}))
}

func TestATaskOfRunUntilCompleteIsEndedByADeadlock(t *testing.T) {
	l := aio.NewLoop(testOptions(&reports{})...)
	defer l.Close()
	_, err := aio.RunUntilComplete(l, aio.Action(forever))
	wantDeadlock(t, err, "Task-1", "Task-1 in forever")
	_, err = aio.RunUntilComplete(l, aio.Action(func(ctx context.Context) error { runtime.Goexit(); return nil }))
	var exited *aio.GoexitError
	if !errors.As(err, &exited) {
		t.Errorf("got %v", err)
	}
	if _, err = aio.RunUntilComplete(l, aio.Action(func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })); err != nil {
		t.Errorf("the next run: %v", err)
	}
}

func TestATaskThatWaitsForAChannelNobodyUsesIsADeadlockAfterSilence(t *testing.T) {
	for name, wait := range map[string]func(ctx context.Context) error{
		"Recv": func(ctx context.Context) error { _, _, err := aio.Recv(ctx, make(chan int)); return err },
		"Send": func(ctx context.Context) error { return aio.Send(ctx, make(chan int), 1) },
		"Select": func(ctx context.Context) error {
			_, err := aio.Select(ctx, aio.OnRecv((chan int)(nil), nil))
			return err
		},
	} {
		l := aio.NewLoop(testOptions(&reports{})...)
		aio.SetSilence(l, 10*time.Millisecond)
		_, err := aio.RunUntilComplete(l, aio.Action(wait))
		wantDeadlock(t, err, "Task-1", name+" for a channel")
		l.Close()
	}
}

// A virtual clock waits for a function of ToThread, which may wait for the clock.
func TestAThreadThatWaitsForVirtualTimeIsReported(t *testing.T) {
	var seen reports
	l := aio.NewLoop(testOptions(&seen)...)
	defer l.Close()
	aio.SetSilence(l, 10*time.Millisecond)
	told := make(chan struct{})
	l.SetExceptionHandler(func(l *aio.Loop, r aio.Report) {
		seen.Add(l, r)
		close(told)
	})
	_, err := aio.RunUntilComplete(l, aio.Action(func(ctx context.Context) error {
		return aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
			return aio.Blocking(ctx, func(ctx context.Context) error {
				select {
				case <-ctx.Done():
				case <-told:
				}
				return nil
			})
		})
	}))
	if err != nil {
		t.Error(err)
	}
	all := seen.All()
	if len(all) != 1 || !all[0].Warning || !strings.Contains(all[0].Message, "Task-1 in Blocking") {
		t.Errorf("reports %+v", all)
	}
}

func TestALoopWithoutAMainTaskReportsThatNothingCanHappen(t *testing.T) {
	var seen reports
	l := aio.NewLoop(testOptions(&seen)...)
	defer l.Close()
	aio.SetSilence(l, 10*time.Millisecond)
	task := aio.Start(l.Context(), forever)
	l.SetExceptionHandler(func(l *aio.Loop, r aio.Report) {
		seen.Add(l, r)
		task.Cancel(nil)
		l.Stop()
	})
	l.RunForever()
	if all := seen.All(); len(all) != 1 {
		t.Errorf("reports %+v", all)
	} else {
		wantDeadlock(t, all[0].Err, "Task-1", "Task-1 in forever")
	}
}
