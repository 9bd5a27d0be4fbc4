package aio_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

const panicMessage = "a task panicked, and nobody awaited it"

func panics(context.Context) error { panic("oops") }

func TestAPanicThatNobodyWaitsForIsReportedWhenTheTaskEndsAndNotAgainAtTheEnd(t *testing.T) {
	seen := &reports{}
	p, _ := panicOf(func() {
		aio.Run(t.Context(), func(ctx context.Context) error {
			task := aio.Start(ctx, panics, aio.Name("daemon"))
			passes(ctx, 3)
			if got := seen.all(); len(got) != 1 || got[0].Message != panicMessage || got[0].TaskName != "daemon" {
				t.Errorf("reported: %v", got)
			}
			aio.Sleep(ctx, 24*time.Hour)
			if !task.Done() {
				t.Error(task)
			}
			return nil
		}, testOptions(seen)...)
	}).(*aio.PanicError)
	if p == nil || p.Value != "oops" {
		t.Errorf("Run raised %v", p)
	}
	if got := seen.all(); len(got) != 1 {
		t.Errorf("reported: %v", got)
	}
}

func TestAPanicThatWasReportedPromptlyIsRaisedAgainInWhoeverAwaitsItAndNotReportedTwice(t *testing.T) {
	looks := map[string]func(ctx context.Context, task *aio.Task[aio.None]){
		"Await":  func(ctx context.Context, task *aio.Task[aio.None]) { task.Await(ctx) },
		"Shield": func(ctx context.Context, task *aio.Task[aio.None]) { aio.Shield(ctx, task) },
		"Gather": func(ctx context.Context, task *aio.Task[aio.None]) { aio.Gather(ctx, task) },
		"Result": func(ctx context.Context, task *aio.Task[aio.None]) { _, err := task.Result(); panic(err) },
		"GatherSettled": func(ctx context.Context, task *aio.Task[aio.None]) {
			got, _ := aio.GatherSettled(ctx, task)
			panic(got[0].Err)
		},
	}
	for name, look := range looks {
		seen, err := runReports(t, func(ctx context.Context) error {
			task := aio.Start(ctx, panics)
			aio.Sleep(ctx, time.Hour)
			if p, ok := panicOf(func() { look(ctx, task) }).(*aio.PanicError); !ok || p.Value != "oops" {
				t.Errorf("%s raised %v", name, p)
			}
			return nil
		})
		if got := seen.all(); err != nil || len(got) != 1 {
			t.Errorf("%s: %v; reported: %v", name, err, got)
		}
	}
}

func TestAPanicThatSomebodyWaitsForIsNotReported(t *testing.T) {
	waits := map[string]func(ctx context.Context, task *aio.Task[aio.None]) error{
		"Await":  func(ctx context.Context, task *aio.Task[aio.None]) error { _, err := task.Await(ctx); return err },
		"Shield": func(ctx context.Context, task *aio.Task[aio.None]) error { _, err := aio.Shield(ctx, task); return err },
		"Gather": func(ctx context.Context, task *aio.Task[aio.None]) error { _, err := aio.Gather(ctx, task); return err },
		"Wait": func(ctx context.Context, task *aio.Task[aio.None]) error {
			aio.Wait(ctx, aio.AllCompleted, task)
			panic(task.Err())
		},
		"AsCompleted": func(ctx context.Context, task *aio.Task[aio.None]) error {
			for done := range aio.AsCompleted(ctx, task) {
				panic(done.Err())
			}
			return nil
		},
		"a done callback": func(ctx context.Context, task *aio.Task[aio.None]) error {
			var err error
			task.AddDoneCallback(func() { err = task.Err() })
			aio.Sleep(ctx, time.Hour)
			panic(err)
		},
		"Wait, and look a little later": func(ctx context.Context, task *aio.Task[aio.None]) error {
			aio.Wait(ctx, aio.AllCompleted, task)
			aio.Yield(ctx)
			panic(task.Err())
		},
	}
	for name, wait := range waits {
		run(t, func(ctx context.Context) error {
			task := aio.Start(ctx, func(ctx context.Context) error {
				aio.Sleep(ctx, time.Second)
				panic("oops")
			})
			if p, ok := panicOf(func() { wait(ctx, task) }).(*aio.PanicError); !ok || p.Value != "oops" {
				t.Errorf("%s raised %v", name, p)
			}
			return nil
		})
	}
}

func TestAPanicIsReportedWhenThoseWhoWaitedForItAreCancelledBeforeTheyCouldLook(t *testing.T) {
	waits := map[string]func(ctx context.Context, task *aio.Task[aio.None]) error{
		"Await":  func(ctx context.Context, task *aio.Task[aio.None]) error { _, err := task.Await(ctx); return err },
		"Shield": func(ctx context.Context, task *aio.Task[aio.None]) error { _, err := aio.Shield(ctx, task); return err },
		"Gather": func(ctx context.Context, task *aio.Task[aio.None]) error { _, err := aio.Gather(ctx, task); return err },
		"Wait": func(ctx context.Context, task *aio.Task[aio.None]) error {
			_, _, err := aio.Wait(ctx, aio.AllCompleted, task)
			return err
		},
		"AsCompleted": func(ctx context.Context, task *aio.Task[aio.None]) error {
			for _, err := range aio.AsCompleted(ctx, task) {
				return err
			}
			return nil
		},
	}
	for name, wait := range waits {
		seen := &reports{}
		p := panicOf(func() {
			aio.Run(t.Context(), func(ctx context.Context) error {
				var waiter *aio.Task[aio.None]
				task := aio.Start(ctx, func(ctx context.Context) error {
					aio.Sleep(ctx, time.Second)
					panic("oops")
				})
				task.AddDoneCallback(func() { waiter.Cancel(nil) }) // it is still to look
				waiter = aio.Start(ctx, func(ctx context.Context) error { return wait(ctx, task) })
				_, _, err := aio.Wait(ctx, aio.AllCompleted, waiter)
				passes(ctx, 5)
				if got := seen.all(); len(got) != 1 || !waiter.Cancelled() {
					t.Errorf("%s: %v; reported: %v", name, waiter, got)
				}
				return err
			}, testOptions(seen)...)
		})
		if got := seen.all(); p == nil || len(got) != 1 {
			t.Errorf("%s: raised %v, reported %v", name, p, got)
		}
	}
}

