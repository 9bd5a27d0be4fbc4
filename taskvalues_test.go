package aio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

type key string

// Conformance: TX-001.
func TestAChildSeesTheValuesOfItsCreationAndChangesNoneOfItsParent(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ctx = context.WithValue(ctx, key("v"), "at creation")
		child := aio.CreateTask(ctx, func(ctx context.Context) (any, error) {
			seen := ctx.Value(key("v"))
			ctx = context.WithValue(ctx, key("v"), "child's own")
			return seen, aio.Yield(ctx)
		})
		later := context.WithValue(ctx, key("v"), "set later")
		v, err := child.Await(later)
		if v != "at creation" || later.Value(key("v")) != "set later" || ctx.Value(key("v")) != "at creation" {
			t.Errorf("the child saw %v, the parent has %v", v, later.Value(key("v")))
		}
		return err
	})
}

// Conformance: TX-002.
func TestACallbackDoesNotChangeTheValuesOfATask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ctx = context.WithValue(ctx, key("v"), 1)
		f := aio.NewFuture[int](aio.RunningLoop(ctx))
		f.AddDoneCallback(func() {
			own := context.WithValue(aio.RunningLoop(ctx).Context(), key("v"), 2)
			if own.Value(key("v")) != 2 {
				t.Error("the callback does not see its own value")
			}
		})
		aio.RunningLoop(ctx).CallSoon(func() { f.SetResult(0) })
		_, err := f.Await(ctx)
		if ctx.Value(key("v")) != 1 {
			t.Errorf("after the await the value is %v", ctx.Value(key("v")))
		}
		return err
	})
}

// Conformance: TX-004.
func TestTasksThatAreGivenTheSameContextShareWhatItHolds(t *testing.T) {
	run(t, func(ctx context.Context) error {
		shared := context.WithValue(ctx, key("box"), new(string))
		first := aio.Start(shared, func(ctx context.Context) error {
			*ctx.Value(key("box")).(*string) = "from the first"
			return nil
		})
		second := aio.CreateTask(shared, func(ctx context.Context) (string, error) {
			return *ctx.Value(key("box")).(*string), nil
		})
		if _, err := first.Await(ctx); err != nil {
			return err
		}
		v, err := second.Await(ctx)
		if v != "from the first" {
			t.Errorf("the second saw %q", v)
		}
		return err
	})
}

// Conformance: TX-005.
func TestTasksThatInterleaveKeepTheirOwnValues(t *testing.T) {
	run(t, func(ctx context.Context) error {
		divide := func(precision int) aio.Func[string] {
			return func(ctx context.Context) (string, error) {
				ctx = context.WithValue(ctx, key("precision"), precision)
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return "", err
				}
				return fmt.Sprintf("%.*f", ctx.Value(key("precision")), 1.0/3), aio.Yield(ctx)
			}
		}
		got, err := aio.All(ctx, divide(3), divide(6))
		if err == nil && (got[0] != "0.333" || got[1] != "0.333333") {
			t.Errorf("got %v", got)
		}
		return err
	})
}

// Conformance: TX-006.
func TestAThreadSeesTheValuesOfItsCaller(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ctx = context.WithValue(ctx, key("v"), "mine")
		v, err := aio.ToThread(ctx, func(ctx context.Context) (any, error) { return ctx.Value(key("v")), nil })
		if v != "mine" {
			t.Errorf("the thread saw %v", v)
		}
		return err
	})
}

func TestTheValuesOfRunReachEveryTaskAndTheAmbientContext(t *testing.T) {
	outside := context.WithValue(t.Context(), key("v"), "outside")
	err := aio.Run(outside, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		fromCallback := aio.NewFuture[any](l)
		l.CallSoon(func() {
			aio.Start(l.Context(), func(ctx context.Context) error { return fromCallback.SetResult(ctx.Value(key("v"))) })
		})
		v, err := fromCallback.Await(ctx)
		if v != "outside" || ctx.Value(key("v")) != "outside" {
			t.Errorf("main sees %v, a task made in a callback %v", ctx.Value(key("v")), v)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Conformance: TX-007.
func TestAReportHasTheValuesOfTheTaskThatFailed(t *testing.T) {
	begun := context.WithValue(t.Context(), key("v"), "the loop's")
	var seen []any
	err := aio.Run(begun, func(ctx context.Context) error {
		aio.Start(context.WithValue(ctx, key("v"), "the task's"), func(context.Context) error { return errors.New("boom") })
		aio.RunningLoop(ctx).CallSoon(func() { panic("boom") })
		return aio.Yield(ctx)
	}, aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) {
		seen = append(seen, r.Context.Value(key("v")))
		if r.Context.Err() != nil {
			t.Errorf("the context of %q has ended: %v", r.Message, r.Context.Err())
		}
	}))
	if err != nil || !slices.Equal(seen, []any{"the loop's", "the task's"}) {
		t.Errorf("got %v, and the handler saw %v", err, seen)
	}
}
