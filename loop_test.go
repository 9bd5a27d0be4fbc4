package aio_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/looptest"
)

// What the tests share has short names here.
var (
	strict         = looptest.Strict
	run            = looptest.Run
	runErr         = looptest.RunErr
	runReports     = looptest.RunReports
	testOptions    = looptest.Options
	panicOf        = looptest.PanicOf
	wantPanic      = looptest.WantPanic
	wantNoAllocs   = looptest.WantNoAllocs
	wantCancelled  = looptest.WantCancelled
	wantTimeout    = looptest.WantTimeout
	wantGoroutines = looptest.WantGoroutines
	started        = looptest.Started
	yields         = looptest.Yields
	turns          = looptest.Turns
	spin           = looptest.Spin
	pyBool         = looptest.PyBool
	failWith       = looptest.FailWith
	gate           = looptest.Gate
	open           = looptest.Open
	needProcesses  = looptest.NeedProcesses
	errReason      = looptest.ErrReason
	errBoom        = looptest.ErrBoom
	parts          = looptest.Parts
	playPart       = looptest.PlayPart
)

type (
	reports = looptest.Reports
	journal = looptest.Journal
)

func TestMain(m *testing.M) { looptest.Main(m) }

// forever waits until it is cancelled. Snapshots name this file.
func forever(ctx context.Context) error {
	return aio.NewWaiter(ctx, "forever", nil).Park()
}

// onLoop runs fn as a callback of a new loop with a virtual clock, and the loop until nothing is
// left but what waits for more than a day.
func onLoop(t *testing.T, fn func(l *aio.Loop), opts ...aio.Option) {
	t.Helper()
	seen := &reports{}
	l := aio.NewLoop(append([]aio.Option{aio.WithClock(aio.NewVirtualClock()), seen.Option()}, opts...)...)
	l.CallSoon(func() { fn(l) })
	l.CallLater(24*time.Hour, l.Stop)
	l.RunForever()
	l.Close()
	for _, r := range seen.All() {
		t.Errorf("unexpected report: %s: %v", r.Message, r.Err)
	}
}

// Conformance: LP-001, LP-005.
func TestACallbackRunsOnceInTheNextPassInOrder(t *testing.T) {
	var log journal
	onLoop(t, func(l *aio.Loop) {
		h := l.CallSoon(func() { log.Add("first") })
		if h.Cancelled() {
			t.Error("the handle is cancelled")
		}
		l.CallSoon(func() {
			log.Add("second")
			l.CallSoon(func() { log.Add("fourth") })
		})
		l.CallSoon(func() { log.Add("third") })
		log.Add("now")
	})
	log.Want(t, "now", "first", "second", "third", "fourth")
}

// Conformance: LP-002, LP-007, LP-010.
func TestATimerRunsOnceWhenItsTimeHasCome(t *testing.T) {
	var log journal
	onLoop(t, func(l *aio.Loop) {
		start := l.Time()
		note := func(name string) func() {
			return func() { log.Add("%s after %v", name, l.Time().Sub(start)) }
		}
		h := l.CallLater(2*time.Second, note("later"))
		if !h.When().Equal(start.Add(2 * time.Second)) {
			t.Errorf("it is due at %v", h.When())
		}
		l.CallAt(start.Add(time.Second), note("at"))
		l.CallSoon(note("soon")) // a timer is not in the ready queue yet
	})
	log.Want(t, "soon after 0s", "at after 1s", "later after 2s")
}

// Conformance: LP-003, LP-004.
func TestCallsFromOtherGoroutinesAndFromTheLoopKeepTheirOrder(t *testing.T) {
	var log journal
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		done := aio.NewFuture[int](l.Context())
		l.ExpectPosts(1)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for _, name := range []string{"first", "second", "third"} {
				if _, err := l.CallSoonThreadsafe(func() { log.Add("%s", name) }); err != nil {
					t.Error(err)
				}
			}
		}()
		<-sent // they are waiting in front of what the loop itself sends now
		if _, err := l.CallSoonThreadsafe(func() { log.Add("fourth") }); err != nil {
			return err
		}
		l.CallSoon(func() {
			log.Add("fifth")
			l.ExpectPosts(-1)
			done.SetResult(1)
		})
		_, err := done.Await(ctx)
		return err
	})
	log.Want(t, "first", "second", "third", "fourth", "fifth")
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
			wantPanic(t, func() { aio.NewFuture[int](l.Context()).AddDoneCallback(nil) }, "AddDoneCallback: the function is nil")
			wantPanic(t, func() { aio.Start(l.Context(), nil) }, "aio: Start: the function is nil")
			wantPanic(t, func() { aio.CreateTask[int](l.Context(), nil) }, "aio: CreateTask: the function is nil")
		}, aio.WithDebug(debug))
	}
}

