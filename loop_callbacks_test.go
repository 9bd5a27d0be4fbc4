//go:build unix

package aio_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

func raise(sig syscall.Signal) {
	if err := syscall.Kill(os.Getpid(), sig); err != nil {
		panic(err)
	}
}

// Conformance: SG-001, SG-006, SG-007.
func TestASignalHandlerRunsOnALoopThatWaits(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		l := aio.RunningLoop(ctx)
		came := &aiosync.Event{}
		handler := func(what string) func() { // a closure carries the arguments
			return func() {
				j.Add("%s, in task: %v", what, l.CurrentTask() != nil)
				aio.Start(l.Context(), func(context.Context) error { came.Set(); return nil })
			}
		}
		if err := l.AddSignalHandler(syscall.SIGUSR1, handler("usr1")); err != nil {
			return err
		}
		if err := l.AddSignalHandler(syscall.SIGUSR2, handler("usr2")); err != nil {
			return err
		}
		for _, sig := range []syscall.Signal{syscall.SIGUSR2, syscall.SIGUSR1, syscall.SIGUSR2} {
			came.Clear()
			raise(sig)
			if err := came.Wait(ctx); err != nil {
				return err
			}
		}
		j.Want(t, "usr2, in task: false", "usr1, in task: false", "usr2, in task: false")
		return nil
	})
}

func TestASecondHandlerReplacesTheFirst(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		l := aio.RunningLoop(ctx)
		came := &aiosync.Event{}
		for _, name := range []string{"first", "second"} {
			if err := l.AddSignalHandler(syscall.SIGUSR1, func() { j.Add("%s", name); came.Set() }); err != nil {
				return err
			}
		}
		raise(syscall.SIGUSR1)
		if err := came.Wait(ctx); err != nil {
			return err
		}
		j.Want(t, "second")
		return nil
	})
}

func TestAPanicInASignalHandlerIsReportedAndTheHandlerStays(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		q := aiosync.NewQueue[int](0)
		n := 0
		err := l.AddSignalHandler(syscall.SIGUSR1, func() {
			n++
			q.PutNowait(n)
			if n == 1 {
				panic("first")
			}
		})
		if err != nil {
			return err
		}
		for range 2 {
			raise(syscall.SIGUSR1)
			if _, err := q.Get(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := seen.Strings(); len(got) != 1 || !strings.HasPrefix(got[0], "a callback panicked") {
		t.Errorf("reports: %q", got)
	}
}

// Conformance: SG-003, SG-004 (R9: the types of signals are the system's), SG-005, SG-009 (os/signal reports no failure: what cannot be caught is
// refused beforehand).
func TestWhatIsNoSignalOrCannotBeCaughtIsRefused(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		before := runtime.NumGoroutine()
		for _, sig := range []os.Signal{syscall.Signal(0), syscall.Signal(-1), syscall.Signal(1000), nil, strange{}, syscall.SIGKILL, syscall.SIGSTOP} {
			err := l.AddSignalHandler(sig, func() { t.Errorf("%v came", sig) })
			if !errors.Is(err, aio.ErrSignal) || !strings.HasPrefix(err.Error(), "Loop.AddSignalHandler: aio: this signal cannot be handled: ") {
				t.Errorf("%v: got %v", sig, err)
			}
			if l.RemoveSignalHandler(sig) {
				t.Errorf("%v: there was a handler", sig)
			}
		}
		if n := runtime.NumGoroutine(); n > before { // fewer: some of an earlier test were still ending
			t.Errorf("%d goroutines, %d before", n, before)
		}
		return nil
	})
}

// strange is a signal of no system.
type strange struct{}

func (strange) Signal()        {}
func (strange) String() string { return "strange" }

// Conformance: SG-008 (R9: a coroutine function does not fit; nil is refused).
func TestASignalHandlerThatIsNilIsRefused(t *testing.T) {
	l := aio.NewLoop()
	wantPanic(t, func() { l.AddSignalHandler(syscall.SIGUSR1, nil) }, "aio: Loop.AddSignalHandler: the function is nil")
	l.Close()
	wantPanic(t, func() { l.AddSignalHandler(syscall.SIGUSR1, func() {}) }, "aio: Loop.AddSignalHandler: the loop is closed")
}

