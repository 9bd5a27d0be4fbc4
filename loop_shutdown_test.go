package aio_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
)

func TestALoopClosedWithTasksPendingEndsThemAndReportsEach(t *testing.T) {
	var log journal
	seen := &reports{}
	l := aio.NewLoop(seen.Option(), aio.WithClock(aio.NewVirtualClock()))
	future := aio.NewFuture[int](l.Context())
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
			defer func() { log.Add("%s: %v", name, ctx.Err()) }()
			err := waits[name](ctx)
			log.Add("%s went on with %v", name, err)
			return err
		}, aio.Name(name))
	}
	l.CallSoon(l.Stop)
	l.RunForever()
	unstarted := aio.Start(l.Context(), func(context.Context) error {
		log.Add("never")
		return nil
	}, aio.Name("6 unstarted"))
	l.Close()
	log.Want(t, "1 sleep: context canceled", "2 future: context canceled", "3 group: context canceled", "4 timeout: context canceled", "5 freed: context canceled")
	list := seen.All()
	if len(list) != 6 || !unstarted.Cancelled() {
		t.Fatalf("the reports are %q", seen.Strings())
	}
	for i, name := range []string{"1 sleep", "2 future", "3 group", "4 timeout", "5 freed", "6 unstarted"} {
		if r := list[i]; r.TaskName != name || !strings.HasPrefix(r.Site, "loop_shutdown_test.go:") || i < 5 && !errors.Is(r.Err, aio.ErrLoopClosed) {
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
	if got := seen.Strings(); err != nil || len(got) != 1 || got[0] != "a task ignored the errors of 10000 awaits in a row and was ended|deaf" {
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
			log.Add("cleaned up")
			return err
		})
		return aio.Yield(ctx)
	})
	log.Want(t, "cleaned up")
}

func TestABlockingCleanupIsBoundedByTheGracePeriod(t *testing.T) {
	clock := aio.NewVirtualClock()
	start := clock.Now()
	var log journal
	seen, err := runReports(t, func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			defer log.Add("straggler ended")
			_ = forever(ctx)
			return aio.Sleep(context.WithoutCancel(ctx), 1000*time.Hour)
		}, aio.Name("straggler"))
		aio.Start(ctx, func(ctx context.Context) error {
			err := forever(ctx)
			e := aio.Sleep(context.WithoutCancel(ctx), time.Second)
			log.Add("in time: %v", e)
			return err
		})
		return aio.Yield(ctx)
	}, aio.WithClock(clock), aio.WithShutdown(0, time.Minute))
	log.Want(t, "in time: <nil>", "straggler ended")
	if got := seen.Strings(); err != nil || len(got) != 1 || !strings.HasSuffix(got[0], "|straggler") || clock.Now().Sub(start) != time.Minute {
		t.Fatalf("got %v, reports %q after %v", err, got, clock.Now().Sub(start))
	}
}

func TestDuringTheDrainPhaseTasksGoOnAndMayStartOthers(t *testing.T) {
	var log journal
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.OnShutdown(func() { log.Add("stop accepting") })
		aio.Start(ctx, func(ctx context.Context) error {
			err := aio.Sleep(ctx, time.Second)
			log.Add("request: %v", err)
			aio.Start(ctx, func(ctx context.Context) error {
				err := aio.Sleep(ctx, time.Second)
				log.Add("follow-up: %v", err)
				l.Stop() // does not cut the phase short
				return err
			})
			return err
		})
		aio.Start(ctx, func(ctx context.Context) error {
			err := aio.Sleep(ctx, time.Hour)
			log.Add("too long: %v", errors.Is(err, aio.ErrCancelled))
			return err
		})
		log.Add("main has ended")
		return nil
	}, aio.WithShutdown(time.Minute, time.Minute))
	log.Want(t, "main has ended", "stop accepting", "request: <nil>", "follow-up: <nil>", "too long: true")
}

