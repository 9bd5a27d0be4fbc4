package aio_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aio-go/aio"
)

// Conformance: T-054 (a factory prepares tasks instead of making them).
func TestATaskFactoryIsCalledWithEveryTaskUntilItIsRemoved(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		l := aio.RunningLoop(ctx)
		if l.TaskFactory() != nil {
			t.Error("there is a factory from the start")
		}
		n := 0
		l.SetTaskFactory(func(task aio.AnyTask) error {
			n++
			task.SetName(fmt.Sprintf("made-%d", n))
			task.AddDoneCallback(func() { j.add("%s ended", task.Name()) })
			return nil
		})
		if l.TaskFactory() == nil {
			t.Error("there is no factory")
		}
		first := aio.Start(ctx, aio.Yield)
		j.add("%s", first.Name())
		if _, err := first.Await(ctx); err != nil {
			return err
		}
		l.SetTaskFactory(nil)
		second := aio.Start(ctx, aio.Yield, aio.Name("plain"))
		j.add("%s", second.Name())
		if _, err := second.Await(ctx); err != nil {
			return err
		}
		j.want(t, "made-1", "made-1 ended", "plain")
		return nil
	})
}

// Conformance: T-055 (R9: what is no factory does not compile; nil is none).
func TestANilTaskFactoryIsNone(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.SetTaskFactory(nil)
		if l.TaskFactory() != nil {
			t.Error("there is a factory")
		}
		_, err := aio.Start(ctx, aio.Yield).Await(ctx)
		return err
	}, aio.WithTaskFactory(nil))
}

// Conformance: T-056.
func TestWhateverMakesATaskAsksTheFactory(t *testing.T) {
	var j journal
	one := func(ctx context.Context) (int, error) { return 1, aio.Yield(ctx) }
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		made := func(what string, n int, fn func() error) {
			t.Helper()
			j = nil
			if err := fn(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			if len(j) != n {
				t.Errorf("%s: the factory was asked for %q, want %d tasks", what, j, n)
			}
		}
		j.want(t, "main")
		made("CreateTask", 1, func() error { _, err := aio.CreateTask(ctx, one).Await(ctx); return err })
		made("Start", 1, func() error { _, err := aio.Start(ctx, aio.Yield, aio.Eager()).Await(ctx); return err })
		made("Group", 2, func() error {
			return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
				g.Go(aio.Yield)
				aio.Spawn(g, one)
				return nil
			})
		})
		made("All", 3, func() error { _, err := aio.All(ctx, one, one, one); return err })
		made("StartReady", 1, func() error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				_, err := aio.StartReady(ctx, g, func(_ context.Context, ready func(int)) error { ready(1); return nil })
				return err
			})
		})
		made("Submit", 1, func() error {
			_, err := aio.ToThread(ctx, func(context.Context) (int, error) { return aio.Submit(context.Background(), l, one) })
			return err
		})
		return nil
	}, aio.WithTaskFactory(func(task aio.AnyTask) error { j.add("%s", task.Name()); return nil }))
}

func TestATaskThatTheFactoryRefusesNeverRuns(t *testing.T) {
	refuse := func(aio.AnyTask) error { return errBoom }
	never := func(context.Context) error { t.Error("it runs"); return nil }
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.SetTaskFactory(refuse)
		for _, opt := range []aio.TaskOption{aio.Name("later"), aio.Eager()} {
			task := aio.Start(ctx, never, opt)
			if !task.Done() || len(l.AllTasks()) != 1 {
				t.Errorf("done %v, all tasks %v", task.Done(), l.AllTasks())
			}
			if _, err := task.Await(ctx); err != errBoom {
				t.Errorf("got %v", err)
			}
		}
		l.SetTaskFactory(nil)
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			l.SetTaskFactory(refuse)
			g.Go(never)
			return forever(ctx) // the failure ends the group
		})
		if err != errBoom {
			t.Errorf("Group: %v", err)
		}
		_, err = aio.All(ctx, aio.Action(never), aio.Action(never))
		if !errors.Is(err, errBoom) {
			t.Errorf("All: %v", err)
		}
		return nil
	})
	if err := runErr(t, never, aio.WithTaskFactory(refuse)); err != errBoom {
		t.Errorf("Run: %v", err)
	}
}

func TestATaskThatNobodyAwaitsAndTheFactoryRefusesIsReported(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		aio.RunningLoop(ctx).SetTaskFactory(func(aio.AnyTask) error { return errBoom })
		aio.Start(ctx, forever, aio.Name("refused"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if list := seen.all(); len(list) != 1 || list[0].TaskName != "refused" || list[0].Err != errBoom {
		t.Errorf("reports: %+v", list)
	}
}

func TestAPanicOfTheFactoryIsThatOfTheTask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		broken := func(aio.AnyTask) error { panic("broken factory") }
		l.SetTaskFactory(broken)
		task := aio.Start(ctx, forever)
		wantPanic(t, func() { task.Await(ctx) }, "broken factory")
		l.SetTaskFactory(nil)
		wantPanic(t, func() {
			aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				l.SetTaskFactory(broken)
				g.Go(forever)
				return forever(ctx)
			})
		}, "broken factory")
		return nil
	})
}

// Conformance: TS-005.
func TestAThreadSeesThatTheFactoryRefusedWhatItSubmitted(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.SetTaskFactory(func(aio.AnyTask) error { return errBoom })
		_, err := aio.ToThread(ctx, func(context.Context) (int, error) {
			return aio.Submit(context.Background(), l, func(context.Context) (int, error) { return 1, nil })
		})
		if err != errBoom {
			t.Errorf("got %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if list := seen.all(); len(list) != 1 || list[0].Err != errBoom {
		t.Errorf("reports: %+v", list)
	}
}
