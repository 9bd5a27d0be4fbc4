package aio_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// meeting lets a number of loops wait for each other: a loop whose main has not begun when the others fail does not begin it.
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
			return aio.Submit(context.Background(), next, func(ctx context.Context) (*aio.Loop, error) { return aio.RunningLoop(ctx), nil })
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
