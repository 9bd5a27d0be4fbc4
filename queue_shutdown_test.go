package aio_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aio-go/aio"
)

// Conformance: Q-033.
func TestAShutdownLetsWhatIsInTheQueueOutAndNothingIn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aio.NewQueue[string](1)
		put(q, "data")
		w := putter(ctx, q, "more")
		turns(ctx, 1)
		q.Shutdown(false)
		if _, err := w.Await(ctx); !errors.Is(err, aio.ErrQueueShutdown) {
			t.Errorf("the putter ended with %v", err)
		}
		for _, err := range []error{q.Put(ctx, "x"), q.PutNowait("x")} {
			if !errors.Is(err, aio.ErrQueueShutdown) {
				t.Errorf("put: %v", err)
			}
		}
		if !q.Full() || q.Len() != 1 || !q.Statistics().Shutdown {
			t.Errorf("%v", q)
		}
		join := aio.Start(ctx, q.Join)
		if v, err := q.Get(ctx); v != "data" || err != nil {
			t.Errorf("got %q, %v", v, err)
		}
		_, err := q.Get(ctx)
		_, errNow := q.GetNowait()
		if !errors.Is(err, aio.ErrQueueShutdown) || !errors.Is(errNow, aio.ErrQueueShutdown) {
			t.Errorf("get: %v, %v", err, errNow)
		}
		turns(ctx, 3)
		if join.Done() {
			t.Error("Join returned before TaskDone")
		}
		q.TaskDone()
		_, err = join.Await(ctx)
		return err
	})
}

// Conformance: Q-034.
func TestAnImmediateShutdownDropsTheItemsAndCountsThemAsDone(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aio.NewQueue[int](2)
		put(q, 1, 2)
		w := putter(ctx, q, 3)
		join := aio.Start(ctx, q.Join)
		turns(ctx, 1)
		q.Shutdown(true)
		if _, err := w.Await(ctx); !errors.Is(err, aio.ErrQueueShutdown) {
			t.Errorf("the putter ended with %v", err)
		}
		if _, err := join.Await(ctx); err != nil {
			t.Errorf("Join: %v", err)
		}
		_, err := q.Get(ctx)
		if s := q.Statistics(); !errors.Is(err, aio.ErrQueueShutdown) || s.Len != 0 || s.Unfinished != 0 {
			t.Errorf("get: %v, %+v", err, s)
		}
		return nil
	})
}

func TestAnImmediateShutdownWaitsForItemsThatWereTaken(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aio.NewQueue[int](0)
		put(q, 1, 2)
		q.GetNowait()
		join := aio.Start(ctx, q.Join)
		turns(ctx, 1)
		q.Shutdown(true)
		turns(ctx, 3)
		if join.Done() {
			t.Error("Join returned")
		}
		q.TaskDone()
		_, err := join.Await(ctx)
		return err
	})
}

func TestAShutdownEndsWaitingGetters(t *testing.T) {
	for _, immediate := range []bool{false, true} {
		t.Run(fmt.Sprintf("immediate=%t", immediate), func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				q := aio.NewQueue[int](0)
				called, waiting := getter(ctx, q), getter(ctx, q)
				turns(ctx, 1)
				put(q, 1) // promised to the first
				q.Shutdown(immediate)
				turns(ctx, 1)
				v, err := called.Result()
				if immediate && !errors.Is(err, aio.ErrQueueShutdown) || !immediate && (v != 1 || err != nil) {
					t.Errorf("the first got %d, %v", v, err)
				}
				if err := waiting.Err(); !errors.Is(err, aio.ErrQueueShutdown) {
					t.Errorf("the second got %v", err)
				}
				return nil
			})
		})
	}
}

func TestAPromisedItemOfAShutDownQueueIsNotLostWithItsGetter(t *testing.T) {
	for _, immediate := range []bool{false, true} {
		t.Run(fmt.Sprintf("immediate=%t", immediate), func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				q := aio.NewQueue[int](0)
				w := getter(ctx, q)
				turns(ctx, 1)
				put(q, 1)
				q.Shutdown(immediate)
				w.Cancel(nil)
				turns(ctx, 1)
				got := drain(q)
				if want := map[bool]int{false: 1, true: 0}[immediate]; !w.Cancelled() || len(got) != want {
					t.Errorf("%v, got %v", w, got)
				}
				return nil
			})
		})
	}
}