func TestAnErrorThatNobodyWaitsForIsReportedPromptlyOnlyIfThatIsAskedFor(t *testing.T) {
	for _, on := range []bool{false, true} {
		seen, err := runReports(t, func(ctx context.Context) error {
			task := aio.Start(ctx, failWith(errBoom))
			aio.Sleep(ctx, time.Second)
			if _, err := task.Await(ctx); err != errBoom {
				t.Errorf("got %v", err)
			}
			return nil
		}, aio.WithPromptReports(on))
		if want := map[bool]int{true: 1}[on]; err != nil || len(seen.all()) != want {
			t.Errorf("prompt %v: %v; reported: %v", on, err, seen.all())
		}
	}
}

func TestWithPromptReportsATaskThatIsAwaitedWhenItFailsIsNotReported(t *testing.T) {
	run(t, func(ctx context.Context) error {
		if _, err := aio.Start(ctx, failWith(errBoom)).Await(ctx); err != errBoom {
			t.Errorf("got %v", err)
		}
		if err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(failWith(errBoom))
			return forever(ctx)
		}); err != errBoom {
			t.Errorf("got %v", err)
		}
		bad, worse := aio.Start(ctx, failWith(errBoom)), aio.Start(ctx, failWith(errReason))
		if _, err := aio.Gather(ctx, bad, worse); err != errBoom {
			t.Errorf("got %v", err)
		}
		f := aio.NewFuture[int](aio.RunningLoop(ctx))
		f.SetError(errBoom) // somebody will await it
		passes(ctx, 5)
		_, err := f.Await(ctx)
		if !errors.Is(err, errBoom) {
			t.Errorf("got %v", err)
		}
		stopped := aio.Start(ctx, forever)
		aio.Yield(ctx)
		stopped.Cancel(nil)
		passes(ctx, 5)
		return nil
	}, aio.WithPromptReports(true))
}

func TestAPanicDuringShutdownIsReportedOnceAndRaisedByRun(t *testing.T) {
	for _, others := range []int{0, 2} {
		seen := &reports{}
		p := panicOf(func() {
			aio.Run(t.Context(), func(ctx context.Context) error {
				aio.Start(ctx, func(ctx context.Context) error {
					forever(ctx)
					panic("oops")
				})
				for range others { // they take longer
					aio.Start(ctx, func(ctx context.Context) error {
						forever(ctx)
						return aio.Sleep(context.WithoutCancel(ctx), time.Second)
					})
				}
				return aio.Yield(ctx)
			}, testOptions(seen)...)
		})
		if got := seen.all(); p == nil || len(got) != 1 {
			t.Errorf("raised %v, reported %v", p, got)
		}
	}
}

func TestAPanicOfATaskWhoseAwaiterWasEndedWithTheLoopIsReported(t *testing.T) {
	for name, wait := range map[string]func(ctx context.Context, task *aio.Task[aio.None]) error{
		"Await":  func(ctx context.Context, task *aio.Task[aio.None]) error { _, err := task.Await(ctx); return err },
		"Gather": func(ctx context.Context, task *aio.Task[aio.None]) error { _, err := aio.Gather(ctx, task); return err },
	} {
		seen := &reports{}
		l := aio.NewLoop(testOptions(seen)...)
		task := aio.Start(l.Context(), func(ctx context.Context) error {
			aio.Yield(ctx)
			l.Stop()
			panic("oops")
		})
		aio.Start(l.Context(), func(ctx context.Context) error { return wait(ctx, task) }, aio.Name("waiter"))
		l.RunForever()
		l.Close()
		found := 0
		for _, r := range seen.all() {
			if r.Message == panicMessage {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s: reported: %v", name, seen.all())
		}
	}
}

func TestThePanicOfASubmittedTaskWhoseCallerHasGoneIsReported(t *testing.T) {
	seen := &reports{}
	p := panicOf(func() {
		aio.Run(t.Context(), func(ctx context.Context) error {
			l := aio.RunningLoop(ctx)
			caller, leave := context.WithCancel(context.Background())
			started, gone := aio.NewFuture[aio.None](l), aio.NewFuture[aio.None](l)
			go func() {
				aio.Submit(caller, l, func(ctx context.Context) (aio.None, error) {
					started.SetResult(aio.None{})
					forever(ctx)
					panic("oops")
				})
				l.CallSoonThreadsafe(func() { gone.SetResult(aio.None{}) })
			}()
			l.ExpectPosts(2)
			started.Await(ctx)
			leave()
			_, err := gone.Await(ctx)
			l.ExpectPosts(-2)
			passes(ctx, 5)
			return err
		}, testOptions(seen)...)
	})
	if got := seen.all(); p == nil || len(got) != 1 || got[0].Message != panicMessage {
		t.Errorf("raised %v, reported %v", p, got)
	}
}
