package aio_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

type eagerKey struct{}

// Conformance: EG-002.
func TestAnEagerTaskTakesItsFirstStepAtOnceAndGoesOnAsAnyOther(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		aio.Start(ctx, func(context.Context) error { j.add("ordinary"); return nil })
		f := aio.NewFuture[string](aio.RunningLoop(ctx))
		task := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			j.add("first step")
			if err := aio.Yield(ctx); err != nil {
				return "", err
			}
			j.add("second step")
			return f.Await(ctx)
		}, aio.Eager(), aio.Name("eager"))
		j.add("creator goes on")
		if task.Done() {
			t.Error("it is done")
		}
		aio.RunningLoop(ctx).CallLater(time.Second, func() { f.SetResult("the end") })
		v, err := task.Await(ctx)
		j.add("%s %v", v, err)
		j.want(t, "first step", "creator goes on", "ordinary", "second step", "the end <nil>")
		return nil
	})
}

// Conformance: EG-003, EG-005.
func TestAnEagerTaskThatEndsInItsFirstStepIsDoneAtOnce(t *testing.T) {
	run(t, func(ctx context.Context) error {
		done := aio.CreateTask(ctx, func(context.Context) (int, error) { return 42, nil }, aio.Eager())
		if v, err := done.Result(); v != 42 || err != nil || done.Cancel(nil) {
			t.Errorf("got %d, %v", v, err)
		}
		failed := aio.Start(ctx, func(context.Context) error { return errBoom }, aio.Eager())
		if failed.Err() != errBoom {
			t.Errorf("got %v", failed.Err())
		}
		blocked := aio.Start(ctx, forever, aio.Eager(), aio.Name("blocked"))
		all := aio.AllTasks(ctx)
		if len(all) != 2 || all[0] != aio.CurrentTask(ctx) || all[1].Name() != "blocked" {
			t.Errorf("all tasks: %v", all)
		}
		if !blocked.Cancel(errBoom) {
			t.Error("it cannot be cancelled")
		}
		if _, err := blocked.Await(ctx); !errors.Is(err, errBoom) || !blocked.Cancelled() {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

// Conformance: EG-006.
func TestTheValuesOfAnEagerTaskAreItsOwn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ctx = context.WithValue(ctx, eagerKey{}, "creator")
		aio.Start(ctx, func(ctx context.Context) error {
			if ctx.Value(eagerKey{}) != "creator" {
				t.Errorf("it sees %v", ctx.Value(eagerKey{}))
			}
			ctx = context.WithValue(ctx, eagerKey{}, "job")
			return aio.Yield(ctx)
		}, aio.Eager())
		if ctx.Value(eagerKey{}) != "creator" {
			t.Errorf("the creator sees %v", ctx.Value(eagerKey{}))
		}
		return aio.Yield(ctx)
	})
}

func TestTheCurrentTaskIsTheEagerOneOnlyDuringItsStep(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		l := aio.RunningLoop(ctx)
		who := func() {
			if task := l.CurrentTask(); task != nil {
				j.add("%s", task.Name())
			} else {
				j.add("nobody")
			}
		}
		start := func(name string, fn func(ctx context.Context) error) {
			aio.Start(l.Context(), func(ctx context.Context) error {
				who()
				if fn != nil {
					if err := fn(ctx); err != nil {
						return err
					}
				}
				who()
				return nil
			}, aio.Eager(), aio.Name(name))
		}
		who()
		start("short", nil)
		who()
		start("waits", aio.Yield)
		who()
		start("outer", func(ctx context.Context) error {
			start("inner", aio.Yield)
			who()
			return aio.Yield(ctx)
		})
		who()
		j.want(t, "main", "short", "short", "main", "waits", "main", "outer", "inner", "outer", "main")
		j = nil
		l.CallSoon(func() { who(); start("of a callback", aio.Yield); who() })
		for range 3 {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		j.want(t, "waits", "inner", "outer", "nobody", "of a callback", "nobody", "of a callback")
		return nil
	})
}

