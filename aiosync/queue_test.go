package aiosync_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// getter starts a task that gets one item.
func getter[T any](ctx context.Context, q *aiosync.Queue[T]) *aio.Task[T] {
	return aio.CreateTask(ctx, q.Get)
}

// putter starts a task that puts one item.
func putter[T any](ctx context.Context, q *aiosync.Queue[T], v T) *aio.Task[aio.None] {
	return aio.Start(ctx, func(ctx context.Context) error { return q.Put(ctx, v) })
}

// drain takes all items that are there.
func drain[T any](q *aiosync.Queue[T]) (items []T) {
	for !q.Empty() {
		v, err := q.GetNowait()
		if err != nil {
			panic(err)
		}
		items = append(items, v)
	}
	return items
}

// put fills q.
func put[T any](q *aiosync.Queue[T], items ...T) {
	for _, v := range items {
		if err := q.PutNowait(v); err != nil {
			panic(err)
		}
	}
}

// Conformance: Q-001.
func TestAQueueIsEmptyBeforeAndAfterItsItems(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](0)
		if !q.Empty() || q.Len() != 0 {
			t.Error("not empty at first")
		}
		put(q, 1)
		if q.Empty() || q.Len() != 1 {
			t.Error("empty with an item")
		}
		if v, err := q.Get(ctx); v != 1 || err != nil || !q.Empty() {
			t.Errorf("got %d, %v, empty %t", v, err, q.Empty())
		}
		return nil
	})
}

// Conformance: Q-002.
func TestOnlyABoundedQueueIsEverFull(t *testing.T) {
	for _, q := range []*aiosync.Queue[int]{{}, aiosync.NewQueue[int](0), aiosync.NewQueue[int](-1)} {
		put(q, 1, 2, 3)
		if q.Full() || q.Len() != 3 {
			t.Errorf("%v is full", q)
		}
	}
	q := aiosync.NewQueue[int](2)
	put(q, 1)
	if q.Full() || q.Maxsize() != 2 {
		t.Errorf("%v is full", q)
	}
	put(q, 2)
	if !q.Full() {
		t.Errorf("%v is not full", q)
	}
}

// Conformance.
func TestItemsComeOutInTheOrderOfTheKindOfQueue(t *testing.T) {
	for _, c := range []struct {
		q    *aiosync.Queue[int]
		want []int
	}{
		{aiosync.NewQueue[int](0), []int{1, 3, 2}},
		{aiosync.NewLifoQueue[int](0), []int{2, 3, 1}},
		{aiosync.NewPriorityQueue(0, cmp.Compare[int]), []int{1, 2, 3}},
	} {
		put(c.q, 1, 3, 2)
		if text := c.q.String(); text == "" {
			t.Error("it prints as nothing")
		}
		if got := drain(c.q); !slices.Equal(got, c.want) {
			t.Errorf("got %v, want %v", got, c.want)
		}
	}
}

func TestAPriorityQueueKeepsTheOrderOfEqualItems(t *testing.T) {
	type job struct{ urgency, number int }
	q := aiosync.NewPriorityQueue(0, func(a, b job) int { return cmp.Compare(a.urgency, b.urgency) })
	var want []job
	for i := range 200 {
		j := job{urgency: (i * 7919) % 5, number: i}
		want = append(want, j)
		put(q, j)
	}
	slices.SortStableFunc(want, func(a, b job) int { return cmp.Compare(a.urgency, b.urgency) })
	if got := drain(q); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	wantPanic(t, func() { aiosync.NewPriorityQueue[int](0, nil) }, "aio: NewPriorityQueue", "cmp.Compare")
}

// Conformance: Q-004.
func TestAPutIntoAFullQueueEndsOnePassAfterAGet(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](2)
		var log journal
		aio.Start(ctx, func(ctx context.Context) error {
			for i := range 3 {
				if err := q.Put(ctx, i); err != nil {
					return err
				}
				log.Add("put %d", i)
			}
			return nil
		})
		turns(ctx, 3)
		log.Want(t, "put 0", "put 1")
		if v, _ := q.Get(ctx); v != 0 {
			t.Errorf("got %d", v)
		}
		log.Want(t, "put 0", "put 1")
		turns(ctx, 1)
		log.Want(t, "put 0", "put 1", "put 2")
		return nil
	})
}

// Conformance.
func TestPutsAndGetsThatNeedNotWaitDoNotSuspend(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](0)
		suspended := false
		aio.RunningLoop(ctx).CallSoon(func() { suspended = true })
		for i := range 1000 {
			q.Put(ctx, i)
		}
		for i := range 1000 {
			if v, err := q.Get(ctx); v != i || err != nil {
				t.Fatalf("got %d, %v", v, err)
			}
		}
		if suspended {
			t.Error("something else ran")
		}
		return nil
	})
}