// Conformance: LP-009.
func TestNegativeDelaysRunAtOnceInTheOrderOfTheirDeadlines(t *testing.T) {
	var log journal
	onLoop(t, func(l *aio.Loop) {
		l.CallLater(-1, func() { log.Add("a") })
		l.CallLater(-2, func() { log.Add("b") })
		l.CallSoon(func() { log.Add("soon") })
	})
	log.Want(t, "soon", "b", "a")
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
			l.CallAt(at, func() { log.Add("%s", name) })
		}
		l.CallAt(at.Add(-1), func() { log.Add("earlier") })
		l.CallAt(at, func() { log.Add("fourth") })
	})
	log.Want(t, "earlier", "first", "second", "third", "fourth")
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
		log.Add("ready")
		l.CallSoon(func() { log.Add("next pass") })
	})
	l.Stop()
	l.RunForever()
	log.Want(t, "ready")
	l.CallSoon(l.Stop) // the idiom: run what is ready once
	l.CallSoon(func() { log.Add("ready again") })
	l.RunForever()
	log.Want(t, "ready", "next pass", "ready again")
	l.Stop()
	l.RunForever() // nothing is ready: it does not wait
}

// Conformance: LP-027, TH-011.
func TestAClosedLoopRefusesEverything(t *testing.T) {
	l := aio.NewLoop()
	f := aio.NewFuture[int](l.Context())
	l.Close()
	fn := func() {}
	main := func(context.Context) (int, error) { return 0, nil }
	closed := "the loop is closed"
	wantPanic(t, l.RunForever, "aio: Loop.RunForever", closed)
	wantPanic(t, func() { aio.RunUntilComplete(l, main) }, "aio: RunUntilComplete", closed)
	wantPanic(t, func() { aio.RunUntilComplete(l, f.Await) }, closed)
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
	if _, err := aio.SubmitValue(context.Background(), l, main); !errors.Is(err, aio.ErrLoopClosed) {
		t.Errorf("Submit: %v", err)
	}
}

