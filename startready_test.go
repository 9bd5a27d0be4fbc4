package aio_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

func TestStartReadyReturnsWhatTheTaskSaysAndTheTaskGoesOn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			address, err := aio.StartReady(ctx, g, func(ctx context.Context, ready func(string)) error {
				j.add("starts")
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
				ready("localhost:80")
				ready("ignored")
				j.add("serves")
				err := aio.Sleep(ctx, time.Second)
				j.add("ends")
				return err
			}, aio.Name("server"))
			j.add("%s %v", address, err)
			return err
		})
		j.want(t, "starts", "serves", "localhost:80 <nil>", "ends")
		return err
	})
}

func TestAFailureBeforeReadyIsReturnedAndDoesNotEndTheGroup(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			sibling := g.Go(func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) })
			for _, opts := range [][]aio.TaskOption{nil, {aio.Eager()}} {
				_, err := aio.StartReady(ctx, g, func(context.Context, func(int)) error { return errBoom }, opts...)
				j.add("%v", err)
				_, err = aio.StartReady(ctx, g, func(context.Context, func(int)) error { return nil }, opts...)
				j.add("%v", errors.Is(err, aio.ErrNotReady))
			}
			if sibling.Done() {
				t.Error("the group was ended")
			}
			return nil
		})
		j.want(t, "boom", "true", "boom", "true")
		return err
	})
}

func TestAFailureAfterReadyEndsTheGroup(t *testing.T) {
	var j journal
	err := runErr(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			v, err := aio.StartReady(ctx, g, func(ctx context.Context, ready func(int)) error {
				ready(1)
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
				return errBoom
			})
			j.add("%d %v", v, err)
			err = forever(ctx)
			j.add("cancelled: %v", errors.Is(err, aio.ErrCancelled))
			return err
		})
	})
	if err != errBoom {
		t.Errorf("got %v", err)
	}
	j.want(t, "1 <nil>", "cancelled: true")
}

func TestAFailureInTheStepOfReadyEndsTheGroupAndTheValueIsThere(t *testing.T) {
	err := runErr(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			v, err := aio.StartReady(ctx, g, func(_ context.Context, ready func(int)) error {
				ready(7)
				return errBoom
			})
			if v != 7 && !errors.Is(err, aio.ErrCancelled) { // the group may have ended the wait first
				t.Errorf("got %d, %v", v, err)
			}
			return forever(ctx)
		})
	})
	if err != errBoom {
		t.Errorf("got %v", err)
	}
}

func TestACancelledStartReadyEndsItsTaskFirst(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
				_, err := aio.StartReady(ctx, g, func(ctx context.Context, ready func(int)) error {
					err := forever(ctx)
					j.add("cancelled: %v", errors.Is(err, aio.ErrCancelled))
					aio.Sleep(context.WithoutCancel(ctx), time.Second)
					j.add("tidied up")
					ready(1)       // too late
					return errBoom // and nobody wants to know
				})
				j.add("StartReady: %v", errors.Is(err, aio.ErrCancelled))
				return err
			})
			j.add("time-out: %v", errors.Is(err, context.DeadlineExceeded))
			return nil
		})
		j.want(t, "cancelled: true", "tidied up", "StartReady: true", "time-out: true")
		return err
	})
}

func TestAPanicBeforeReadyIsReturnedAndRaisedByTheGroup(t *testing.T) {
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() {
			aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				_, err := aio.StartReady(ctx, g, func(context.Context, func(int)) error { panic("not ready") })
				if errors.Is(err, aio.ErrNotReady) || err == nil {
					t.Errorf("got %v", err)
				}
				return err
			})
		}, "not ready")
		return nil
	})
}

func TestStartReadyInAGroupThatIsEndingFails(t *testing.T) {
	run(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Cancel(nil)
			free := context.WithoutCancel(ctx)
			_, err := aio.StartReady(free, g, func(context.Context, func(int)) error { t.Error("it runs"); return nil })
			if !errors.Is(err, aio.ErrGroupClosed) {
				t.Errorf("got %v", err)
			}
			return nil
		})
	})
}

func TestReadyMayBeCalledByACallback(t *testing.T) {
	run(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			v, err := aio.StartReady(ctx, g, func(ctx context.Context, ready func(string)) error {
				aio.RunningLoop(ctx).CallLater(time.Second, func() { ready("from a callback") })
				return aio.Sleep(ctx, time.Minute)
			})
			if !strings.HasPrefix(v, "from") {
				t.Errorf("got %q", v)
			}
			return err
		})
	})
}

func TestStartReadyRefusesMisuse(t *testing.T) {
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { aio.StartReady[int](ctx, nil, func(context.Context, func(int)) error { return nil }) }, "aio: StartReady: the group is nil")
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			wantPanic(t, func() { aio.StartReady[int](ctx, g, nil) }, "aio: StartReady: the function is nil")
			return nil
		})
	})
}
