package aio_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// named is a task that sleeps and returns its name.
func named(ctx context.Context, name string, d time.Duration) *aio.Task[string] {
	return aio.CreateTask(ctx, func(ctx context.Context) (string, error) { return name, aio.Sleep(ctx, d) })
}

func results(seq iter.Seq2[*aio.Task[string], error]) (list []string, err error) {
	for task, err := range seq {
		if err != nil {
			return list, err
		}
		v, _ := task.Result()
		list = append(list, v)
	}
	return list, nil
}

func TestAsCompletedYieldsInTheOrderOfCompletion(t *testing.T) {
	run(t, func(ctx context.Context) error {
		a, b, c := named(ctx, "a", 3*time.Second), named(ctx, "b", time.Second), named(ctx, "c", 2*time.Second)
		got, err := results(aio.AsCompleted(ctx, a, b, c, b))
		if !slices.Equal(got, []string{"b", "c", "a"}) {
			t.Errorf("got %v", got)
		}
		return err
	})
}

// Conformance: AC-002.
func TestATimeOutDuringAsCompletedLeavesTheRestRunning(t *testing.T) {
	run(t, func(ctx context.Context) error {
		a, b := named(ctx, "a", 100*time.Millisecond), named(ctx, "b", 150*time.Millisecond)
		var got []string
		err := aio.Timeout(ctx, 120*time.Millisecond, func(ctx context.Context) (err error) {
			got, err = results(aio.AsCompleted(ctx, a, b))
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) || !slices.Equal(got, []string{"a"}) || b.Done() {
			t.Errorf("got %v, %v; %v", got, err, b)
		}
		_, err = b.Await(ctx)
		return err
	})
}

// Conformance: AC-003.
func TestATimeOutThatAsCompletedDoesNotNeedHasNoEffect(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var got []string
		begin := aio.RunningLoop(ctx).Time()
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) (err error) {
			got, err = results(aio.AsCompleted(ctx, named(ctx, "a", time.Millisecond)))
			return err
		})
		if err != nil || !slices.Equal(got, []string{"a"}) {
			t.Errorf("got %v, %v", got, err)
		}
		if err := aio.Sleep(ctx, 5*time.Second); err != nil {
			return err
		}
		if d := aio.RunningLoop(ctx).Time().Sub(begin); d != 5*time.Second+time.Millisecond {
			t.Errorf("it took %v", d)
		}
		return nil
	})
}

// Conformance: AC-004.
func TestEachStepOfAsCompletedGetsTheEarliestResultThatIsLeft(t *testing.T) {
	run(t, func(ctx context.Context) error {
		next, stop := iter.Pull2(aio.AsCompleted(ctx, named(ctx, "a", 2*time.Second), named(ctx, "b", time.Second)))
		defer stop()
		for _, want := range []string{"b", "a"} {
			task, err, ok := next()
			if v, _ := task.Result(); v != want || err != nil || !ok {
				t.Errorf("got %q, %v, %v; want %q", v, err, ok, want)
			}
		}
		return nil
	})
}

// Conformance: AC-007.
func TestAsCompletedRefusesNilAndForeignTasks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { results(aio.AsCompleted[*aio.Task[string]](ctx, nil)) }, "aio: AsCompleted: a task or future is nil")
		return nil
	})
}

// Conformance: AC-008.
func TestAsCompletedNeedsALoop(t *testing.T) {
	wantPanic(t, func() { results(aio.AsCompleted[*aio.Task[string]](t.Context())) }, "aio: AsCompleted: no running event loop")
}

// Conformance: V-024.
func TestAFailureComesAtItsTurnAndTheIterationGoesOn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		bad := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			aio.Sleep(ctx, 2*time.Second)
			return "", errBoom
		})
		var log journal
		for task, err := range aio.AsCompleted(ctx, named(ctx, "late", 3*time.Second), bad, named(ctx, "early", time.Second)) {
			if err != nil {
				return err
			}
			v, err := task.Await(ctx)
			log.add("%s %v", v, err)
		}
		log.want(t, "early <nil>", " boom", "late <nil>")
		return nil
	})
}

// Conformance: V-030.
func TestTasksForAsCompletedStartInTheOrderOfCreation(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		var tasks []*aio.Task[aio.None]
		for i := range 5 {
			tasks = append(tasks, aio.Start(ctx, func(context.Context) error { log.add("%d", i); return nil }))
		}
		for _, err := range aio.AsCompleted(ctx, tasks...) {
			if err != nil {
				return err
			}
		}
		log.want(t, "0", "1", "2", "3", "4")
		return nil
	})
}

func TestACancelledAsCompletedEndsTheIterationAndLeavesTheTasks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		a, b := named(ctx, "a", time.Second), named(ctx, "b", time.Hour)
		var got []string
		task := aio.Start(ctx, func(ctx context.Context) (err error) {
			got, err = results(aio.AsCompleted(ctx, a, b))
			return err
		})
		aio.Sleep(ctx, 2*time.Second)
		task.Cancel(nil)
		task.Await(ctx)
		if !task.Cancelled() || b.Done() || !slices.Equal(got, []string{"a"}) {
			t.Errorf("%v, %v; got %v", task, b, got)
		}
		return nil
	})
}

func TestAsCompletedCanBeLeftEarlyAndUsedAgain(t *testing.T) {
	run(t, func(ctx context.Context) error {
		seq := aio.AsCompleted(ctx, named(ctx, "a", time.Second), named(ctx, "b", 2*time.Second))
		for range seq {
			break
		}
		got, err := results(seq)
		if !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("got %v", got)
		}
		return err
	})
}
