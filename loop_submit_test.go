package aio_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aio-go/aio"
)

// onThread calls fn on another goroutine while a loop runs, and waits for its end.
func onThread(t *testing.T, fn func(ctx context.Context, l *aio.Loop)) {
	t.Helper()
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		return aio.Blocking(ctx, func(ctx context.Context) error {
			fn(ctx, l)
			return nil
		})
	})
}

// Conformance: TS-001.
func TestAThreadGetsTheResultOfWhatItSubmits(t *testing.T) {
	onThread(t, func(ctx context.Context, l *aio.Loop) {
		v, err := aio.SubmitValue(ctx, l, func(ctx context.Context) (int, error) {
			if aio.RunningLoop(ctx) != l {
				t.Error("it runs on another loop")
			}
			v, err := aio.CreateTask(ctx, value(40)).Await(ctx)
			return v + 2, err
		})
		if v != 42 || err != nil {
			t.Errorf("got %d, %v", v, err)
		}
	})
}

// Conformance: TS-002.
func TestAThreadGetsTheErrorOfWhatItSubmits(t *testing.T) {
	onThread(t, func(ctx context.Context, l *aio.Loop) {
		if _, err := aio.SubmitValue(ctx, l, func(context.Context) (int, error) { return 0, errBoom }); err != errBoom {
			t.Errorf("got %v", err)
		}
		_, err := aio.SubmitValue(ctx, l, func(context.Context) (int, error) { panic("kaboom") })
		var p *aio.PanicError
		if !errors.As(err, &p) || p.Value != "kaboom" {
			t.Errorf("got %v", err)
		}
	})
}

// Conformance: TS-003.
func TestASubmissionWhoseContextEndsIsCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		err := aio.Blocking(ctx, func(ctx context.Context) error {
			ctx, cancel := context.WithCancelCause(ctx)
			_, err := aio.SubmitValue(ctx, l, func(ctx context.Context) (int, error) {
				cancel(errReason)
				return 0, forever(ctx)
			})
			wantCancelled(t, err, errReason)
			return nil
		})
		for guard := time.Now().Add(10 * time.Second); len(l.AllTasks()) > 1 && time.Now().Before(guard); {
			aio.Yield(ctx)
		}
		if n := len(l.AllTasks()); n != 1 {
			t.Errorf("%d tasks are left", n-1)
		}
		return err
	})
}

func TestASubmissionWithATimeOutThatIsOverFails(t *testing.T) {
	onThread(t, func(ctx context.Context, l *aio.Loop) {
		ctx, cancel := context.WithTimeout(ctx, 0)
		defer cancel()
		_, err := aio.SubmitValue(ctx, l, func(ctx context.Context) (int, error) { return 0, forever(ctx) })
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, aio.ErrCancelled) {
			t.Errorf("got %v", err)
		}
	})
}

// Conformance: TS-004.
func TestAThreadSeesTheCancellationOfWhatItSubmitted(t *testing.T) {
	onThread(t, func(ctx context.Context, l *aio.Loop) {
		_, err := aio.SubmitValue(ctx, l, func(ctx context.Context) (int, error) {
			aio.CurrentTask(ctx).Cancel(errReason)
			return 0, aio.Yield(ctx)
		})
		wantCancelled(t, err, errReason)
	})
}

func TestSubmitFromItsOwnLoopPanics(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		wantPanic(t, func() { aio.SubmitValue(ctx, l, value(1)) }, "aio: SubmitValue: called from the loop itself", "CreateTask")
		l.CallSoon(func() {
			wantPanic(t, func() { aio.Submit(l.Context(), l, aio.Yield) }, "aio: Submit: called from the loop itself")
		})
		return aio.Yield(ctx)
	})
}

func TestSubmitToAClosedLoopFails(t *testing.T) {
	l := aio.NewLoop()
	l.Close()
	if _, err := aio.SubmitValue(t.Context(), l, value(1)); err != aio.ErrLoopClosed {
		t.Errorf("got %v", err)
	}
	wantPanic(t, func() { aio.SubmitValue[int](t.Context(), l, nil) }, "aio: SubmitValue: the function is nil")
}

