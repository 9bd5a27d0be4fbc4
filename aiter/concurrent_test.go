package aiter_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiter"
)

func TestMergeHandsOutItemsAsTheyCome(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		named := func(name string, n int, each time.Duration) iter.Seq2[string, error] {
			return aiter.Map(ctx, counting(ctx, &log, name, n, each, nil),
				func(_ context.Context, v int) (string, error) {
					return fmt.Sprintf("%s%d at %s", name, v, loop.Time().Sub(began)), nil
				})
		}
		for v, err := range aiter.Merge(ctx, named("a", 3, 2*time.Second), named("b", 2, 3*time.Second),
			named("c", 0, 0)) {
			log.add("%s %v", v, err)
		}
		log.want(t, "c closed: <nil>", "a1 at 2s <nil>", "b1 at 3s <nil>", "a2 at 4s <nil>",
			// of two timers the older one is first
			"b2 at 6s <nil>", "a3 at 6s <nil>", "b closed: <nil>", "a closed: <nil>")
		wantItems(t, aiter.Merge[int](ctx))
		return nil
	})
}

func TestTheFirstErrorOfAMergeEndsTheOtherSources(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		items, err := all(t, aiter.Merge(ctx,
			counting(ctx, &log, "slow", 5, time.Hour, nil),
			counting(ctx, &log, "failing", 1, time.Second, errBoom),
		))
		log.add("%v %v", items, err)
		log.want(t, "failing closed: <nil>", "slow closed: <nil>", "[1] boom")
		return nil
	})
}

func TestASourceInItsYieldCleansUpWithItsPlainContext(t *testing.T) {
	for name, of := range map[string]func(
		ctx context.Context, src iter.Seq2[int, error],
	) iter.Seq2[int, error]{
		"Merge": func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
			return aiter.Merge(ctx, src)
		},
		"Prefetch": func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
			return aiter.Prefetch(ctx, src, 1)
		},
		"MapConcurrent": func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
			return aiter.MapConcurrent(ctx, src, 1, double)
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				var log journal
				src := aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
					for yield(1) {
					}
					log.add("cleanup %v", aio.Sleep(ctx, time.Second))
					return nil
				})
				for range of(ctx, src) {
					_ = aio.Sleep(ctx, time.Second) // the source has come to its next yield by now
					break
				}
				log.want(t, "cleanup <nil>")
				return nil
			})
		})
	}
}

func TestPrefetchFetchesAheadButNotTooFar(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		src := aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
			for i := range 6 {
				log.add("made %d", i)
				if !yield(i) {
					return nil
				}
			}
			return nil
		})
		for v := range aiter.Prefetch(ctx, src, 2) {
			log.add("got %d", v)
			if v == 2 {
				break
			}
			_ = aio.Sleep(ctx, time.Second)
		}
		log.want(t, "made 0", "made 1", "got 0", "made 2", "got 1", "made 3", "got 2")
		return nil
	})
}

func TestPrefetchWorksWhileTheLoopBodyDoes(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		body := func(seq iter.Seq2[int, error]) func() {
			return func() {
				_ = aiter.ForEach(seq, func(int) error { return aio.Sleep(ctx, time.Second) })
			}
		}
		one, both := elapsed(ctx, body(count(ctx, &log, 5, nil))),
			elapsed(ctx, body(aiter.Prefetch(ctx, count(ctx, &log, 5, nil), 1)))
		if one != 10*time.Second || both != 6*time.Second {
			t.Errorf("without: %s, with: %s", one, both)
		}
		return nil
	})
}