// Conformance.
func TestAPutterGoesOnWhenATimerTakesAnItem(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](1)
		put(q, 1)
		l := aio.RunningLoop(ctx)
		start := l.Time()
		l.CallLater(time.Second, func() {
			if v, err := q.GetNowait(); v != 1 || err != nil {
				t.Errorf("got %d, %v", v, err)
			}
		})
		if err := q.Put(ctx, 2); err != nil {
			return err
		}
		if d := l.Time().Sub(start); d != time.Second || q.Len() != 1 {
			t.Errorf("put after %v, %v", d, q)
		}
		return nil
	})
}

// Conformance: Q-007.
func TestAGetterReturnsTheItemThatArrivesLater(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](0)
		l := aio.RunningLoop(ctx)
		start := l.Time()
		l.CallLater(time.Second, func() { put(q, 1) })
		v, err := q.Get(ctx)
		if d := l.Time().Sub(start); v != 1 || d != time.Second {
			t.Errorf("got %d after %v", v, d)
		}
		return err
	})
}

// Conformance.
func TestCallsThatDoNotWaitTellThatTheQueueIsEmptyOrFull(t *testing.T) {
	q := aiosync.NewQueue[int](1)
	if _, err := q.GetNowait(); !errors.Is(err, aiosync.ErrQueueEmpty) {
		t.Errorf("got %v", err)
	}
	if err := q.PutNowait(1); err != nil {
		t.Error(err)
	}
	if err := q.PutNowait(2); !errors.Is(err, aiosync.ErrQueueFull) {
		t.Errorf("got %v", err)
	}
	if v, err := q.GetNowait(); v != 1 || err != nil {
		t.Errorf("got %d, %v", v, err)
	}
}

// Conformance: Q-010.
func TestItemsOfWaitingPuttersComeInTheOrderInWhichTheyBegan(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](1)
		put(q, 0)
		putter(ctx, q, 1)
		putter(ctx, q, 2)
		turns(ctx, 1)
		for want := range 3 {
			if v, err := q.Get(ctx); v != want || err != nil {
				t.Errorf("got %d, %v, want %d", v, err, want)
			}
		}
		return nil
	})
}

// Conformance.
func TestNeitherPuttersNorGettersAreForgotten(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](1)
		sum := 0
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				for i := range 5 {
					if err := q.Put(ctx, i); err != nil {
						return err
					}
				}
				return nil
			})
			g.Go(func(ctx context.Context) error {
				for range 5 {
					v, err := q.Get(ctx)
					if err != nil {
						return err
					}
					sum += v
				}
				return nil
			})
			return nil
		})
		if err != nil || sum != 10 {
			t.Errorf("sum %d, %v", sum, err)
		}

		two := aiosync.NewQueue[int](2)
		var putters []*aio.Task[aio.None]
		for i := range 4 {
			putters = append(putters, putter(ctx, two, i))
		}
		aio.Start(ctx, func(ctx context.Context) error {
			var got []int
			for len(got) < 4 {
				got = append(got, drain(two)...)
				turns(ctx, 1)
			}
			if !slices.Equal(got, []int{0, 1, 2, 3}) {
				t.Errorf("got %v", got)
			}
			return nil
		})
		_, err = aio.Gather(ctx, putters...)
		return err
	})
}

// Conformance.
func TestATaskPutsForItsWaitingParent(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](0)
		w := aio.CreateTask(ctx, func(ctx context.Context) (bool, error) { return true, q.Put(ctx, 1) })
		v, err := q.Get(ctx)
		if v != 1 || err != nil {
			t.Errorf("got %d, %v", v, err)
		}
		done, err := w.Await(ctx)
		if !done || err != nil {
			t.Errorf("the task returned %t, %v", done, err)
		}
		// And the other way round.
		g := getter(ctx, q)
		turns(ctx, 1)
		if err := q.Put(ctx, 2); err != nil {
			return err
		}
		if v, err := g.Await(ctx); v != 2 || err != nil {
			t.Errorf("the getter got %d, %v", v, err)
		}
		return nil
	})
}

// Conformance: Q-027.
func TestTaskDoneMustNotBeCalledMoreOftenThanThereWereItems(t *testing.T) {
	q := aiosync.NewQueue[int](0)
	wantPanic(t, q.TaskDone, "aio: Queue.TaskDone", "more often", "Get")
	put(q, 1)
	q.TaskDone()
	wantPanic(t, q.TaskDone, "more often")
}

