package aio_test

import (
	"context"
	"errors"
	"sync"
	"testing"
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
		v, err := aio.Submit(ctx, l, func(ctx context.Context) (int, error) {
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
		if _, err := aio.Submit(ctx, l, func(context.Context) (int, error) { return 0, errBoom }); err != errBoom {
			t.Errorf("got %v", err)
		}
		_, err := aio.Submit(ctx, l, func(context.Context) (int, error) { panic("kaboom") })
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
			_, err := aio.Submit(ctx, l, func(ctx context.Context) (int, error) {
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
		_, err := aio.Submit(ctx, l, func(ctx context.Context) (int, error) { return 0, forever(ctx) })
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, aio.ErrCancelled) {
			t.Errorf("got %v", err)
		}
	})
}

// Conformance: TS-004.
func TestAThreadSeesTheCancellationOfWhatItSubmitted(t *testing.T) {
	onThread(t, func(ctx context.Context, l *aio.Loop) {
		_, err := aio.Submit(ctx, l, func(ctx context.Context) (int, error) {
			aio.CurrentTask(ctx).Cancel(errReason)
			return 0, aio.Yield(ctx)
		})
		wantCancelled(t, err, errReason)
	})
}

func TestSubmitFromItsOwnLoopPanics(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		wantPanic(t, func() { aio.Submit(ctx, l, value(1)) }, "aio: Submit: called from the loop itself", "CreateTask")
		l.CallSoon(func() {
			wantPanic(t, func() { aio.Submit(l.Context(), l, value(1)) }, "aio: Submit: called from the loop itself")
		})
		return aio.Yield(ctx)
	})
}

func TestSubmitToAClosedLoopFails(t *testing.T) {
	l := aio.NewLoop()
	l.Close()
	if _, err := aio.Submit(t.Context(), l, value(1)); err != aio.ErrLoopClosed {
		t.Errorf("got %v", err)
	}
	wantPanic(t, func() { aio.Submit[int](t.Context(), l, nil) }, "aio: Submit: the function is nil")
}

func TestASubmissionThatTheEndOfRunCutsShortReturns(t *testing.T) {
	var thread sync.WaitGroup
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		begun := gate(ctx)
		thread.Go(func() {
			_, err := aio.Submit(context.Background(), l, func(ctx context.Context) (int, error) {
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
		v, err := aio.Submit(ctx, l2, func(ctx context.Context) (bool, error) {
			return aio.RunningLoop(ctx) == l2 && l2 != l, aio.Yield(ctx)
		})
		if !v || err != nil {
			t.Errorf("got %v, %v", v, err)
		}
	})
	close(stop)
	second.Wait()
}
