package aio_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

func TestALoopClosedWithTasksPendingEndsThemAndReportsEach(t *testing.T) {
	var log journal
	seen := &reports{}
	l := aio.NewLoop(seen.option(), aio.WithClock(aio.NewVirtualClock()))
	future := aio.NewFuture[int](l)
	waits := map[string]func(ctx context.Context) error{
		"1 sleep":  sleepFor(time.Hour),
		"2 future": func(ctx context.Context) error { _, err := future.Await(ctx); return err },
		"3 group": func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error { return forever(ctx) })
		},
		"4 timeout": func(ctx context.Context) error { return aio.Timeout(ctx, time.Hour, forever) },
		"5 freed":   ignoresItsEnd,
	}
	for _, name := range []string{"1 sleep", "2 future", "3 group", "4 timeout", "5 freed"} {
		aio.Start(l.Context(), func(ctx context.Context) error {
			defer func() { log.add("%s: %v", name, ctx.Err()) }()
			err := waits[name](ctx)
			log.add("%s went on with %v", name, err)
			return err
		}, aio.Name(name))
	}
	l.CallSoon(l.Stop)
	l.RunForever()
	unstarted := aio.Start(l.Context(), func(context.Context) error {
		log.add("never")
		return nil
	}, aio.Name("6 unstarted"))
	l.Close()
	log.want(t, "1 sleep: context canceled", "2 future: context canceled", "3 group: context canceled", "4 timeout: context canceled", "5 freed: context canceled")
	list := seen.all()
	if len(list) != 6 || !unstarted.Cancelled() {
		t.Fatalf("the reports are %q", seen.strings())
	}
	for i, name := range []string{"1 sleep", "2 future", "3 group", "4 timeout", "5 freed", "6 unstarted"} {
		if r := list[i]; r.TaskName != name || !strings.HasPrefix(r.Site, "shutdown_test.go:") || i < 5 && !errors.Is(r.Err, aio.ErrLoopClosed) {
			t.Errorf("report %d is %+v, want one on %s", i, r, name)
		}
	}
}

func TestATaskThatIgnoresItsErrorsIsEndedAtShutdown(t *testing.T) {
	rounds := 0
	seen, err := runReports(t, func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			for {
				rounds++
				_ = aio.Sleep(ctx, time.Second)
			}
		}, aio.Name("deaf"))
		return aio.Yield(ctx)
	})
	if got := seen.strings(); err != nil || len(got) != 1 || got[0] != "a task ignored the errors of 10000 awaits in a row and was ended|deaf" {
		t.Fatalf("got %v, reports %q after %d rounds", err, got, rounds)
	}
}

func TestACleanupWithSeveralFailingAwaitsIsNoIgnoredCancellation(t *testing.T) {
	var log journal
	run(t, func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			err := forever(ctx)
			for range 20 {
				_ = aio.Sleep(ctx, time.Second) // they fail, and that is all right
			}
			log.add("cleaned up")
			return err
		})
		return aio.Yield(ctx)
	})
	log.want(t, "cleaned up")
}

func TestABlockingCleanupIsBoundedByTheGracePeriod(t *testing.T) {
	clock := aio.NewVirtualClock()
	start := clock.Now()
	var log journal
	seen, err := runReports(t, func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			defer log.add("straggler ended")
			_ = forever(ctx)
			return aio.Sleep(context.WithoutCancel(ctx), 1000*time.Hour)
		}, aio.Name("straggler"))
		aio.Start(ctx, func(ctx context.Context) error {
			err := forever(ctx)
			e := aio.Sleep(context.WithoutCancel(ctx), time.Second)
			log.add("in time: %v", e)
			return err
		})
		return aio.Yield(ctx)
	}, aio.WithClock(clock), aio.WithShutdown(0, time.Minute))
	log.want(t, "in time: <nil>", "straggler ended")
	if got := seen.strings(); err != nil || len(got) != 1 || !strings.HasSuffix(got[0], "|straggler") || clock.Now().Sub(start) != time.Minute {
		t.Fatalf("got %v, reports %q after %v", err, got, clock.Now().Sub(start))
	}
}

func TestDuringTheDrainPhaseTasksGoOnAndMayStartOthers(t *testing.T) {
	var log journal
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.OnShutdown(func() { log.add("stop accepting") })
		aio.Start(ctx, func(ctx context.Context) error {
			err := aio.Sleep(ctx, time.Second)
			log.add("request: %v", err)
			aio.Start(ctx, func(ctx context.Context) error {
				err := aio.Sleep(ctx, time.Second)
				log.add("follow-up: %v", err)
				l.Stop() // does not cut the phase short
				return err
			})
			return err
		})
		aio.Start(ctx, func(ctx context.Context) error {
			err := aio.Sleep(ctx, time.Hour)
			log.add("too long: %v", errors.Is(err, aio.ErrCancelled))
			return err
		})
		log.add("main has ended")
		return nil
	}, aio.WithShutdown(time.Minute, time.Minute))
	log.want(t, "main has ended", "stop accepting", "request: <nil>", "follow-up: <nil>", "too long: true")
}

