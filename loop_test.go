package aio_test

import (
	"context"
	"errors"
	"math"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// onLoop runs fn as a callback of a new loop with a virtual clock, and the loop until nothing is left but what waits for more than a day.
func onLoop(t *testing.T, fn func(l *aio.Loop), opts ...aio.Option) {
	t.Helper()
	seen := &reports{}
	l := aio.NewLoop(append([]aio.Option{aio.WithClock(aio.NewVirtualClock()), seen.option()}, opts...)...)
	l.CallSoon(func() { fn(l) })
	l.CallLater(24*time.Hour, l.Stop)
	l.RunForever()
	l.Close()
	for _, r := range seen.all() {
		t.Errorf("unexpected report: %s: %v", r.Message, r.Err)
	}
}

// Conformance: LP-001, LP-005.
func TestACallbackRunsOnceInTheNextPassInOrder(t *testing.T) {
	var log journal
	onLoop(t, func(l *aio.Loop) {
		h := l.CallSoon(func() { log.add("first") })
		if h.Cancelled() {
			t.Error("the handle is cancelled")
		}
		l.CallSoon(func() {
			log.add("second")
			l.CallSoon(func() { log.add("fourth") })
		})
		l.CallSoon(func() { log.add("third") })
		log.add("now")
	})
	log.want(t, "now", "first", "second", "third", "fourth")
}

// Conformance: LP-002, LP-007, LP-010.
func TestATimerRunsOnceWhenItsTimeHasCome(t *testing.T) {
	var log journal
	onLoop(t, func(l *aio.Loop) {
		start := l.Time()
		note := func(name string) func() {
			return func() { log.add("%s after %v", name, l.Time().Sub(start)) }
		}
		h := l.CallLater(2*time.Second, note("later"))
		if !h.When().Equal(start.Add(2 * time.Second)) {
			t.Errorf("it is due at %v", h.When())
		}
		l.CallAt(start.Add(time.Second), note("at"))
		l.CallSoon(note("soon")) // a timer is not in the ready queue yet
	})
	log.want(t, "soon after 0s", "at after 1s", "later after 2s")
}

// Conformance: LP-003, LP-004.
func TestCallsFromOtherGoroutinesAndFromTheLoopKeepTheirOrder(t *testing.T) {
	var log journal
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		done := aio.NewFuture[int](l)
		l.ExpectPosts(1)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for _, name := range []string{"first", "second", "third"} {
				if _, err := l.CallSoonThreadsafe(func() { log.add("%s", name) }); err != nil {
					t.Error(err)
				}
			}
		}()
		<-sent // they are waiting in front of what the loop itself sends now
		if _, err := l.CallSoonThreadsafe(func() { log.add("fourth") }); err != nil {
			return err
		}
		l.CallSoon(func() {
			log.add("fifth")
			l.ExpectPosts(-1)
			done.SetResult(1)
		})
		_, err := done.Await(ctx)
		return err
	})
	log.want(t, "first", "second", "third", "fourth", "fifth")
}

func TestACallFromAnotherGoroutineWakesALoopThatWaits(t *testing.T) {
	l := aio.NewLoop()
	defer l.Close()
	started := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		<-started
		for !l.IsRunning() {
		}
		if _, err := l.CallSoonThreadsafe(l.Stop); err != nil {
			t.Error(err)
		}
	})
	close(started)
	l.RunForever() // nothing to do: it waits
	wg.Wait()
}

// Conformance: LP-006.
func TestAHandleThatIsCancelledIsNotCalled(t *testing.T) {
	onLoop(t, func(l *aio.Loop) {
		l.CallSoon(func() { t.Error("a callback") }).Cancel()
		l.CallLater(time.Second, func() { t.Error("a timer") }).Cancel()
		both := l.CallLater(time.Second, func() { t.Error("a timer that is due") })
		l.CallAt(both.When().Add(-1), both.Cancel)
		h, err := l.CallSoonThreadsafe(func() { t.Error("a thread-safe call") })
		if err != nil {
			t.Fatal(err)
		}
		h.Cancel()
		due := l.CallLater(0, func() { t.Error("a timer without delay") })
		l.CallSoon(due.Cancel)
	})
}

// Conformance: LP-008.
func TestCallbacksThatAreNilAreRefused(t *testing.T) {
	for _, debug := range []bool{false, true} {
		onLoop(t, func(l *aio.Loop) {
			wantPanic(t, func() { l.CallSoon(nil) }, "aio: Loop.CallSoon: the function is nil")
			wantPanic(t, func() { l.CallLater(0, nil) }, "aio: Loop.CallLater: the function is nil")
			wantPanic(t, func() { l.CallAt(time.Time{}, nil) }, "aio: Loop.CallAt: the function is nil")
			wantPanic(t, func() { l.CallSoonThreadsafe(nil) }, "aio: Loop.CallSoonThreadsafe: the function is nil")
			wantPanic(t, func() { aio.NewFuture[int](l).AddDoneCallback(nil) }, "AddDoneCallback: the function is nil")
			wantPanic(t, func() { aio.Start(l.Context(), nil) }, "aio: Start: the function is nil")
			wantPanic(t, func() { aio.CreateTask[int](l.Context(), nil) }, "aio: CreateTask: the function is nil")
		}, aio.WithDebug(debug))
	}
}