func TestASubmissionThatTheEndOfRunCutsShortReturns(t *testing.T) {
	var thread sync.WaitGroup
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		begun := gate(ctx)
		thread.Go(func() {
			_, err := aio.SubmitValue(context.Background(), l, func(ctx context.Context) (int, error) {
				open(begun)
				return 0, forever(ctx)
			})
			if !errors.Is(err, aio.ErrCancelled) && !errors.Is(err, aio.ErrLoopClosed) {
				t.Errorf("Submit returned %v", err)
			}
		})
		_, err := begun.Await(ctx)
		return err
	})
	thread.Wait()
	if err != nil {
		t.Fatal(err)
	}
}

func TestATaskOfOneLoopMayUseAnotherLoopFromAThread(t *testing.T) {
	other := make(chan *aio.Loop)
	stop := make(chan struct{})
	var second sync.WaitGroup
	second.Go(func() {
		aio.Run(context.Background(), func(ctx context.Context) error {
			other <- aio.RunningLoop(ctx)
			return aio.Blocking(ctx, func(context.Context) error { <-stop; return nil })
		})
	})
	l2 := <-other
	onThread(t, func(ctx context.Context, l *aio.Loop) {
		v, err := aio.SubmitValue(ctx, l2, func(ctx context.Context) (bool, error) {
			return aio.RunningLoop(ctx) == l2 && l2 != l, aio.Yield(ctx)
		})
		if !v || err != nil {
			t.Errorf("got %v, %v", v, err)
		}
	})
	close(stop)
	second.Wait()
}

// meeting lets a number of loops wait for each other: a loop whose main has not begun when the
// others fail does not begin it.
type meeting struct{ sync.WaitGroup }

func meetingOf(n int) *meeting {
	m := &meeting{}
	m.Add(n)
	return m
}

func (m *meeting) wait(ctx context.Context) error {
	return aio.Blocking(ctx, func(context.Context) error { m.Wait(); return nil })
}

// forever comes to the meeting and then waits to be cancelled.
func (m *meeting) forever(ctx context.Context) error {
	m.Done()
	if err := m.wait(ctx); err != nil {
		return err
	}
	return aio.Sleep(ctx, time.Hour)
}