// Conformance: LP-028.
func TestASecondCloseDoesNothing(t *testing.T) {
	l := aio.NewLoop()
	calls := 0
	l.OnClose(func() { calls++ })
	for range 3 {
		if l.Close(); !l.IsClosed() {
			t.Fatal("the loop is not closed")
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
		now := l.Time() // of CallLater each would count from its own call, which may come late
		l.CallAt(now.Add(3*time.Millisecond), func() { log.Add("3 ms") })
		l.CallAt(now.Add(time.Millisecond), func() { log.Add("1 ms") })
		l.CallAt(now.Add(2*time.Millisecond), func() { log.Add("2 ms") })
		return aio.Sleep(ctx, 4*time.Millisecond)
	})
	if err != nil || time.Since(start) < 4*time.Millisecond {
		t.Fatalf("got %v after %v", err, time.Since(start))
	}
	log.Want(t, "1 ms", "2 ms", "3 ms")
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

func TestALoopPrintsItsStateAndNotItsInsides(t *testing.T) {
	l := aio.NewLoop(aio.WithDebug(false))
	made := fmt.Sprint(l)
	running, err := aio.RunUntilComplete(l, func(ctx context.Context) (string, error) { return fmt.Sprint(l), nil })
	if err != nil {
		t.Fatal(err)
	}
	l.SetDebug(true)
	debug := fmt.Sprint(l)
	l.Close()
	closed := fmt.Sprint(l)
	for got, want := range map[string]string{
		made:    "<Loop running=false closed=false debug=false>",
		running: "<Loop running=true closed=false debug=false>",
		debug:   "<Loop running=false closed=false debug=true>",
		closed:  "<Loop running=false closed=true debug=true>",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestRandomNumbersAreTheSameInEachRunUnderAVirtualClock(t *testing.T) {
	numbers := func(opts ...aio.Option) (n [4]uint64) {
		aio.Run(t.Context(), func(ctx context.Context) error {
			for i := range n {
				n[i] = aio.RunningLoop(ctx).Rand().Uint64()
			}
			return nil
		}, opts...)
		return n
	}
	a, b := numbers(aio.WithClock(aio.NewVirtualClock())), numbers(aio.WithClock(aio.NewVirtualClock()))
	if a != b || a[0] == a[1] {
		t.Error(a, b)
	}
	if a, b := numbers(), numbers(); a == b {
		t.Error("two runs by the machine's clock have the same numbers: ", a)
	}
}

func ExampleLoop_Rand() {
	roll := func() (dice []int) {
		aio.Run(context.Background(), func(ctx context.Context) error {
			for range 10 {
				dice = append(dice, 1+aio.RunningLoop(ctx).Rand().IntN(6))
			}
			return nil
		}, aio.WithClock(aio.NewVirtualClock()))
		return dice
	}
	first := roll()
	fmt.Println(slices.Equal(roll(), first))
	// Output: true
}

func TestATimerThatIsStoppedOrStartedAgainInThePassItFiresInDoesNotCall(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		var calls journal
		began := l.Time()
		stopped := l.NewTimer(func() { calls.Add("stopped") })
		again := l.NewTimer(func() { calls.Add("again after %v", l.Time().Sub(began)) })
		l.CallLater(time.Second, func() { // fires first, in the pass in which the two fire
			stopped.Stop()
			again.Start(time.Second)
		})
		stopped.Start(time.Second)
		again.Start(time.Second)
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		if stopped.Running() || !again.Running() {
			t.Errorf("running: %t, %t; want false, true", stopped.Running(), again.Running())
		}
		if err := aio.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		calls.Want(t, "again after 2s")
		if again.Running() {
			t.Error("it has called, and runs")
		}
		return nil
	})
}

func TestStartingATimerAllocatesNothing(t *testing.T) {
	run(t, func(ctx context.Context) error {
		timer := aio.RunningLoop(ctx).NewTimer(func() {})
		wantNoAllocs(t, "Start and Stop", func() { timer.Start(time.Hour); timer.Stop() })
		return nil
	})
}

func TestAPanicInATimersFunctionIsReported(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		aio.RunningLoop(ctx).NewTimer(func() { panic("boom") }).Start(0)
		return aio.Sleep(ctx, time.Second)
	})
	if got := seen.All(); err != nil || len(got) != 1 || got[0].Err == nil {
		t.Errorf("reports %v, error %v", got, err)
	}
}

func TestATypedNilLimiterIsNoLimit(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var none *aiosync.Limiter
		v, err := aio.ToThread(ctx, func(context.Context) (int, error) { return 1, nil }, aio.LimitedBy(none))
		if v != 1 {
			t.Errorf("got %d", v)
		}
		return err
	}, aio.WithThreadLimiter(1))
}

// Conformance: HD-001.
func TestAHandleMayBeCancelledTwice(t *testing.T) {
	onLoop(t, func(l *aio.Loop) {
		h := l.CallSoon(func() { t.Error("it was called") })
		if h.Cancelled() {
			t.Error("it is cancelled from the start")
		}
		for range 2 {
			h.Cancel()
			if !h.Cancelled() {
				t.Error("it is not cancelled")
			}
		}
	})
}

// Conformance: HD-002.
func TestATimerHandleKnowsItsTime(t *testing.T) {
	onLoop(t, func(l *aio.Loop) {
		at := l.Time().Add(time.Minute)
		for _, h := range []*aio.TimerHandle{l.CallAt(at, func() {}), l.CallLater(time.Minute, func() {})} {
			if !h.When().Equal(at) {
				t.Errorf("it is due at %v, want %v", h.When(), at)
			}
			h.Cancel()
			if !h.When().Equal(at) || !h.Cancelled() {
				t.Errorf("after Cancel it is due at %v", h.When())
			}
		}
	})
}

// Conformance: HD-003.
func TestACancelledTimerLetsGoOfItsCallback(t *testing.T) {
	onLoop(t, func(l *aio.Loop) {
		collected := make(chan struct{})
		h := func() *aio.TimerHandle {
			payload := new([1 << 16]byte)
			runtime.AddCleanup(payload, func(c chan struct{}) { close(c) }, collected)
			return l.CallLater(time.Hour, func() { payload[0]++ })
		}()
		h.Cancel()
		for {
			runtime.GC()
			select {
			case <-collected:
				return
			default:
			}
		}
	})
}

func named123() {}