func TestAnEagerTaskMayPanicOrExitInItsFirstStep(t *testing.T) {
	run(t, func(ctx context.Context) error {
		creator := aio.CurrentTask(ctx)
		bad := aio.Start(ctx, func(context.Context) error { panic("at once") }, aio.Eager())
		gone := aio.Start(ctx, func(context.Context) error { runtime.Goexit(); return nil }, aio.Eager())
		if aio.CurrentTask(ctx) != creator {
			t.Error("the current task is not the creator")
		}
		var p *aio.PanicError
		if !errors.As(bad.Err(), &p) || p.Value != "at once" {
			t.Errorf("got %v", bad.Err())
		}
		var g *aio.GoexitError
		if !errors.As(gone.Err(), &g) {
			t.Errorf("got %v", gone.Err())
		}
		return aio.Yield(ctx)
	})
}

func TestAnEagerTaskMayCancelItsCreatorAndStopTheLoop(t *testing.T) {
	err := runErr(t, func(ctx context.Context) error {
		creator := aio.CurrentTask(ctx)
		aio.Start(ctx, func(context.Context) error { creator.Cancel(errBoom); return nil }, aio.Eager())
		return aio.Yield(ctx)
	})
	if !errors.Is(err, errBoom) || !errors.Is(err, aio.ErrCancelled) {
		t.Errorf("got %v", err)
	}
	var j journal
	err = runErr(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		aio.Start(ctx, func(context.Context) error { l.Stop(); return nil }, aio.Eager())
		aio.Start(ctx, func(context.Context) error { j.add("same pass"); return nil }, aio.Eager())
		j.add("creator goes on")
		err := aio.Yield(ctx)
		j.add("%v", errors.Is(err, aio.ErrCancelled))
		return err
	})
	if err != aio.ErrStopped {
		t.Errorf("got %v", err)
	}
	j.want(t, "same pass", "creator goes on", "true")
}

func TestEagerTasksOfAGroupBelongToIt(t *testing.T) {
	var j journal
	err := runErr(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				defer j.add("first ended")
				j.add("first")
				return forever(ctx)
			}, aio.Eager())
			g.Go(func(context.Context) error { j.add("second fails"); return errBoom }, aio.Eager())
			j.add("body")
			v := aio.Spawn(g, func(context.Context) (int, error) { return 3, nil }, aio.Eager())
			if n, err := v.Result(); n != 3 || err != nil {
				t.Errorf("got %d, %v", n, err)
			}
			err := forever(ctx)
			j.add("cancelled: %v", errors.Is(err, aio.ErrCancelled))
			return err
		})
	})
	if err != errBoom {
		t.Errorf("got %v", err)
	}
	j.want(t, "first", "second fails", "body", "first ended", "cancelled: true")
}

func TestAnEagerTaskOfALoopThatDoesNotRunWaitsForItsTurn(t *testing.T) {
	l := aio.NewLoop(aio.WithClock(aio.NewVirtualClock()))
	defer l.Close()
	began := false
	task := aio.Start(l.Context(), func(context.Context) error { began = true; return nil }, aio.Eager())
	if began {
		t.Error("it has begun")
	}
	if _, err := aio.RunUntilDone(l, task); err != nil || !began {
		t.Errorf("got %v, began %v", err, began)
	}
}

func TestManyEagerTasksInsideEachOther(t *testing.T) {
	run(t, func(ctx context.Context) error {
		const depth = 100
		ended := 0
		var nest func(ctx context.Context, n int) error
		nest = func(ctx context.Context, n int) error {
			if n < depth {
				if _, err := aio.Start(ctx, func(ctx context.Context) error { return nest(ctx, n+1) }, aio.Eager()).Await(ctx); err != nil {
					return err
				}
			} else if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			ended++
			return nil
		}
		if err := nest(ctx, 0); err != nil || ended != depth+1 {
			t.Errorf("%d ended, %v", ended, err)
		}
		return nil
	})
}