func TestConcurrentMapsKeepTheLimitAndTheirOrder(t *testing.T) {
	run(t, func(ctx context.Context) error {
		running, most := 0, 0
		work := func(ctx context.Context, v int) (int, error) { // the earlier, the longer
			running++
			most = max(most, running)
			defer func() { running-- }()
			return v, aio.Sleep(ctx, time.Duration(10-v)*time.Second)
		}
		items := []int{1, 2, 3, 4, 5, 6, 7, 8}
		var took time.Duration
		took = elapsed(ctx, func() {
			wantItems(t, aiter.MapConcurrent(ctx, aiter.FromSlice(items), 4, work), items...)
		})
		if most != 4 || took != 14*time.Second {
			t.Errorf("in order: up to %d at a time, after %s", most, took)
		}
		most = 0
		took = elapsed(ctx, func() {
			wantItems(t, aiter.MapUnordered(ctx, aiter.FromSlice(items), 4, work), 4, 3, 2, 1, 5, 6, 7, 8)
		})
		if most != 4 || took != 11*time.Second {
			t.Errorf("unordered: up to %d at a time, after %s", most, took)
		}
		return nil
	})
}

func TestResultsThatNobodyTakesHoldTheSourceBack(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for _, of := range []func(
			context.Context, iter.Seq2[int, error], int, func(context.Context, int) (int, error),
		) iter.Seq2[int, error]{
			aiter.MapConcurrent[int, int], aiter.MapUnordered[int, int],
		} {
			asked := 0
			endless := func(yield func(int, error) bool) {
				for asked++; yield(asked, nil); asked++ {
				}
			}
			for range of(ctx, endless, 3, double) {
				_ = aio.Sleep(ctx, time.Hour)
				if asked > 4 {
					t.Errorf("%d items were taken from the source", asked)
				}
				break
			}
		}
		return nil
	})
}

func TestBatchesGoByTimeOrSize(t *testing.T) {
	run(t, func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		var log journal
		pauses := []time.Duration{0, 0, 0, 1, 0, 4, 9, 0} // seconds before each item
		src := aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
			for i, p := range pauses {
				if err := aio.Sleep(ctx, p*time.Second); err != nil {
					return err
				}
				if !yield(i) {
					return nil
				}
			}
			return errBoom
		})
		for batch, err := range aiter.BatchWithin(ctx, src, 3, 2*time.Second) {
			log.add("%v %v at %s", batch, err, loop.Time().Sub(began))
		}
		log.want(t, "[0 1 2] <nil> at 0s", "[3 4] <nil> at 3s", "[5] <nil> at 7s", "[6 7] <nil> at 14s",
			"[] boom at 14s")
		return nil
	})
}

func TestABatchFillsWhileTheLoopBodyWorks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		for batch, err := range aiter.BatchWithin(ctx, count(ctx, &log, 7, nil), 3, time.Millisecond) {
			if err != nil {
				return err
			}
			log.add("%v", batch)
			_ = aio.Sleep(ctx, 10*time.Second)
		}
		log.want(t, "[1]", "[2 3 4]", "[5 6 7]", closed)
		return nil
	})
}

func TestTheRateLimitSpacesItemsOut(t *testing.T) {
	run(t, func(ctx context.Context) error {
		limiter := aiosync.NewRateLimiter(2, time.Second)
		took := elapsed(ctx, func() {
			wantItems(t, aiter.RateLimit(ctx, aiter.FromSlice([]int{1, 2, 3, 4}), limiter), 1, 2, 3, 4)
		})
		if took != time.Second {
			t.Errorf("it took %s", took)
		}
		return nil
	})
}

func TestATimeoutForEachItemDoesNotCountTheLoopBody(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		for v, err := range aiter.TimeoutEach(ctx, count(ctx, &log, 2, nil), 1500*time.Millisecond) {
			log.add("%d %v", v, err)
			_ = aio.Sleep(ctx, time.Hour)
		}
		items, err := all(t, aiter.TimeoutEach(ctx, count(ctx, &log, 2, nil), 500*time.Millisecond))
		var te *aio.TimeoutError
		log.add("%v %v", items, errors.As(err, &te) && te.After == 500*time.Millisecond)
		log.want(t, "1 <nil>", "2 <nil>", closed, closed, "[] true")
		return nil
	})
}

