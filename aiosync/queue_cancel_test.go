package aiosync_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// Conformance: Q-009.
func TestAnItemGoesPastAGetterThatIsCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[string](1)
		first, second := getter(ctx, q), getter(ctx, q)
		turns(ctx, 1)
		first.Cancel(nil)
		put(q, "a")
		v, err := second.Await(ctx)
		if v != "a" || !first.Cancelled() {
			t.Errorf("got %q, %v", v, first)
		}
		return err
	})
}

// Conformance: Q-015.
func TestAGetterThatIsCancelledAfterItWasCalledLeavesTheItemInPlace(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](0)
		w := getter(ctx, q)
		turns(ctx, 1)
		put(q, 1, 2)
		w.Cancel(nil)
		turns(ctx, 1)
		if !w.Cancelled() {
			t.Errorf("%v", w)
		}
		for want := 1; want <= 2; want++ {
			if v, err := q.Get(ctx); v != want || err != nil {
				t.Errorf("got %d, %v, want %d", v, err, want)
			}
		}
		return nil
	})
}

func TestThePromisedItemOfACancelledGetterGoesToTheNext(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](0)
		first, second := getter(ctx, q), getter(ctx, q)
		turns(ctx, 1)
		put(q, 1)
		first.Cancel(nil)
		turns(ctx, 1)
		if v, err := q.GetNowait(); err == nil {
			t.Errorf("got %d, which is promised to the second", v)
		}
		v, err := second.Await(ctx)
		if v != 1 || !first.Cancelled() {
			t.Errorf("got %d, %v", v, first)
		}
		return err
	})
}

// Conformance.
func TestAPutterThatIsCancelledAfterItWasCalledPutsNothing(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](1)
		put(q, 1)
		w := putter(ctx, q, 2)
		turns(ctx, 1)
		q.GetNowait()
		w.Cancel(errBoom)
		_, err := w.Await(ctx)
		wantCancelled(t, err, errBoom)
		if q.Len() != 0 || q.Full() {
			t.Errorf("%v", q)
		}
		if err := q.PutNowait(2); err != nil { // its place is free again
			t.Error(err)
		}
		if got := drain(q); !slices.Equal(got, []int{2}) {
			t.Errorf("got %v", got)
		}
		return nil
	})
}

func TestThePromisedPlaceOfACancelledPutterGoesToTheNext(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](1)
		put(q, 0)
		first, second := putter(ctx, q, 1), putter(ctx, q, 2)
		turns(ctx, 1)
		q.GetNowait()
		first.Cancel(nil)
		_, err := second.Await(ctx)
		if got := drain(q); !slices.Equal(got, []int{2}) || !first.Cancelled() {
			t.Errorf("got %v, %v", got, first)
		}
		return err
	})
}

// Conformance: Q-020.
func TestAPutterThatIsCancelledBeforeItRanPutsNothing(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[string](1)
		putter(ctx, q, "a")
		b := putter(ctx, q, "b")
		x := putter(ctx, q, "x")
		turns(ctx, 1)
		y := putter(ctx, q, "y")
		x.Cancel(nil)
		y.Cancel(nil)
		for _, want := range []string{"a", "b"} {
			if v, err := q.Get(ctx); v != want || err != nil {
				t.Errorf("got %q, %v, want %q", v, err, want)
			}
		}
		_, err := b.Await(ctx)
		if !x.Cancelled() || !y.Cancelled() || q.Len() != 0 {
			t.Errorf("%v, %v, %v", x, y, q)
		}
		return err
	})
}

// Conformance: Q-023.
func TestACancelledPutterLeavesTheLine(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](1)
		put(q, 0)
		w := putter(ctx, q, 1)
		turns(ctx, 1)
		if n := q.Statistics().Putters; n != 1 {
			t.Errorf("%d putters", n)
		}
		w.Cancel(nil)
		turns(ctx, 1)
		if n := q.Statistics().Putters; n != 0 || q.Len() != 1 {
			t.Errorf("%d putters, %v", n, q)
		}
		return nil
	})
}