func TestStopDuringTheGracePeriodDoesNotCutItShort(t *testing.T) {
	var log journal
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		aio.Start(ctx, func(ctx context.Context) error {
			err := forever(ctx)
			l.Stop()
			log.Add("cleaned up: %v", aio.Sleep(context.WithoutCancel(ctx), time.Second))
			return err
		})
		return aio.Yield(ctx)
	})
	log.Want(t, "cleaned up: <nil>")
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
				log.Add("left behind: %v", errors.Is(err, aio.ErrCancelled))
				return err
			})
			// a group of the clean-up may do its work
			e := aio.Group(context.WithoutCancel(ctx), func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(sleepFor(time.Second))
				return nil
			})
			log.Add("cleaned up: %v", e)
			return err
		})
		return aio.Yield(ctx)
	}, aio.WithClock(clock))
	log.Want(t, "cleaned up: <nil>", "left behind: true")
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
			log.Add("close hook")
			aio.Start(l.Context(), func(ctx context.Context) error {
				defer func() {
					log.Add("task of the hook ended")
					l.CallSoon(func() { log.Add("too late") })
					aio.Start(ctx, forever, aio.Name("made while being ended"))
				}()
				return forever(ctx)
			}, aio.Name("made by the hook"))
			l.CallSoon(func() { log.Add("callback of the hook") })
		})
		return nil
	}, seen.Option(), aio.WithClock(aio.NewVirtualClock()))
	log.Want(t, "close hook", "callback of the hook", "task of the hook ended")
	if got := fmt.Sprint(seen.Strings()); err != nil || len(l.AllTasks()) != 0 || len(seen.All()) != 2 ||
		!strings.Contains(got, "|made by the hook") || !strings.Contains(got, "|made while being ended") {
		t.Fatalf("got %v, tasks %v, reports %s", err, l.AllTasks(), got)
	}
}

// closesWith runs fn as a task until it waits, closes the loop, and fails the test if the task has
// not ended then.
func closesWith(t *testing.T, fn func(ctx context.Context) error) {
	t.Helper()
	seen := &reports{}
	l := aio.NewLoop(seen.Option(), aio.WithClock(aio.NewVirtualClock()))
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
		log.Add("own: %v", aio.Sleep(ctx, time.Second) != nil)
		log.Add("free: %v", aio.Sleep(free(ctx), time.Second) != nil)
		log.Add("yield: %v", aio.Yield(free(ctx)) != nil)
		other := aio.Start(ctx, forever)
		_, err := other.Await(ctx)
		log.Add("task: %v", err != nil)
	}
	for name, fn := range map[string]func(ctx context.Context) error{
		"in a task": func(ctx context.Context) error {
			defer log.Add("end")
			defer cleanup(ctx)
			return forever(ctx)
		},
		"in a group": func(ctx context.Context) error {
			defer log.Add("end")
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(ignoresItsEnd)
				g.Go(forever)
				defer cleanup(ctx)
				return forever(ctx)
			})
		},
		"in a timeout": func(ctx context.Context) error {
			defer log.Add("end")
			return aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
				defer cleanup(ctx)
				return forever(ctx)
			})
		},
		"in an iterator": func(ctx context.Context) error {
			defer log.Add("end")
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
		defer log.Add("end")
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
	log.Want(t, "end")
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
	l := aio.NewLoop(seen.Option())
	task := aio.Start(l.Context(), func(ctx context.Context) error {
		defer func() { panic("in a deferred function") }()
		return forever(ctx)
	})
	l.Stop()
	l.RunForever()
	l.Close()
	var p *aio.PanicError
	if list := seen.All(); !task.Done() || len(list) != 1 || !errors.As(list[0].Err, &p) || p.Value != "in a deferred function" {
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
	if err != nil || len(seen.All()) == 0 {
		t.Fatalf("got %v, reports %q", err, seen.Strings())
	}
	for _, r := range seen.All() {
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
		defer log.Add("end")
		defer stop()
		for {
			if _, _, ok := next(); !ok {
				return nil
			}
			log.Add("one")
		}
	})
	log.Want(t, "one", "end")
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
	if err != nil || len(stacks) != 1 || !strings.Contains(stacks[0], "lingering loop_shutdown_test.go:") {
		t.Errorf("got %v and the stacks %q", err, stacks)
	}
}

// A cancel function may be called on any goroutine, at any time: while the loop runs, while it
// ends, and long after.
func TestACancelFunctionMayBeCalledWhileTheLoopEndsAndAfter(t *testing.T) {
	for range 50 {
		var wg sync.WaitGroup
		var ctxs []context.Context
		if err := aio.Run(t.Context(), func(ctx context.Context) error {
			for range 8 {
				c, cancel := aio.WithTimeout(ctx, time.Hour)
				ctxs = append(ctxs, c)
				wg.Go(func() {
					runtime.Gosched()
					cancel()
				})
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		for _, c := range ctxs {
			if c.Err() != context.Canceled {
				t.Fatalf("the context says %v", c.Err())
			}
		}
	}
}

func TestTheContextOfABlockEndsWithTheBlock(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var kept []context.Context
		keep := func(c context.Context) {
			c.Done() // somebody waits for it
			kept = append(kept, c)
		}
		if err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error { keep(ctx); return nil }); err != nil {
			return err
		}
		if err := aio.Group(ctx, func(ctx context.Context, _ *aio.TaskGroup) error { keep(ctx); return nil }); err != nil {
			return err
		}
		for i, c := range kept {
			select {
			case <-c.Done():
			default:
				t.Errorf("context %d goes on", i)
			}
		}
		return ctx.Err()
	})
}