func TestParallelLoopsRunSideBySide(t *testing.T) {
	const n = 4
	meet := meetingOf(n) // passes only if all run at the same time
	var mu sync.Mutex
	var seen []int
	loops := map[*aio.Loop]bool{}
	err := aio.RunParallel(t.Context(), n, func(ctx context.Context, i int) error {
		mu.Lock()
		seen = append(seen, i)
		loops[aio.RunningLoop(ctx)] = true
		mu.Unlock()
		meet.Done()
		return meet.wait(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(seen)
	if !slices.Equal(seen, []int{0, 1, 2, 3}) || len(loops) != n {
		t.Errorf("numbers %v on %d loops", seen, len(loops))
	}
}

func TestTheFirstErrorOfAParallelLoopCancelsTheOthers(t *testing.T) {
	boom := errors.New("boom")
	var cancelled atomic.Int32
	meet := meetingOf(3)
	err := aio.RunParallel(t.Context(), 3, func(ctx context.Context, i int) error {
		if i == 1 {
			meet.Done()
			meet.wait(ctx)
			return boom
		}
		err := meet.forever(ctx)
		if errors.Is(err, aio.ErrCancelled) && errors.Is(err, boom) { // it is the cause
			cancelled.Add(1)
		}
		return err
	})
	if err != boom || cancelled.Load() != 2 {
		t.Errorf("got %v, %d others were cancelled", err, cancelled.Load())
	}
}

func TestErrorsOfSeveralParallelLoopsAreJoined(t *testing.T) {
	first, second := errors.New("first"), errors.New("second")
	meet := meetingOf(3)
	err := aio.RunParallel(t.Context(), 3, func(ctx context.Context, i int) error {
		if i == 0 {
			meet.Done()
			meet.wait(ctx)
			return first
		}
		err := meet.forever(ctx)
		if i == 1 {
			return second
		}
		return err
	})
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || !slices.Equal(joined.Unwrap(), []error{first, second}) {
		t.Errorf("got %v", err)
	}
}

func TestACancelledContextEndsAllParallelLoops(t *testing.T) {
	reason := errors.New("reason")
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		meet := meetingOf(2)
		go func() { meet.Wait(); cancel(reason) }()
		err := aio.RunParallel(ctx, 2, func(ctx context.Context, i int) error { return meet.forever(ctx) })
		if _, one := err.(*aio.CancelledError); !one || !errors.Is(err, reason) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(reason)
		err := aio.RunParallel(ctx, 2, func(context.Context, int) error {
			t.Error("it was started")
			return nil
		})
		if !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err := aio.RunParallel(ctx, 2, func(ctx context.Context, _ int) error { return aio.Sleep(ctx, time.Hour) })
		if _, several := err.(interface{ Unwrap() []error }); several || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAPanicOfAParallelLoopIsRaisedAgainWhenAllHaveEnded(t *testing.T) {
	ended := false
	defer func() {
		p, ok := recover().(*aio.PanicError)
		if !ok || p.Value != "boom" || !ended {
			t.Errorf("raised %v, the other ended: %v", p, ended)
		}
	}()
	meet := meetingOf(2)
	aio.RunParallel(t.Context(), 2, func(ctx context.Context, i int) error {
		if i == 0 {
			meet.Done()
			meet.wait(ctx)
			panic("boom")
		}
		defer func() { ended = true }()
		return meet.forever(ctx)
	})
	t.Error("it returned")
}

func TestAGoexitOfAParallelLoopEndsTheCaller(t *testing.T) {
	done := make(chan bool)
	go func() {
		returned := false
		defer func() { done <- returned }()
		aio.RunParallel(t.Context(), 2, func(ctx context.Context, i int) error {
			if i == 0 {
				runtime.Goexit()
			}
			return aio.Sleep(ctx, time.Hour)
		})
		returned = true
	}()
	if <-done {
		t.Error("it returned")
	}
}

func TestParallelLoopsTalkThroughSubmit(t *testing.T) {
	const n = 3
	var mu sync.Mutex
	loops := map[int]*aio.Loop{}
	ready, over := meetingOf(n), meetingOf(n)
	err := aio.RunParallel(t.Context(), n, func(ctx context.Context, i int) error {
		mu.Lock()
		loops[i] = aio.RunningLoop(ctx)
		mu.Unlock()
		ready.Done()
		if err := ready.wait(ctx); err != nil {
			return err
		}
		next := loops[(i+1)%n]
		there, err := aio.ToThread(ctx, func(ctx context.Context) (*aio.Loop, error) {
			return aio.SubmitValue(context.Background(), next, func(ctx context.Context) (*aio.Loop, error) { return aio.RunningLoop(ctx), nil })
		})
		if err != nil || there != next {
			t.Errorf("loop %d heard %v from the next, %v", i, there, err)
		}
		over.Done()
		return over.wait(ctx) // a loop that has ended answers nobody
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMisuseOfRunParallel(t *testing.T) {
	main := func(context.Context, int) error { return nil }
	for want, fn := range map[string]func(){
		"less than 1":         func() { aio.RunParallel(t.Context(), 0, main) },
		"the function is nil": func() { aio.RunParallel(t.Context(), 1, nil) },
		//lint:ignore SA1012 it is what is tested
		"the context is nil": func() { aio.RunParallel(nil, 1, main) },
		"a loop is running": func() {
			aio.Run(t.Context(), func(ctx context.Context) error { return aio.RunParallel(ctx, 1, main) })
		},
	} {
		wantPanic(t, fn, "aio: RunParallel", want)
	}
}

func TestInABubbleARunSleepsHoursInNoTimeAndLeavesNothingBehind(t *testing.T) {
	for range 3 { // a bubble must not meet what an earlier one left
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			err := aio.Run(t.Context(), func(ctx context.Context) error {
				hours := func(n int) aio.Func[int] {
					return func(ctx context.Context) (int, error) { return n, aio.Sleep(ctx, time.Duration(n)*time.Hour) }
				}
				got, err := aio.All(ctx, hours(3), hours(1), hours(2))
				if len(got) != 3 || got[0] != 3 {
					t.Errorf("the results are %v", got)
				}
				return err
			})
			if took := time.Since(start); err != nil || took != 3*time.Hour {
				t.Errorf("got %v after %v", err, took)
			}
		})
	}
}

func TestInABubbleThreadsSubmitsAndTheStandardLibrarysDeadlinesWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		loops := make(chan *aio.Loop, 1)
		submitted := make(chan error, 1)
		go func() {
			l := <-loops
			time.Sleep(time.Minute)
			v, err := aio.SubmitValue(t.Context(), l, func(ctx context.Context) (int, error) { return 7, aio.Sleep(ctx, time.Minute) })
			if v != 7 {
				t.Errorf("Submit returned %d", v)
			}
			submitted <- err
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Hour)
		defer cancel()
		err := aio.Run(ctx, func(ctx context.Context) error {
			loops <- aio.RunningLoop(ctx)
			if err := aio.Blocking(ctx, func(context.Context) error { time.Sleep(time.Hour); return nil }); err != nil {
				return err
			}
			limited, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			wantTimeout(t, forever(limited))
			aio.Start(ctx, forever) // left over
			return forever(ctx)
		})
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 5*time.Hour {
			t.Errorf("got %v after %v", err, took)
		}
		if err := <-submitted; err != nil {
			t.Error(err)
		}
	})
}

func TestInABubblePanicsGoexitsAndIgnoredCancellationsLeaveNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &reports{}
		v := panicOf(func() {
			aio.Run(t.Context(), func(ctx context.Context) error {
				aio.CreateTask(ctx, panicsDeepInside)
				aio.Start(ctx, func(context.Context) error { runtime.Goexit(); return nil })
				aio.Start(ctx, ignoresItsEnd)
				return aio.Sleep(ctx, time.Hour)
			}, seen.Option())
		})
		if p, ok := v.(*aio.PanicError); !ok || p.Value != "deep" || len(seen.All()) != 3 {
			t.Errorf("Run panicked with %v; reports %q", v, seen.Strings())
		}
	})
}