// Conformance: V-018 (the getter keeps what it was promised, which is stronger).
func TestNobodyOvertakesAGetterThatWasCalled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](0)
		w := getter(ctx, q)
		turns(ctx, 1)
		put(q, 1)
		if v, err := q.GetNowait(); !errors.Is(err, aiosync.ErrQueueEmpty) || !q.Empty() || q.Len() != 1 {
			t.Errorf("got %d, %v; empty %t, length %d", v, err, q.Empty(), q.Len())
		}
		late := getter(ctx, q)
		if v, err := w.Await(ctx); v != 1 || err != nil {
			t.Errorf("the getter got %d, %v", v, err)
		}
		put(q, 2)
		if v, err := late.Await(ctx); v != 2 || err != nil {
			t.Errorf("the late getter got %d, %v", v, err)
		}
		return nil
	})
}

// Conformance: V-019 (the putter keeps the place it was promised, which is stronger).
func TestNobodyOvertakesAPutterThatWasCalled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[string](1)
		put(q, "first")
		w := putter(ctx, q, "waited")
		turns(ctx, 1)
		q.GetNowait()
		if err := q.PutNowait("overtakes"); !errors.Is(err, aiosync.ErrQueueFull) || !q.Full() {
			t.Errorf("put: %v, full %t", err, q.Full())
		}
		turns(ctx, 1)
		if got := drain(q); !w.Done() || !slices.Equal(got, []string{"waited"}) {
			t.Errorf("got %v", got)
		}
		return nil
	})
}

func TestAllEndsWithTheErrorOfACancellation(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](0)
		put(q, 1, 2)
		var got []int
		w := aio.Start(ctx, func(ctx context.Context) error {
			for v, err := range q.All(ctx) {
				if err != nil {
					return err
				}
				got = append(got, v)
			}
			t.Error("the iteration ended quietly")
			return nil
		})
		turns(ctx, 1)
		w.Cancel(errBoom)
		_, err := w.Await(ctx)
		wantCancelled(t, err, errBoom)
		if !slices.Equal(got, []int{1, 2}) {
			t.Errorf("got %v", got)
		}
		return nil
	})
}

// TestNoItemIsLostOrDoubledWhateverIsCancelled cancels getters and putters at random and counts.
func TestNoItemIsLostOrDoubledWhateverIsCancelled(t *testing.T) {
	for seed := range uint64(50) {
		d := newDice(seed)
		run(t, func(ctx context.Context) error {
			q := aiosync.NewQueue[int](int(1 + seed%3))
			in, out := map[int]bool{}, map[int]int{}
			var tasks []*aio.Task[aio.None]
			for i := range 200 {
				switch d.IntN(4) {
				case 0, 1:
					tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error {
						err := q.Put(ctx, i)
						in[i] = err == nil
						return err
					}))
				case 2:
					tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error {
						v, err := q.Get(ctx)
						if err == nil {
							out[v]++
						}
						return err
					}))
				case 3:
					if len(tasks) > 0 {
						tasks[d.IntN(len(tasks))].Cancel(nil)
					}
				}
				if d.IntN(3) == 0 {
					turns(ctx, 1)
				}
			}
			turns(ctx, 400)
			if s := q.Statistics(); s.Getters > 0 && s.Len > 0 || s.Putters > 0 && !q.Full() {
				t.Errorf("seed %d: %+v: somebody waits for what is there", seed, s)
			}
			for _, w := range tasks {
				w.Cancel(nil)
			}
			turns(ctx, 3)
			for _, v := range drain(q) {
				out[v]++
			}
			for i, was := range in {
				if want := map[bool]int{true: 1, false: 0}[was]; out[i] != want {
					t.Errorf("seed %d: item %d was put: %t, and came out %d times", seed, i, was, out[i])
				}
			}
			if s := q.Statistics(); s.Getters+s.Putters+s.Len != 0 || q.Full() || !q.Empty() {
				t.Errorf("seed %d: at the end %+v", seed, s)
			}
			return nil
		}, aio.WithChooser(d))
	}
}