// Conformance: HD-005, DB-006.
func TestAHandleShowsItsFunctionItsStateAndInDebugModeItsCreation(t *testing.T) {
	for _, debug := range []bool{false, true} {
		onLoop(t, func(l *aio.Loop) {
			for name, h := range map[string]interface {
				String() string
				Cancel()
			}{
				"CallSoon":  l.CallSoon(named123),
				"CallLater": l.CallLater(time.Hour, named123),
				"CallAt":    l.CallAt(l.Time(), named123),
			} {
				s := h.String()
				if !strings.HasPrefix(s, "<Handle ") || !strings.Contains(s, "loop_test.go:") {
					t.Errorf("%s shows %s", name, s)
				}
				if got := strings.Contains(s, "scheduled at loop_test.go:"); got != debug {
					t.Errorf("%s shows %s with debug mode %v", name, s, debug)
				}
				h.Cancel()
				if s := h.String(); s != "<Handle cancelled>" {
					t.Errorf("%s shows %s after Cancel", name, s)
				}
			}
			posted, _ := l.CallSoonThreadsafe(named123)
			if s := posted.String(); debug && !strings.Contains(s, "scheduled at loop_test.go:") {
				t.Errorf("CallSoonThreadsafe shows %s", s)
			}
		}, aio.WithDebug(debug))
	}
}

// steppedClock is a virtual clock whose times have a monotonic reading, as those of the machine's
// do, and whose wall clock can be set.
type steppedClock struct {
	start  time.Time
	passed time.Duration
	step   time.Duration // by so much, in whole seconds, the wall clock was set
}

func (c *steppedClock) Now() time.Time {
	t := c.start.Add(c.passed)
	*(*uint64)(unsafe.Pointer(&t)) += uint64(c.step/time.Second) << 30 // the seconds of the wall clock, see package time
	return t
}

func (c *steppedClock) Advance(until time.Time) bool {
	c.passed = max(c.passed, until.Sub(c.start))
	return true
}

func TestTheClockOfTheseTestsIsSetWithoutTimePassing(t *testing.T) {
	c := &steppedClock{start: time.Now()}
	before := c.Now()
	c.step = time.Hour
	if after := c.Now(); after.Sub(before) != 0 || after.Round(0).Sub(before.Round(0)) != time.Hour {
		t.Fatalf("%v and %v", before, after)
	}
}

func TestATimeOfTheWallClockIsMeantByTheWallClockAsItIsNow(t *testing.T) {
	for _, step := range []time.Duration{0, time.Hour, -time.Hour, 40 * 365 * 24 * time.Hour} {
		clock := &steppedClock{start: time.Now()}
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			l := aio.RunningLoop(ctx)
			if err := aio.Sleep(ctx, time.Minute); err != nil {
				return err
			}
			clock.step = step
			in := func(d time.Duration) time.Time { return l.Time().Add(d).Round(0).UTC() } // as a database returns it
			ends := map[string]func() error{
				"Loop.CallAt": func() error {
					f := aio.NewFuture[int](l.Context())
					h := l.CallAt(in(10*time.Second), func() { _ = f.SetResult(1) })
					if d := h.When().Sub(l.Time()); d != 10*time.Second {
						t.Errorf("after a step of %v the callback says that it is due in %v", step, d)
					}
					if d := h.When().Round(0).Sub(l.Time().Round(0)); d != 10*time.Second {
						t.Errorf("after a step of %v the callback says that it is due in %v of the wall clock", step, d)
					}
					_, err := f.Await(ctx)
					return err
				},
				"TimeoutAt": func() error {
					return timedOut(aio.TimeoutAt(ctx, in(10*time.Second), sleepLong))
				},
				"Reschedule": func() error {
					return timedOut(aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
						if err := aio.CurrentTimeout(ctx).Reschedule(in(10 * time.Second)); err != nil {
							return err
						}
						return sleepLong(ctx)
					}))
				},
				"WithDeadline": func() error {
					ctx, cancel := aio.WithDeadline(ctx, in(10*time.Second))
					defer cancel()
					return timedOut(sleepLong(ctx))
				},
				"TimeoutAt with a monotonic reading": func() error {
					return timedOut(aio.TimeoutAt(ctx, l.Time().Add(10*time.Second), sleepLong))
				},
			}
			for name, fn := range ends {
				begin := l.Time()
				if err := fn(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if d := l.Time().Sub(begin); d != 10*time.Second {
					t.Errorf("after a step of %v %s took %v, not 10s", step, name, d)
				}
			}
			return nil
		}, aio.WithClock(clock))
		if err != nil {
			t.Error(err)
		}
	}
}

