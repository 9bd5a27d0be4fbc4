package aio_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// Conformance: V-012.
func TestABodyThatReturnsACancellationByItselfCancelsTheGroup(t *testing.T) {
	run(t, func(ctx context.Context) error {
		victim := aio.Start(ctx, forever)
		victim.Cancel(errReason)
		var child *aio.Task[aio.None]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			child = g.Go(forever)
			aio.Yield(ctx)
			_, err := victim.Await(ctx)
			return err
		})
		wantCancelled(t, err, errReason)
		if !child.Cancelled() || ctx.Err() != nil {
			t.Errorf("the child is %v", child)
		}
		return nil
	})
}

// Conformance: V-014.
func TestAChildThatAnswersTheCancellationWithAnErrorDecidesTheOutcomeOfTheGroup(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := started(ctx, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					forever(ctx)
					return errBoom
				})
				return nil
			})
		})
		aio.Yield(ctx)
		task.Cancel(nil)
		if _, err := task.Await(ctx); err != errBoom || task.Cancelled() {
			t.Errorf("got %v; %v", err, task)
		}
		return nil
	})
}

// Conformance: V-029.
func TestAGroupCancelsItsTasksInTheOrderOfCreation(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 5 {
				g.Go(func(ctx context.Context) error {
					err := forever(ctx)
					log.add("%d", i)
					return err
				})
			}
			aio.Yield(ctx)
			return errBoom
		})
		log.want(t, "0", "1", "2", "3", "4")
		if err != errBoom {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func TestAFailureInThePassInWhichTheBodyEndsIsNotLost(t *testing.T) {
	run(t, func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(context.Context) error { return errBoom })
			return aio.Yield(ctx) // the child has failed when this returns, in the same pass
		})
		if err != errBoom {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func TestAGroupWhoseStandardContextEndsReturnsTheCancellation(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		for _, inBody := range []bool{true, false} {
			std, cancel := context.WithCancelCause(ctx)
			l.CallLater(time.Second, func() { l.ExpectPosts(1); cancel(errReason) })
			err := aio.Group(std, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(forever)
				if inBody {
					return forever(ctx)
				}
				return nil
			})
			l.ExpectPosts(-1)
			if !errors.Is(err, context.Canceled) || !errors.Is(err, errReason) {
				t.Errorf("got %v", err)
			}
		}
		return nil
	})
}

func TestAGroupInACancelledTaskThatSwallowsStillEndsItsTasks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var child *aio.Task[aio.None]
		task := started(ctx, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				child = g.Go(forever)
				forever(ctx)
				return nil // swallowed
			})
		})
		aio.Yield(ctx)
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		if !child.Cancelled() {
			t.Error(child)
		}
		return nil
	})
}