func TestRetryBeginsAgainAfterAPause(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		next := 1
		begin := func(ctx context.Context, failures int) iter.Seq2[int, error] {
			log.add("try after %d failures at %s", failures, loop.Time().Sub(began))
			return aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
				if failures == 1 {
					return errBoom
				}
				if !yield(next) {
					return nil
				}
				if next++; next <= 3 {
					return errBoom
				}
				return nil
			})
		}
		wantItems(t, aiter.Retry(ctx, aiter.Backoff{Attempts: 3, First: time.Second}, begin), 1, 2, 3)
		log.want(t, "try after 0 failures at 0s", "try after 1 failures at 1s",
			"try after 2 failures at 3s",
			"try after 1 failures at 4s", "try after 2 failures at 6s")
		return nil
	})
}

func TestRetryGivesUpWhenItShould(t *testing.T) {
	run(t, func(ctx context.Context) error {
		tries := 0
		failing := func(ctx context.Context, _ int) iter.Seq2[int, error] {
			return aiter.Generate(ctx, func(context.Context, func(int) bool) error {
				tries++
				return errBoom
			})
		}
		retry := func(b aiter.Backoff) (time.Duration, error) {
			var err error
			tries = 0
			d := elapsed(ctx, func() { _, err = all(t, aiter.Retry(ctx, b, failing)) })
			return d, err
		}
		d, err := retry(aiter.Backoff{Attempts: 6, First: time.Second, Max: 5 * time.Second})
		if d != (1+2+4+5+5)*time.Second || tries != 6 || !errors.Is(err, errBoom) {
			t.Errorf("%d tries in %s, then %v", tries, d, err)
		}
		if d, err := retry(aiter.Backoff{
			First:     time.Second,
			Retryable: func(err error) bool { return err != errBoom },
		}); d != 0 || tries != 1 || err != errBoom {
			t.Errorf("not worth it: %d tries in %s, then %v", tries, d, err)
		}
		err = aio.Timeout(ctx, 10*time.Second, func(context.Context) error {
			_, err := retry(aiter.Backoff{First: time.Second})
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) || tries != 4 {
			t.Errorf("without a limit: %d tries, then %v", tries, err)
		}
		return nil
	})
}

func TestAMemberThatAStrangerCancelsIsNotMistakenForTheEnd(t *testing.T) {
	for _, passes := range []int{0, 1, 3} { // before its first step, in its source, in its yield
		run(t, func(ctx context.Context) error {
			reader := started(ctx, func(ctx context.Context) error {
				_, err := all(t, aiter.Merge(ctx, aiter.Generate(ctx,
					func(ctx context.Context, yield func(int) bool) error {
						_ = aio.Yield(ctx)
						for yield(1) {
						}
						return ctx.Err()
					})))
				return err
			})
			_ = reader
			for range passes {
				_ = aio.Yield(ctx)
			}
			for _, task := range aio.AllTasks(ctx) {
				if task.Name() == "aiter.Merge" {
					task.Cancel(errReason)
				}
			}
			_, err := aio.WaitFor(ctx, time.Second, reader.Await)
			if !errors.Is(err, errReason) && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after %d passes: the loop ended with %v", passes, err)
			}
			return nil
		})
	}
}

func TestAPanicInAConcurrentCallEndsTheIteration(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		seq := aiter.MapConcurrent(ctx, count(ctx, &log, 100, nil), 3,
			func(ctx context.Context, v int) (int, error) {
				if v == 3 {
					panic("in the call")
				}
				defer log.add("call %d ended", v)
				return v, aio.Sleep(ctx, time.Hour)
			})
		wantPanic(t, func() { _, _ = aiter.Collect(seq) }, "in the call", "TestAPanicInAConcurrentCall")
		log.want(t, "call 1 ended", "call 2 ended", closed)
		return nil
	})
}