// Conformance: SG-011.
func TestASignalThatArrivesAfterItsHandlerWasRemovedIsIgnored(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		l := aio.RunningLoop(ctx)
		came := &aiosync.Event{}
		only := func(other syscall.Signal) func() { // both signals are on their way when the first handler runs, whichever that is
			return func() {
				j.Add("one")
				l.RemoveSignalHandler(other)
				l.CallSoon(came.Set)
			}
		}
		sent := make(chan struct{})
		l.AddSignalHandler(syscall.SIGUSR1, only(syscall.SIGUSR2))
		l.AddSignalHandler(syscall.SIGUSR2, only(syscall.SIGUSR1))
		other := aio.NewLoop() // hears both after us or before, it does not matter: it only tells that they have come
		go func() {
			defer close(sent)
			defer other.Close()
			aio.RunUntilComplete(other, func(ctx context.Context) (aio.None, error) {
				first, second := &aiosync.Event{}, &aiosync.Event{}
				other.AddSignalHandler(syscall.SIGUSR1, first.Set)
				other.AddSignalHandler(syscall.SIGUSR2, second.Set)
				raise(syscall.SIGUSR1)
				first.Wait(ctx)
				raise(syscall.SIGUSR2)
				return aio.None{}, second.Wait(ctx)
			})
		}()
		<-sent // holds this loop up meanwhile
		if err := came.Wait(ctx); err != nil {
			return err
		}
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		j.Want(t, "one")
		return nil
	})
}

// Conformance: SG-013 (os/signal hands a signal to all who ask: no loop or goroutine is privileged).
func TestEveryLoopGetsTheSignalsItAskedFor(t *testing.T) {
	run(t, func(ctx context.Context) error {
		came := &aiosync.Event{}
		l := aio.RunningLoop(ctx)
		if err := l.AddSignalHandler(syscall.SIGUSR1, came.Set); err != nil {
			return err
		}
		_, err := aio.ToThread(ctx, func(context.Context) (aio.None, error) {
			return aio.None{}, aio.Run(context.Background(), func(ctx context.Context) error {
				came := &aiosync.Event{}
				if err := aio.RunningLoop(ctx).AddSignalHandler(syscall.SIGUSR1, came.Set); err != nil {
					return err
				}
				raise(syscall.SIGUSR1)
				return came.Wait(ctx)
			})
		})
		if err != nil {
			return err
		}
		return came.Wait(ctx)
	})
}

func init() {
	handled := func(main func(ctx context.Context, l *aio.Loop) error) func() {
		return func() {
			err := aio.Run(context.Background(), func(ctx context.Context) error {
				l := aio.RunningLoop(ctx)
				came := &aiosync.Event{}
				if err := l.AddSignalHandler(syscall.SIGTERM, came.Set); err != nil {
					return err
				}
				raise(syscall.SIGTERM)
				if err := came.Wait(ctx); err != nil {
					return err
				}
				os.Stdout.WriteString("handled\n")
				return main(ctx, l)
			})
			if err != nil {
				os.Stdout.WriteString(err.Error() + "\n")
			}
			raise(syscall.SIGTERM)
			time.Sleep(10 * time.Second) // the signal ends the process long before
			os.Stdout.WriteString("not reached\n")
		}
	}
	parts["remove a signal handler"] = handled(func(ctx context.Context, l *aio.Loop) error {
		if !l.RemoveSignalHandler(syscall.SIGTERM) || l.RemoveSignalHandler(syscall.SIGTERM) {
			return errors.New("RemoveSignalHandler does not tell whether there was a handler")
		}
		raise(syscall.SIGTERM)
		return aio.Sleep(ctx, 10*time.Second)
	})
	parts["close a loop with a signal handler"] = handled(func(context.Context, *aio.Loop) error { return nil })
}

// Conformance: SG-002, SG-012.
func TestASignalHasItsDefaultEffectAgainWithoutItsHandler(t *testing.T) {
	for _, part := range []string{"remove a signal handler", "close a loop with a signal handler"} {
		out, err := playPart(t, part)
		if err == nil || out != "handled\n" || !strings.Contains(err.Error(), syscall.SIGTERM.String()) {
			t.Errorf("%s: error %v, output:\n%s", part, err, out)
		}
		if strings.Contains(out, "not reached") {
			t.Errorf("%s: the signal had no effect", part)
		}
	}
}