func sleepLong(ctx context.Context) error { return aio.Sleep(ctx, 1000*time.Hour) }

func timedOut(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(errors.New("not a time-out"), err)
	}
	return nil
}

func TestEqualTimesOfTheWallClockKeepTheOrderOfTheCalls(t *testing.T) {
	var got []int
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		at := time.Now().Round(0).Add(10 * time.Millisecond)
		f := aio.NewFuture[int](l.Context())
		for i := range 200 {
			l.CallAt(at, func() { got = append(got, i) })
		}
		l.CallAt(at.Add(1), func() { _ = f.SetResult(1) })
		_, err := f.Await(ctx)
		return err
	})
	if err != nil || len(got) != 200 || !slices.IsSorted(got) {
		t.Errorf("%v, order %v", err, got)
	}
}

func TestTimesBeyondWhatAClockCanCountAreFarAwayOrOver(t *testing.T) {
	for _, clock := range []aio.Clock{&steppedClock{start: time.Now()}, aio.NewVirtualClock()} {
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			l := aio.RunningLoop(ctx)
			if c, ok := clock.(*steppedClock); ok {
				c.step = -1000 * time.Hour
			}
			for _, at := range []time.Time{time.Unix(1<<40, 0), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), l.Time().Add(math.MaxInt64)} {
				far := l.CallAt(at, func() { t.Errorf("%v has come", at) })
				defer far.Cancel()
			}
			for _, at := range []time.Time{{}, time.Unix(-1<<40, 0), time.Unix(0, 0)} {
				over := false
				l.CallAt(at, func() { over = true })
				for range 3 {
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
				if !over {
					t.Errorf("%v is not over", at)
				}
			}
			return aio.TimeoutAt(ctx, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), func(ctx context.Context) error {
				return aio.Sleep(ctx, time.Hour)
			})
		}, aio.WithClock(clock))
		if err != nil {
			t.Error(err)
		}
	}
}

// readablePipe returns a pipe with something to read in it, and the descriptor of its reading end.
func readablePipe(t *testing.T) (r *os.File, fd uintptr) {
	t.Helper()
	needProcesses(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	if _, err := w.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	raw, err := r.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(v uintptr) { fd = v }); err != nil {
		t.Fatal(err)
	}
	return r, fd
}

// Conformance: LP-020.
func TestAReaderThatStaysReadyRunsOncePerRunOfAStoppedLoop(t *testing.T) {
	l := aio.NewLoop()
	defer l.Close()
	_, fd := readablePipe(t)
	calls := 0
	err := l.AddReader(fd, func() {
		calls++
		l.Stop()
	})
	if errors.Is(err, aio.ErrNoPoller) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		l.RunForever()
		if calls != i+1 {
			t.Fatalf("%d calls after %d runs", calls, i+1)
		}
	}
	l.RemoveReader(fd)
}

// Conformance: LP-029.
func TestOnAClosedLoopReadersCanBeNeitherAddedNorRemoved(t *testing.T) {
	l := aio.NewLoop()
	_, fd := readablePipe(t)
	if err := l.AddReader(fd, func() {}); errors.Is(err, aio.ErrNoPoller) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if l.RemoveReader(fd) || l.RemoveWriter(fd) {
		t.Error("there was something to remove")
	}
	wantPanic(t, func() { l.AddReader(fd, func() {}) }, "aio: Loop.AddReader: the loop is closed")
	wantPanic(t, func() { l.AddWriter(fd, func() {}) }, "aio: Loop.AddWriter: the loop is closed")
}

// schedulerFunc is a scheduler made of a function.
type schedulerFunc func(ready []aio.Entry) int

func (f schedulerFunc) Next(ready []aio.Entry) int { return f(ready) }
func (schedulerFunc) Await(aio.Await)              {}