// heapAfter returns how many bytes of the heap are in use after a collection.
func heapAfter(work func()) uint64 {
	work()
	var m runtime.MemStats
	for range 3 { // cleanups need more than one
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestBlocksAndContextsThatHaveEndedAreForgotten(t *testing.T) {
	const n = 20_000
	for name, work := range map[string]func(ctx context.Context){
		"a time-out under a context of the standard library": func(ctx context.Context) {
			aio.Timeout(ctx, time.Hour, func(context.Context) error { return nil })
		},
		"a group under a context of the standard library": func(ctx context.Context) {
			aio.Group(ctx, func(context.Context, *aio.TaskGroup) error { return nil })
		},
		"a context whose deadline has passed": func(ctx context.Context) {
			c, _ := aio.WithTimeout(ctx, 0) //aiovet:ignore that nobody cancels it is the point
			_ = aio.Sleep(c, time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				std, stop := context.WithCancel(ctx)
				defer stop()
				rounds := func() {
					for range n {
						work(std)
					}
				}
				before := heapAfter(rounds)
				after := heapAfter(rounds)
				if grown := int64(after) - int64(before); grown > 20*n {
					t.Errorf("the heap has grown by %d bytes each", grown/n)
				}
				return nil
			})
		})
	}
}

func TestManyWaitsWithContextsOfTheStandardLibraryEndInOneGo(t *testing.T) {
	run(t, func(ctx context.Context) error {
		n := 20_000 // looking at all of them for each would take minutes
		if leaktest.RaceDetector {
			n = 2_000 // the race detector takes 50 KB for each, and keeps them
		}
		ended := 0
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for range n {
				g.Go(func(ctx context.Context) error {
					c, cancel := context.WithCancel(ctx)
					defer cancel()
					err := aio.Sleep(c, time.Hour)
					ended++
					return err
				})
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			g.Cancel(errors.New("enough"))
			return nil
		})
		if ended != n {
			t.Errorf("%d of %d ended", ended, n)
		}
		return err
	})
}

func TestABusyLoopReadsItsClockEachPass(t *testing.T) {
	clock := aio.NewVirtualClock()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		late := -1
		aio.RunningLoop(ctx).CallLater(10*time.Millisecond, func() { late = 0 })
		for pass := range 10 {
			clock.Advance(clock.Now().Add(5 * time.Millisecond)) // what a long step does to a real clock
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if late == 0 {
				if pass > 2 {
					t.Errorf("the timer was noticed in pass %d", pass)
				}
				return nil
			}
		}
		return errors.New("the timer was not noticed")
	}, aio.WithClock(clock))
	if err != nil {
		t.Error(err)
	}
}

func TestAWaiterThatIsNeverParkedDoesNotHarmTheNextTask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		std, cancel := context.WithCancel(ctx)
		defer cancel()
		careless := aio.Start(ctx, func(context.Context) error {
			aio.NewWaiter(std, "Careless.Wait", nil)
			return nil
		})
		if _, err := careless.Await(ctx); err != nil {
			return err
		}
		next := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) })
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		cancel()
		_, err := next.Await(ctx)
		return err
	})
}

func TestDebugModeTellsOnceWhichTasksTheEndOfRunCutsOff(t *testing.T) {
	for _, debug := range []bool{false, true} {
		var seen reports
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			aio.Start(ctx, forever, aio.Name("heartbeat"))
			aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
			ended := aio.Start(ctx, forever, aio.Name("ended by the program"))
			ended.Cancel(nil)
			return nil
		}, seen.Option(), aio.WithDebug(debug))
		if err != nil {
			t.Error(err)
		}
		switch all := seen.All(); {
		case !debug && len(all) > 0:
			t.Errorf("without debug mode: %v", seen.Strings())
		case debug && (len(all) != 1 || !all[0].Warning):
			t.Errorf("%v", seen.Strings())
		case debug:
			wantText(t, all[0].Message, "the end of Run cuts off tasks: heartbeat (loop_shutdown_test.go:",
				", Task-3 (loop_shutdown_test.go:", "); await them, start them in a Group, or cancel them ")
			if strings.Contains(all[0].Message, "ended by the program") {
				t.Error(all[0].Message)
			}
		}
	}
}

func TestTasksThatHaveEndedAtTheEndOfRunAreNotToldOf(t *testing.T) {
	var seen reports
	aio.Run(t.Context(), func(ctx context.Context) error {
		return aio.Start(ctx, func(context.Context) error { return nil }).Err()
	}, seen.Option(), aio.WithDebug(true), aio.WithShutdown(time.Second, time.Second))
	if got := seen.Strings(); len(got) > 0 {
		t.Error(got)
	}
}
