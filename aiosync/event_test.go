package aiosync_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// waiter starts a task that waits for the event and writes its name down.
func waiter(ctx context.Context, ev *aiosync.Event, log *journal, name string) *aio.Task[aio.None] {
	return aio.Start(ctx, func(ctx context.Context) error {
		if err := ev.Wait(ctx); err != nil {
			return err
		}
		log.Add("%s", name)
		return nil
	})
}

// Conformance: EV-001.
func TestAnEventWakesItsWaitersInOrderAndLetsLateComersPassFirst(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var ev aiosync.Event
		var log journal
		waiter(ctx, &ev, &log, "1")
		waiter(ctx, &ev, &log, "2")
		turns(ctx, 1)
		waiter(ctx, &ev, &log, "3")
		ev.Set()
		turns(ctx, 1)
		log.Want(t, "3", "1", "2")
		return nil
	})
}

// Conformance: EV-002.
func TestWaitingForASetEventDoesNotSuspend(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var ev aiosync.Event
		ev.Set()
		suspended := false
		aio.RunningLoop(ctx).CallSoon(func() { suspended = true })
		if err := ev.Wait(ctx); err != nil || suspended {
			t.Errorf("error %v, suspended %t", err, suspended)
		}
		return nil
	})
}

// Conformance: EV-004.
func TestAClearedEventIsNotSet(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var ev aiosync.Event
		for _, step := range []struct {
			do   func()
			want bool
		}{{func() {}, false}, {ev.Set, true}, {ev.Set, true}, {ev.Clear, false}, {ev.Clear, false}} {
			if step.do(); ev.IsSet() != step.want || ev.Statistics().Set != step.want {
				t.Errorf("set: %t, want %t", ev.IsSet(), step.want)
			}
		}
		return nil
	})
}

// Conformance: EV-005.
func TestAWaiterIsWokenOnceHoweverOftenTheEventIsSet(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var ev aiosync.Event
		var log journal
		w := waiter(ctx, &ev, &log, "woken")
		turns(ctx, 1)
		ev.Set()
		ev.Clear()
		ev.Set()
		ev.Set()
		turns(ctx, 3)
		log.Want(t, "woken")
		if n := ev.Statistics().Waiting; !w.Done() || n != 0 {
			t.Errorf("done %t, %d wait", w.Done(), n)
		}
		return nil
	})
}

// Conformance: EV-006.
func TestAnEventIsPrintedWithItsStateAndWaiters(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var ev aiosync.Event
		var log journal
		log.Add("%v", &ev)
		waiter(ctx, &ev, new(journal), "w")
		turns(ctx, 1)
		log.Add("%v", &ev)
		ev.Set()
		log.Add("%v", &ev)
		log.Want(t, "<Event unset>", "<Event unset, waiters:1>", "<Event set>")
		return nil
	})
}

// Conformance: EV-007.
func TestAnInterruptEndsAWaitForAnEventThatNeverComes(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOARCH == "wasm" {
		t.Skip("a process cannot interrupt itself here")
	}
	var ev aiosync.Event
	var waited error
	err := runErr(t, func(ctx context.Context) error {
		aio.RunningLoop(ctx).CallSoon(func() {
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Signal(os.Interrupt)
			}
			if err != nil {
				t.Error(err)
				ev.Set()
			}
		})
		waited = ev.Wait(ctx)
		return waited
	}, aio.WithInterrupt())
	if !errors.Is(err, aio.ErrInterrupted) {
		t.Errorf("Run returned %v", err)
	}
	wantCancelled(t, waited, aio.ErrInterrupted)
	if n := ev.Statistics().Waiting; n != 0 {
		t.Errorf("%d wait", n)
	}
}

func TestACancelledWaiterOfAnEventLeavesTheOthersInLine(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var ev aiosync.Event
		var log journal
		var tasks []*aio.Task[aio.None]
		for _, name := range []string{"1", "2", "3"} {
			tasks = append(tasks, waiter(ctx, &ev, &log, name))
		}
		turns(ctx, 1)
		tasks[1].Cancel(nil)
		ev.Set()
		tasks[0].Cancel(nil) // it has been woken and does not know it yet
		turns(ctx, 1)
		log.Want(t, "3")
		if n := ev.Statistics().Waiting; n != 0 || !tasks[0].Cancelled() || !tasks[1].Cancelled() {
			t.Errorf("%d wait, %v %v", n, tasks[0], tasks[1])
		}
		return nil
	})
}