// What is in the ready queue and has lost its point is no choice, whatever took the point away.
func TestWhatHasLostItsPointIsNoChoice(t *testing.T) {
	programs := map[string]func(ctx context.Context, l *aio.Loop) error{
		"a cancelled callback": func(ctx context.Context, l *aio.Loop) error {
			h := l.CallSoon(func() {})
			return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
				g.Go(func(context.Context) error { h.Cancel(); return nil })
				return nil
			})
		},
		"a call that was due and is cancelled": func(ctx context.Context, l *aio.Loop) error {
			h := l.CallLater(time.Second, func() {})
			l.CallLater(time.Second, h.Cancel)
			return aio.Sleep(ctx, 2*time.Second)
		},
		"a timer that was due and is stopped": func(ctx context.Context, l *aio.Loop) error {
			timer := l.NewTimer(func() {})
			timer.Start(time.Second)
			l.CallLater(time.Second, timer.Stop)
			return aio.Sleep(ctx, 2*time.Second)
		},
		"a timer that was due and is set anew": func(ctx context.Context, l *aio.Loop) error {
			timer := l.NewTimer(func() {})
			timer.Start(time.Second)
			l.CallLater(time.Second, func() { timer.Start(0) })
			return aio.Sleep(ctx, 2*time.Second)
		},
		"a deadline that is moved": func(ctx context.Context, l *aio.Loop) error {
			return aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
				block := aio.CurrentTimeout(ctx)
				l.CallLater(time.Second, func() { block.Reschedule(l.Time().Add(time.Hour)) })
				aio.Sleep(ctx, 2*time.Second)
				return nil
			})
		},
		"a deadline of a block that has ended": func(ctx context.Context, l *aio.Loop) error {
			aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
				return aio.Sleep(ctx, time.Second)
			})
			return aio.Sleep(ctx, time.Second)
		},
		"a wait that was given up": func(ctx context.Context, l *aio.Loop) error {
			w := aio.NewWaiter(ctx, "Given up", nil)
			w.Unpark()
			for range 3 {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			return aio.Sleep(ctx, time.Second)
		},
	}
	for name, program := range programs {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20) {
				pick := rand.New(rand.NewPCG(seed, 3))
				var last uint64
				var l *aio.Loop
				err := aio.Run(t.Context(), func(ctx context.Context) error {
					l = aio.RunningLoop(ctx)
					return program(ctx, l)
				}, aio.WithClock(aio.NewVirtualClock()), aio.WithScheduler(schedulerFunc(func(ready []aio.Entry) int {
					for i, e := range ready {
						if i > 0 && e.Seq <= ready[i-1].Seq {
							t.Fatalf("the entries are not sorted: %v", ready)
						}
					}
					if l != nil && aio.Pointless(l) > 0 {
						t.Errorf("of %v some have no point", ready)
					}
					last = max(last, ready[len(ready)-1].Seq)
					return pick.IntN(len(ready))
				})))
				if last == 0 || err != nil {
					t.Errorf("the last Seq is %d, the error %v", last, err)
				}
			}
		})
	}
}

func TestReportsOfASourceComeTogetherAndInTurn(t *testing.T) {
	var log []string
	onLoop(t, func(l *aio.Loop) {
		note := func(text string) func() { return func() { log = append(log, text) } }
		a := l.NewSource(func(ev aio.Interest) { log = append(log, fmt.Sprint("a ", ev)) })
		b := l.NewSource(func(ev aio.Interest) { log = append(log, fmt.Sprint("b ", ev)) })
		a.Report(aio.Readable)
		l.CallSoon(note("between"))
		b.Report(aio.Readable)
		a.Report(aio.Writable)
		b.Close()
		b.Report(aio.Readable)
		note("now")()
		l.CallLater(time.Second, func() { a.Report(aio.HangUp) })
	})
	want := []string{"now", fmt.Sprint("a ", aio.Readable|aio.Writable), "between",
		fmt.Sprint("a ", aio.HangUp)}
	if !slices.Equal(log, want) {
		t.Errorf("got %q, want %q", log, want)
	}
}

func TestAPanicInASourceIsReported(t *testing.T) {
	seen := &reports{}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		aio.RunningLoop(ctx).NewSource(func(aio.Interest) { panic("boom") }).Report(aio.Readable)
		return aio.Sleep(ctx, time.Second)
	}, aio.WithClock(aio.NewVirtualClock()), seen.Option())
	if got := seen.Strings(); err != nil || len(got) != 1 ||
		got[0] != "the callback of a source of events panicked|" {
		t.Errorf("err %v, reports %q", err, got)
	}
}

func TestAReportOfASourceAllocatesNothing(t *testing.T) {
	onLoop(t, func(l *aio.Loop) {
		s := l.NewSource(func(aio.Interest) {})
		s.Report(aio.Readable)
		if n := testing.AllocsPerRun(100, func() { s.Report(aio.Readable) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