// Conformance: LP-009.
func TestNegativeDelaysRunAtOnceInTheOrderOfTheirDeadlines(t *testing.T) {
	var log journal
	onLoop(t, func(l *aio.Loop) {
		l.CallLater(-1, func() { log.add("a") })
		l.CallLater(-2, func() { log.add("b") })
		l.CallSoon(func() { log.add("soon") })
	})
	log.want(t, "soon", "b", "a")
}

func TestTheLongestDelayIsNotOverInOurTime(t *testing.T) {
	onLoop(t, func(l *aio.Loop) {
		l.CallLater(math.MaxInt64, func() { t.Error("a timer ran") })
		task := aio.Start(l.Context(), func(ctx context.Context) error { return aio.Sleep(ctx, math.MaxInt64) })
		l.CallLater(time.Hour, func() {
			if task.Done() {
				t.Error("a sleep is over")
			}
			task.Cancel(nil)
		})
	})
}

// Conformance: V-028, HD-004 (timers with the same deadline keep the order of their creation, which is stronger).
func TestTimersRunByDeadlineAndEqualOnesInTheOrderOfTheirCreation(t *testing.T) {
	var log journal
	onLoop(t, func(l *aio.Loop) {
		at := l.Time().Add(time.Second)
		for _, name := range []string{"first", "second", "third"} {
			l.CallAt(at, func() { log.add("%s", name) })
		}
		l.CallAt(at.Add(-1), func() { log.add("earlier") })
		l.CallAt(at, func() { log.add("fourth") })
	})
	log.want(t, "earlier", "first", "second", "third", "fourth")
}

// Conformance: LP-011.
func TestInDebugModeACallFromAForeignGoroutinePanics(t *testing.T) {
	for _, debug := range []bool{true, false} {
		onLoop(t, func(l *aio.Loop) {
			var h *aio.Handle
			v := make(chan any)
			go func() {
				v <- panicOf(func() {
					if debug {
						l.CallSoon(func() {})
						return
					}
					h, _ = l.CallSoonThreadsafe(func() {}) // without debug mode the other would be a data race
				})
			}()
			if got := <-v; debug {
				wantPanic(t, func() { panic(got) }, "aio: Loop.CallSoon: called from a goroutine that is not the loop's", "CallSoonThreadsafe")
			} else if got != nil || h == nil {
				t.Errorf("the thread-safe call: %v", got)
			}
		}, aio.WithDebug(debug))
	}
}

// waitsClock records how far the loop wants to sleep.
type waitsClock struct {
	busyClock
	waits []time.Duration
}

func (c *waitsClock) Advance(until time.Time) bool {
	c.waits = append(c.waits, until.Sub(c.now))
	return c.busyClock.Advance(until)
}

// Conformance: LP-012.
func TestTheLoopWaitsForTheFirstTimerThatIsNotCancelled(t *testing.T) {
	clock := &waitsClock{busyClock: busyClock{now: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}}
	l := aio.NewLoop(aio.WithClock(clock))
	defer l.Close()
	l.CallLater(time.Second, func() { t.Error("it was cancelled") }).Cancel()
	l.CallLater(time.Minute, l.Stop)
	l.RunForever()
	if len(clock.waits) != 1 || clock.waits[0] != time.Minute {
		t.Fatalf("the loop waited %v", clock.waits)
	}
}

// Conformance: LP-014.
func TestCancelledTimersArePurgedInBulk(t *testing.T) {
	onLoop(t, func(l *aio.Loop) {
		before, fired := aio.TimersInHeap(l), 0
		var handles []*aio.TimerHandle
		for range 1000 {
			handles = append(handles, l.CallLater(time.Hour, func() { fired++ }))
		}
		for i, h := range handles[:100] { // few: they stay until their time
			h.Cancel()
			if n := aio.TimersInHeap(l) - before; n != 1000 {
				t.Fatalf("%d timers after %d were cancelled", n, i+1)
			}
		}
		for _, h := range handles[100:900] {
			h.Cancel()
		}
		if n := aio.TimersInHeap(l) - before; n > 500 || n < 100 {
			t.Errorf("%d timers are in the heap of which 100 are alive", n)
		}
		l.CallLater(2*time.Hour, func() {
			if n := aio.TimersInHeap(l) - before; n != 0 || fired != 100 {
				t.Errorf("%d timers are left, %d have fired", n, fired)
			}
		})
	})
}