// Conformance: Q-028.
func TestJoinWaitsForTheLastTaskDone(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](0)
		if err := q.Join(ctx); err != nil { // nothing to wait for
			return err
		}
		for i := range 100 {
			put(q, i)
		}
		sum, running := 0, true
		var workers []*aio.Task[aio.None]
		for range 2 {
			workers = append(workers, aio.Start(ctx, func(ctx context.Context) error {
				for v, err := range q.All(ctx) {
					if err != nil {
						return err
					}
					sum += v
					if err := aio.Sleep(ctx, time.Millisecond); err != nil {
						return err
					}
					q.TaskDone()
				}
				running = false
				return nil
			}))
		}
		if err := q.Join(ctx); err != nil {
			return err
		}
		if s := q.Statistics(); sum != 4950 || s.Unfinished != 0 || s.Joiners != 0 || !running {
			t.Errorf("sum %d, running %t, %+v", sum, running, s)
		}
		q.Shutdown(false)
		_, err := aio.Gather(ctx, workers...)
		return err
	})
}

// Conformance: Q-030.
func TestAQueueIsPrintedWithItsItemsAndWaiters(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		q := aiosync.NewQueue[int](1)
		log.Add("%v", q)
		g := getter(ctx, q)
		turns(ctx, 1)
		log.Add("%v", q)
		g.Cancel(nil)
		turns(ctx, 1)
		put(q, 7)
		p := putter(ctx, q, 8)
		turns(ctx, 1)
		log.Add("%v", q)
		p.Cancel(nil)
		q.GetNowait()
		q.Shutdown(false)
		log.Add("%v", q)
		lifo, prio := aiosync.NewLifoQueue[int](0), aiosync.NewPriorityQueue(0, cmp.Compare[int])
		put(lifo, 1, 3, 2)
		put(prio, 1, 3, 2)
		log.Add("%v", lifo)
		log.Add("%v", prio)
		log.Want(t, "<Queue maxsize:1>", "<Queue maxsize:1, getters:1>", "<Queue maxsize:1, items:[7], putters:1, unfinished:1>",
			"<Queue maxsize:1, unfinished:1, shut down>",
			"<LifoQueue maxsize:0, items:[2 3 1], unfinished:3>", "<PriorityQueue maxsize:0, items:[1 2 3], unfinished:3>")
		return nil
	})
}

// Conformance: Q-033.
func TestAShutdownLetsWhatIsInTheQueueOutAndNothingIn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[string](1)
		put(q, "data")
		w := putter(ctx, q, "more")
		turns(ctx, 1)
		q.Shutdown(false)
		if _, err := w.Await(ctx); !errors.Is(err, aiosync.ErrQueueShutdown) {
			t.Errorf("the putter ended with %v", err)
		}
		for _, err := range []error{q.Put(ctx, "x"), q.PutNowait("x")} {
			if !errors.Is(err, aiosync.ErrQueueShutdown) {
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
		if !errors.Is(err, aiosync.ErrQueueShutdown) || !errors.Is(errNow, aiosync.ErrQueueShutdown) {
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
		q := aiosync.NewQueue[int](2)
		put(q, 1, 2)
		w := putter(ctx, q, 3)
		join := aio.Start(ctx, q.Join)
		turns(ctx, 1)
		q.Shutdown(true)
		if _, err := w.Await(ctx); !errors.Is(err, aiosync.ErrQueueShutdown) {
			t.Errorf("the putter ended with %v", err)
		}
		if _, err := join.Await(ctx); err != nil {
			t.Errorf("Join: %v", err)
		}
		_, err := q.Get(ctx)
		if s := q.Statistics(); !errors.Is(err, aiosync.ErrQueueShutdown) || s.Len != 0 || s.Unfinished != 0 {
			t.Errorf("get: %v, %+v", err, s)
		}
		return nil
	})
}

func TestAnImmediateShutdownWaitsForItemsThatWereTaken(t *testing.T) {
	run(t, func(ctx context.Context) error {
		q := aiosync.NewQueue[int](0)
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
				q := aiosync.NewQueue[int](0)
				called, waiting := getter(ctx, q), getter(ctx, q)
				turns(ctx, 1)
				put(q, 1) // promised to the first
				q.Shutdown(immediate)
				turns(ctx, 1)
				v, err := called.Result()
				if immediate && !errors.Is(err, aiosync.ErrQueueShutdown) || !immediate && (v != 1 || err != nil) {
					t.Errorf("the first got %d, %v", v, err)
				}
				if err := waiting.Err(); !errors.Is(err, aiosync.ErrQueueShutdown) {
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
				q := aiosync.NewQueue[int](0)
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