func TestInABubbleALostErrorIsReportedThoughTheCollectorIsOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &reports{}
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			for range 10 {
				aio.Start(ctx, failWith(errBoom))
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			return aio.Blocking(ctx, func(context.Context) error {
				for range 5 { // the loop waits while the collector finds the tasks
					runtime.GC()
				}
				return nil
			})
		}, seen.Option())
		if err != nil || len(seen.All()) != 10 {
			t.Errorf("got %v, reports %q", err, seen.Strings())
		}
	})
}

func TestAPanicInOneOfSeveralLoopsTakesTheOtherFailuresAlong(t *testing.T) {
	for name, first := range map[string]func() error{
		"error": func() error { return errBoom },
		"panic": func() error { panic(errBoom) },
	} {
		running := make(chan struct{})
		v := panicOf(func() {
			aio.RunParallel(context.Background(), 2, func(ctx context.Context, i int) error {
				if i == 0 {
					<-running // otherwise the second main may never start
					return first()
				}
				close(running)
				forever(ctx)
				panic("second")
			})
		})
		p, ok := v.(*aio.PanicError)
		if !ok {
			t.Fatalf("%s: the panic is %v", name, v)
		}
		if text := fmt.Sprintf("%+v", p); !strings.Contains(text, "boom") || !strings.Contains(text, "second") {
			t.Errorf("%s: one is missing: %s", name, text)
		}
	}
}

func TestALoopKeepsUpWithGoroutinesThatPost(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const posters, each = 4, 100_000
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		done := aio.NewFuture[aio.None](ctx)
		var posted atomic.Int64
		ran, most := int64(0), int64(0)
		callback := func() {
			ran++
			l.ExpectPosts(-1)
			most = max(most, posted.Load()-ran)
			if ran == posters*each {
				done.SetResult(aio.None{})
			}
		}
		l.ExpectPosts(posters * each)
		for range posters {
			go func() {
				for range each {
					posted.Add(1)
					l.CallSoonThreadsafe(callback)
				}
			}()
		}
		_, err := done.Await(ctx)
		if most > posters*each/4 {
			t.Errorf("%d posts waited at a time", most)
		}
		return err
	})
}