// Conformance: LP-015.
func TestRunUntilCompleteNeedsSomethingToRun(t *testing.T) {
	l := aio.NewLoop()
	defer l.Close()
	wantPanic(t, func() { aio.RunUntilComplete[int](l, nil) }, "aio: RunUntilComplete: the function is nil")
}

// Conformance: LP-021, LP-022.
func TestStopBeforeRunForeverMakesOnePass(t *testing.T) {
	var log journal
	l := aio.NewLoop()
	defer l.Close()
	l.CallSoon(func() {
		log.add("ready")
		l.CallSoon(func() { log.add("next pass") })
	})
	l.Stop()
	l.RunForever()
	log.want(t, "ready")
	l.CallSoon(l.Stop) // the idiom: run what is ready once
	l.CallSoon(func() { log.add("ready again") })
	l.RunForever()
	log.want(t, "ready", "next pass", "ready again")
	l.Stop()
	l.RunForever() // nothing is ready: it does not wait
}

// Conformance: LP-027, TH-011.
func TestAClosedLoopRefusesEverything(t *testing.T) {
	l := aio.NewLoop()
	f := aio.NewFuture[int](l)
	l.Close()
	fn := func() {}
	main := func(context.Context) (int, error) { return 0, nil }
	closed := "the loop is closed"
	wantPanic(t, l.RunForever, "aio: Loop.RunForever", closed)
	wantPanic(t, func() { aio.RunUntilComplete(l, main) }, "aio: RunUntilComplete", closed)
	wantPanic(t, func() { aio.RunUntilDone(l, f) }, closed)
	wantPanic(t, func() { l.CallSoon(fn) }, "aio: Loop.CallSoon", closed)
	wantPanic(t, func() { l.CallLater(time.Second, fn) }, "aio: Loop.CallLater", closed)
	wantPanic(t, func() { l.CallAt(time.Now(), fn) }, "aio: Loop.CallAt", closed)
	wantPanic(t, func() { aio.CreateTask(l.Context(), main) }, "aio: CreateTask", closed)
	wantPanic(t, func() { f.SetResult(1) }, "aio: Future.SetResult", closed)
	wantPanic(t, func() { l.AddSignalHandler(os.Interrupt, fn) }, "aio: Loop.AddSignalHandler", closed)
	wantPanic(t, func() { aio.ToThread(l.Context(), main) }, "aio: ToThread", closed)
	if h, err := l.CallSoonThreadsafe(fn); h != nil || err != aio.ErrLoopClosed {
		t.Errorf("CallSoonThreadsafe: %v, %v", h, err)
	}
	if _, err := aio.Submit(context.Background(), l, main); !errors.Is(err, aio.ErrLoopClosed) {
		t.Errorf("Submit: %v", err)
	}
}

// Conformance: LP-028.
func TestASecondCloseDoesNothing(t *testing.T) {
	l := aio.NewLoop()
	calls := 0
	l.OnClose(func() { calls++ })
	for range 3 {
		if err := l.Close(); err != nil || !l.IsClosed() {
			t.Fatalf("Close: %v; closed: %v", err, l.IsClosed())
		}
	}
	if calls != 1 {
		t.Fatalf("the hook was called %d times", calls)
	}
}

// Conformance: LP-036 (many wakes fall into one).
func TestManyCallsFromManyGoroutinesAllArrive(t *testing.T) {
	const goroutines, each = 8, 1000
	l := aio.NewLoop()
	defer l.Close()
	got := make([]int, goroutines)
	left := goroutines * each
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				l.CallSoonThreadsafe(func() {
					if got[g] != i {
						t.Errorf("call %d of goroutine %d came as number %d", i, g, got[g])
					}
					got[g]++
					if left--; left == 0 {
						l.Stop()
					}
				})
			}
		})
	}
	l.RunForever()
	wg.Wait()
}

func TestCloseWhileTheLoopRunsPanicsAndTheLoopGoesOn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { aio.RunningLoop(ctx).Close() }, "aio: Loop.Close: the loop is running", "Stop")
		return aio.Yield(ctx)
	})
}

func TestTheRealClockKeepsTimersInOrder(t *testing.T) {
	var log journal
	start := time.Now()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.CallLater(3*time.Millisecond, func() { log.add("3 ms") })
		l.CallLater(time.Millisecond, func() { log.add("1 ms") })
		l.CallLater(2*time.Millisecond, func() { log.add("2 ms") })
		return aio.Sleep(ctx, 4*time.Millisecond)
	})
	if err != nil || time.Since(start) < 4*time.Millisecond {
		t.Fatalf("got %v after %v", err, time.Since(start))
	}
	log.want(t, "1 ms", "2 ms", "3 ms")
}

func TestABusyLoopStillLooksAtItsTimersAndPosts(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		timer, post := false, false
		l.CallLater(time.Millisecond, func() { timer = true })
		go l.CallSoonThreadsafe(func() { post = true })
		for !timer || !post {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