func TestStopDuringTheGracePeriodDoesNotCutItShort(t *testing.T) {
	var log journal
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		aio.Start(ctx, func(ctx context.Context) error {
			err := forever(ctx)
			l.Stop()
			log.add("cleaned up: %v", aio.Sleep(context.WithoutCancel(ctx), time.Second))
			return err
		})
		return aio.Yield(ctx)
	})
	log.want(t, "cleaned up: <nil>")
}

func TestTasksMadeDuringTheShutdownAreCancelledWhenTheOthersHaveEnded(t *testing.T) {
	clock := aio.NewVirtualClock()
	start := clock.Now()
	var log journal
	run(t, func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			err := forever(ctx)
			aio.Start(ctx, func(ctx context.Context) error {
				err := forever(ctx)
				log.add("left behind: %v", errors.Is(err, aio.ErrCancelled))
				return err
			})
			// a group of the clean-up may do its work
			e := aio.Group(context.WithoutCancel(ctx), func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(sleepFor(time.Second))
				return nil
			})
			log.add("cleaned up: %v", e)
			return err
		})
		return aio.Yield(ctx)
	}, aio.WithClock(clock))
	log.want(t, "cleaned up: <nil>", "left behind: true")
	if took := clock.Now().Sub(start); took != time.Second {
		t.Fatalf("the shutdown took %v", took)
	}
}

func TestCallbacksThatMakeTasksDuringCloseLeaveNothingBehind(t *testing.T) {
	var log journal
	seen := &reports{}
	var l *aio.Loop
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		l = aio.RunningLoop(ctx)
		l.OnClose(func() {
			log.add("close hook")
			aio.Start(l.Context(), func(ctx context.Context) error {
				defer func() {
					log.add("task of the hook ended")
					l.CallSoon(func() { log.add("too late") })
					aio.Start(ctx, forever, aio.Name("made while being ended"))
				}()
				return forever(ctx)
			}, aio.Name("made by the hook"))
			l.CallSoon(func() { log.add("callback of the hook") })
		})
		return nil
	}, seen.option(), aio.WithClock(aio.NewVirtualClock()))
	log.want(t, "close hook", "callback of the hook", "task of the hook ended")
	if got := fmt.Sprint(seen.strings()); err != nil || len(l.AllTasks()) != 0 || len(seen.all()) != 2 ||
		!strings.Contains(got, "|made by the hook") || !strings.Contains(got, "|made while being ended") {
		t.Fatalf("got %v, tasks %v, reports %s", err, l.AllTasks(), got)
	}
}

// closesWith runs fn as a task until it waits, closes the loop, and fails the test if the task has not ended then.
func closesWith(t *testing.T, fn func(ctx context.Context) error) {
	t.Helper()
	seen := &reports{}
	l := aio.NewLoop(seen.option(), aio.WithClock(aio.NewVirtualClock()))
	task := aio.Start(l.Context(), fn)
	for range 5 {
		l.Stop()
		l.RunForever()
	}
	if task.Done() {
		t.Fatalf("the task has ended before Close: %v", task)
	}
	l.Close()
	if left := l.AllTasks(); !task.Done() || len(left) != 0 {
		t.Fatalf("after Close the task is %v, and there are %v", task, left)
	}
}

func TestDeferredFunctionsThatAwaitWhileTheLoopIsClosedComeToAnEnd(t *testing.T) {
	var log journal
	free := func(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }
	cleanup := func(ctx context.Context) {
		log.add("own: %v", aio.Sleep(ctx, time.Second) != nil)
		log.add("free: %v", aio.Sleep(free(ctx), time.Second) != nil)
		log.add("yield: %v", aio.Yield(free(ctx)) != nil)
		other := aio.Start(ctx, forever)
		_, err := other.Await(ctx)
		log.add("task: %v", err != nil)
	}
	for name, fn := range map[string]func(ctx context.Context) error{
		"in a task": func(ctx context.Context) error {
			defer log.add("end")
			defer cleanup(ctx)
			return forever(ctx)
		},
		"in a group": func(ctx context.Context) error {
			defer log.add("end")
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(ignoresItsEnd)
				g.Go(forever)
				defer cleanup(ctx)
				return forever(ctx)
			})
		},
		"in a timeout": func(ctx context.Context) error {
			defer log.add("end")
			return aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
				defer cleanup(ctx)
				return forever(ctx)
			})
		},
		"in an iterator": func(ctx context.Context) error {
			defer log.add("end")
			next, stop := iter.Pull(func(yield func(int) bool) {
				defer cleanup(ctx)
				_ = forever(ctx)
			})
			defer stop()
			next()
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			log = nil
			closesWith(t, fn)
			if len(log) == 0 || log[len(log)-1] != "end" {
				t.Errorf("the deferred functions did not come to an end: %q", log)
			}
			for _, line := range log {
				if strings.HasSuffix(line, "false") {
					t.Errorf("an await succeeded in a loop that was being closed: %q", log)
				}
			}
		})
	}
}