func TestAPanicOfAMemberBesideOneOfTheLoopBodyIsReported(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		stubborn := aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
			_ = yield(1)
			panic("in the source")
		})
		if v := panicValue(func() {
			for range aiter.Merge(ctx, stubborn) {
				panic("in the body")
			}
		}); v != "in the body" {
			t.Errorf("the panic is %v", v)
		}
		return nil
	})
	var p *aio.PanicError
	if err != nil || len(*seen) != 1 || !errors.As((*seen)[0].Err, &p) || p.Value != "in the source" {
		t.Fatalf("got %v, reports %+v", err, *seen)
	}
}

func TestAnIteratorOverTasksMayBeSteppedAndClosedByDifferentTasks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		it := aiter.Pull(ctx, aiter.Merge(ctx, count(ctx, &log, 9, nil)))
		for range 2 {
			v, err := aio.CreateTask(ctx, it.Next).Await(ctx)
			log.add("%d %v", v, err)
		}
		if left := aio.AllTasks(ctx); len(left) != 2 {
			t.Errorf("the tasks are %v", left)
		}
		_, err := aio.Start(ctx, it.Close).Await(ctx)
		log.want(t, "1 <nil>", "2 <nil>", closed)
		return err
	})
}

func TestAnIterationOverTasksThatIsLeftOpenIsClosedAtShutdown(t *testing.T) {
	var log journal
	seen, err := runReports(t, func(ctx context.Context) error {
		_, err := aiter.Pull(ctx, aiter.Prefetch(ctx, count(ctx, &log, 9, nil), 2)).Next(ctx)
		return err
	})
	if err != nil || len(*seen) != 0 {
		t.Fatalf("got %v, reports %v", err, *seen)
	}
	log.want(t, closed)
}

// Any chain of combinators, left at any moment in any way, in any order of the tasks, closes its
// sources and leaves no task.
func TestAnyChainLeftAtAnyMomentClosesItsSources(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		order := []aio.Option{throwing(seed)}
		if seed%3 == 0 {
			order = nil // the usual order: tasks that wait make the steps of others
		}
		run(t, func(ctx context.Context) error {
			open := 0
			source := func() iter.Seq2[int, error] {
				var end error
				if r.IntN(4) == 0 {
					end = errBoom
				}
				n, each := r.IntN(6), time.Duration(r.IntN(3))*time.Second
				return func(yield func(int, error) bool) {
					open++
					defer func() {
						_ = aio.Sleep(context.WithoutCancel(ctx), time.Second)
						open--
					}()
					counting(ctx, &journal{}, "", n, each, end)(yield)
				}
			}
			var chain func(depth int) iter.Seq2[int, error]
			names := ""
			chain = func(depth int) iter.Seq2[int, error] {
				if depth == 0 {
					return source()
				}
				if r.IntN(5) == 0 {
					names += "+"
					return aiter.Merge(ctx, chain(depth-1), chain(depth-1))
				}
				c := combinators[r.IntN(len(combinators))]
				names += " " + c.name
				return c.of(ctx, chain(depth-1))
			}
			seq := chain(1 + r.IntN(4))
			began := 0
			leaveAfter, how := r.IntN(6), r.IntN(4)
			task := aio.Start(ctx, func(ctx context.Context) error {
				for _, err := range seq {
					if err != nil {
						return nil
					}
					if began++; began > leaveAfter {
						switch how {
						case 0:
							return nil
						case 1:
							panic(errReason)
						case 2:
							return exits()
						}
					}
					if r.IntN(3) == 0 {
						_ = aio.Yield(ctx)
					}
				}
				return nil
			})
			task.AddDoneCallback(func() { _ = task.Err() }) // some panic, as they should
			_ = aio.Sleep(ctx, time.Duration(r.IntN(4000))*time.Millisecond)
			if how == 3 {
				task.Cancel(errReason)
			}
			if _, _, err := aio.WaitTimeout(ctx, time.Hour, aio.AllCompleted, task); err != nil {
				return err
			}
			_ = task.Err()
			if !task.Done() || open != 0 {
				t.Errorf("seed %d:%s: ended: %v, %d sources are open", seed, names, task.Done(), open)
			}
			return nil
		}, order...)
	}
}