func init() {
	interrupt := func() error { return syscall.Kill(os.Getpid(), syscall.SIGINT) }
	say := func(err error) {
		switch {
		case errors.Is(err, aio.ErrInterrupted):
			os.Stdout.WriteString("interrupted\n")
		case errors.Is(err, aio.ErrCancelled):
			os.Stdout.WriteString("cancelled\n")
		default:
			os.Stdout.WriteString("other end\n")
		}
	}
	note := func(s string) { os.Stdout.WriteString(s + "\n") }

	parts["interrupt a main that spins"] = func() {
		say(aio.Run(context.Background(), func(ctx context.Context) error {
			if err := interrupt(); err != nil {
				return err
			}
			for {
				if err := aio.Yield(ctx); err != nil {
					note("main was cancelled")
					return err
				}
			}
		}, aio.WithInterrupt()))
	}
	parts["interrupt a main that waits"] = func() {
		say(aio.Run(context.Background(), func(ctx context.Context) error {
			f := aio.NewFuture[int](ctx)
			if err := interrupt(); err != nil {
				return err
			}
			_, err := f.Await(ctx)
			if f.Cancelled() && errors.Is(err, aio.ErrCancelled) && errors.Is(err, aio.ErrInterrupted) {
				note("the future was cancelled")
			}
			return nil
		}, aio.WithInterrupt()))
	}
	parts["interrupt a main that was cancelled before"] = func() {
		say(aio.Run(context.Background(), func(ctx context.Context) error {
			aio.CurrentTask(ctx).Cancel(nil)
			if err := interrupt(); err != nil {
				return err
			}
			free := context.WithoutCancel(ctx)
			if err := aio.Sleep(free, 50*time.Millisecond); err != nil { // time for the signal to arrive
				return err
			}
			return aio.Yield(ctx)
		}, aio.WithInterrupt()))
	}
	parts["interrupt a main that answers with an error of its own"] = func() {
		err := aio.Run(context.Background(), func(ctx context.Context) error {
			if err := interrupt(); err != nil {
				return err
			}
			_ = forever(ctx)
			return errBoom
		}, aio.WithInterrupt())
		if errors.Is(err, errBoom) && errors.Is(err, aio.ErrInterrupted) {
			note("boom")
		}
	}
	parts["interrupt a main that pays no attention"] = func() {
		err := aio.Run(context.Background(), func(ctx context.Context) error {
			if err := interrupt(); err != nil {
				return err
			}
			_ = forever(ctx)
			return nil
		}, aio.WithInterrupt())
		note(err.Error())
	}
	parts["interrupt twice"] = func() {
		aio.Run(context.Background(), func(ctx context.Context) error {
			interrupt()
			if forever(ctx) != nil {
				note("first")
				interrupt()
			}
			return aio.Sleep(context.WithoutCancel(ctx), 10*time.Second)
		}, aio.WithInterrupt())
		note("not reached")
	}
	parts["interrupt without the option"] = func() {
		aio.Run(context.Background(), func(ctx context.Context) error {
			interrupt()
			return aio.Sleep(ctx, 10*time.Second)
		})
		note("not reached")
	}
}

// Conformance: R-010, R-018.
func TestAnInterruptCancelsMainAndRunReturnsErrInterrupted(t *testing.T) {
	out, err := playPart(t, "interrupt a main that spins")
	if want := "main was cancelled\ninterrupted\n"; out != want || err != nil {
		t.Fatalf("got %q, %v, want %q", out, err, want)
	}
}

// Conformance: R-019.
func TestAnInterruptCancelsWhatMainWaitsFor(t *testing.T) {
	out, err := playPart(t, "interrupt a main that waits")
	if want := "the future was cancelled\ninterrupted\n"; out != want || err != nil {
		t.Fatalf("got %q, %v, want %q", out, err, want)
	}
}

// Conformance: R-020.
func TestAnInterruptOfAMainThatWasCancelledBeforeIsACancellation(t *testing.T) {
	out, err := playPart(t, "interrupt a main that was cancelled before")
	if want := "cancelled\n"; out != want || err != nil {
		t.Fatalf("got %q, %v, want %q", out, err, want)
	}
}

func TestAnErrorOfMainAfterAnInterruptComesOutBesideIt(t *testing.T) {
	out, err := playPart(t, "interrupt a main that answers with an error of its own")
	if want := "boom\n"; out != want || err != nil {
		t.Fatalf("got %q, %v, want %q", out, err, want)
	}
}

func TestAnInterruptThatMainPaysNoAttentionToIsReturnedAllTheSame(t *testing.T) {
	out, err := playPart(t, "interrupt a main that pays no attention")
	if want := "aio: interrupted\n"; out != want || err != nil {
		t.Fatalf("got %q, %v, want %q", out, err, want)
	}
}

func TestTheSecondInterruptEndsTheProcess(t *testing.T) {
	out, err := playPart(t, "interrupt twice")
	if out != "first\n" || err == nil {
		t.Fatalf("got %q, %v", out, err)
	}
}

// Conformance: R-021 (a handler is installed only if asked for).
func TestRunTakesNoSignalsUnlessAsked(t *testing.T) {
	out, err := playPart(t, "interrupt without the option")
	if out != "" || err == nil {
		t.Fatalf("got %q, %v", out, err)
	}
}

func interruptMyself() { syscall.Kill(os.Getpid(), syscall.SIGINT) }

func ExampleWithInterrupt() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		aio.RunningLoop(ctx).CallSoon(interruptMyself) // or Ctrl-C
		return aio.Sleep(ctx, time.Hour)
	}, aio.WithInterrupt())
	fmt.Println(errors.Is(err, aio.ErrInterrupted))
	// Output: true
}

func ExampleLoop_AddSignalHandler() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		var reload aiosync.Event
		if err := loop.AddSignalHandler(syscall.SIGHUP, reload.Set); err != nil {
			return err
		}
		syscall.Kill(os.Getpid(), syscall.SIGHUP)
		err := reload.Wait(ctx)
		fmt.Println("reading the settings anew:", err)
		return nil
	})
	// Output: reading the settings anew: <nil>
}