func TestDeferredFunctionsThatNeverStopAwaitingAreEndedToo(t *testing.T) {
	var log journal
	closesWith(t, func(ctx context.Context) error {
		defer log.add("end")
		defer func() {
			for {
				_ = aio.Sleep(context.WithoutCancel(ctx), time.Second)
			}
		}()
		defer func() {
			for {
				_ = aio.Yield(ctx)
			}
		}()
		return forever(ctx)
	})
	log.want(t, "end")
}

func TestARecoverDoesNotKeepATaskAliveThatIsBeingEnded(t *testing.T) {
	rounds := 0
	closesWith(t, func(ctx context.Context) error {
		for {
			func() {
				defer func() { _ = recover() }()
				rounds++
				_ = forever(context.WithoutCancel(ctx))
			}()
		}
	})
	if rounds != 1 {
		t.Fatalf("%d rounds", rounds)
	}
}

func TestAPanicOfADeferredFunctionDuringCloseIsContained(t *testing.T) {
	seen := &reports{}
	l := aio.NewLoop(seen.option())
	task := aio.Start(l.Context(), func(ctx context.Context) error {
		defer func() { panic("in a deferred function") }()
		return forever(ctx)
	})
	l.Stop()
	l.RunForever()
	l.Close()
	var p *aio.PanicError
	if list := seen.all(); !task.Done() || len(list) != 1 || !errors.As(list[0].Err, &p) || p.Value != "in a deferred function" {
		t.Fatalf("the task is %v, the reports are %+v", task, list)
	}
}

func TestAGoexitDuringTheShutdownIsContained(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			_ = aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					_ = forever(ctx)
					runtime.Goexit()
					return nil
				})
				_ = forever(ctx)
				runtime.Goexit()
				return nil
			})
			return nil
		})
		return yields(ctx, 2)
	})
	if err != nil || len(seen.all()) == 0 {
		t.Fatalf("got %v, reports %q", err, seen.strings())
	}
	for _, r := range seen.all() {
		var exit *aio.GoexitError
		if !errors.As(r.Err, &exit) {
			t.Errorf("unexpected report: %+v", r)
		}
	}
}

func TestAGeneratorThatIsLeftInTheMiddleIsEndedAtClose(t *testing.T) {
	var log journal
	closesWith(t, func(ctx context.Context) error {
		next, stop := iter.Pull2(aio.AsCompleted(ctx, aio.Start(ctx, aio.Yield), aio.Start(ctx, sleepFor(time.Hour))))
		defer log.add("end")
		defer stop()
		for {
			if _, _, ok := next(); !ok {
				return nil
			}
			log.add("one")
		}
	})
	log.want(t, "one", "end")
}

func TestThousandsOfTasksAreEndedByClose(t *testing.T) {
	ended := 0
	l := aio.NewLoop(aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {}))
	for range 5000 {
		aio.Start(l.Context(), func(ctx context.Context) error {
			defer func() { ended++ }()
			return forever(ctx)
		})
	}
	l.Stop()
	l.RunForever()
	l.Close()
	if ended != 5000 || len(l.AllTasks()) != 0 {
		t.Fatalf("%d have ended, %d are left", ended, len(l.AllTasks()))
	}
}

func TestWhatATaskThatWasEndedHadWaitedForMayStillEnd(t *testing.T) {
	l := aio.NewLoop(aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {}), aio.WithClock(aio.NewVirtualClock()))
	var children []*aio.Task[aio.None]
	wait := func(fn func(ctx context.Context) error) { aio.Start(l.Context(), fn) } // ended before the children, which are younger
	wait(func(ctx context.Context) error { _, err := aio.Gather(ctx, children...); return err })
	wait(func(ctx context.Context) error { _, _, err := aio.Wait(ctx, aio.AllCompleted, children...); return err })
	wait(func(ctx context.Context) error { _, err := aio.Shield(ctx, children[0]); return err })
	wait(func(ctx context.Context) error { _, err := children[0].Await(ctx); return err })
	wait(func(ctx context.Context) error {
		for range aio.AsCompleted(ctx, children...) {
		}
		return nil
	})
	wait(func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(cleanupFails(errBoom))
			return nil
		})
	})
	for range 3 {
		children = append(children, aio.Start(l.Context(), forever))
	}
	for range 3 {
		l.Stop()
		l.RunForever()
	}
	l.Close()
	for _, c := range children {
		if !c.Cancelled() {
			t.Errorf("a child is %v", c)
		}
	}
}

// lingering waits with a context that no cancellation reaches.
func lingering(ctx context.Context) error { return aio.Sleep(context.WithoutCancel(ctx), time.Hour) }

func TestAStragglerIsReportedWithTheStackOfItsAwait(t *testing.T) {
	var stacks []string
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		aio.Start(ctx, lingering, aio.Name("straggler"))
		return aio.Yield(ctx)
	}, aio.WithShutdown(0, time.Millisecond), aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) {
		for _, a := range r.Attrs {
			if a.Key == "stack" && r.TaskName == "straggler" {
				stacks = append(stacks, a.Value.String())
			}
		}
	}))
	if err != nil || len(stacks) != 1 || !strings.Contains(stacks[0], "lingering shutdown_test.go:") {
		t.Errorf("got %v and the stacks %q", err, stacks)
	}
}
