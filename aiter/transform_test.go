package aiter_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiter"
)

func double(ctx context.Context, v int) (int, error) { return 2 * v, aio.Sleep(ctx, time.Second) }
func odd(ctx context.Context, v int) (bool, error)   { return v%2 == 1, aio.Yield(ctx) }
func small(_ context.Context, v int) (bool, error)   { return v < 3, nil }
func each(v int) func() iter.Seq2[int, error] {
	return func() iter.Seq2[int, error] { return aiter.FromSlice([]int{v, 10 * v}) }
}

type combinator = func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error]

// combinators are all those that pass numbers on, as functions of their source. Which of the
// numbers 1, 2, 3 they make of it, and after how many items, is for other tests; here is what holds
// for all.
var combinators = []struct {
	name string
	of   combinator
}{
	{"Map", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.Map(ctx, src, double)
	}},
	{"Filter", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.Filter(ctx, src, odd)
	}},
	{"FlatMap", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.FlatMap(ctx, src, func(_ context.Context, v int) iter.Seq2[int, error] {
			return each(v)()
		})
	}},
	{"FlatMap, inside", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.FlatMap(ctx, aiter.FromSlice([]int{1}),
			func(context.Context, int) iter.Seq2[int, error] { return src })
	}},
	{"Enumerate", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.Map(ctx, aiter.Enumerate(src),
			func(_ context.Context, x aiter.Indexed[int]) (int, error) { return x.Value, nil })
	}},
	{"Chain", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.Chain(src, aiter.FromSlice([]int{4}))
	}},
	{"Chain, later", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.Chain(aiter.FromSlice[int](nil), src)
	}},
	{"Take", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.Take(src, 9)
	}},
	{"Drop", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.Drop(src, 1)
	}},
	{"TakeWhile", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.TakeWhile(ctx, src, func(context.Context, int) (bool, error) { return true, nil })
	}},
	{"DropWhile", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.DropWhile(ctx, src, func(_ context.Context, v int) (bool, error) {
			return v < 2, nil
		})
	}},
	{"Zip, first", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.Map(ctx, aiter.Zip(ctx, src, aiter.FromSlice([]int{1, 2, 3, 4})),
			func(_ context.Context, p aiter.Pair[int, int]) (int, error) { return p.First, nil })
	}},
	{"Zip, second", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.Map(ctx, aiter.Zip(ctx, aiter.FromSlice([]int{1, 2, 3, 4}), src),
			func(_ context.Context, p aiter.Pair[int, int]) (int, error) { return p.Second, nil })
	}},
	{"Batch", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.Map(ctx, aiter.Batch(src, 1), func(_ context.Context, b []int) (int, error) {
			return b[0], nil
		})
	}},
	{"BatchWithin", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.Map(ctx, aiter.BatchWithin(ctx, src, 9, time.Millisecond),
			func(_ context.Context, b []int) (int, error) { return b[0], nil })
	}},
	{"Merge", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.Merge(ctx, src, aiter.FromSlice[int](nil))
	}},
	{"Prefetch", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.Prefetch(ctx, src, 2)
	}},
	{"MapConcurrent", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.MapConcurrent(ctx, src, 2, double)
	}},
	{"MapUnordered", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.MapUnordered(ctx, src, 2, double)
	}},
	{"RateLimit", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.RateLimit(ctx, src, aiosync.NewRateLimiter(1, time.Millisecond))
	}},
	{"TimeoutEach", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.TimeoutEach(ctx, src, time.Minute)
	}},
	{"Retry", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.Retry(ctx, aiter.Backoff{Attempts: 1},
			func(context.Context, int) iter.Seq2[int, error] { return src })
	}},
	{"Pull", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			it := aiter.Pull(ctx, src)
			defer it.Close(ctx)
			it.All(ctx)(yield)
		}
	}},
	{"FromSeq", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) (err error) {
			for v, e := range aiter.FromSeq(aiter.Values(src, &err)) {
				if e != nil || !yield(v) {
					return e
				}
			}
			return err
		})
	}},
	{"three of them", func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
		return aiter.Merge(ctx, aiter.Prefetch(ctx, aiter.MapConcurrent(ctx, src, 2, double), 2))
	}},
	{"stepped by hand inside tasks",
		func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
			merged := aiter.Merge(ctx, src)
			return aiter.Prefetch(ctx, aiter.TimeoutEach(ctx, merged, time.Minute), 1)
		}},
}

func eachCombinator(t *testing.T, test func(t *testing.T, ctx context.Context, of combinator)) {
	for _, c := range combinators {
		t.Run(c.name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				test(t, ctx, c.of)
				return nil
			})
		})
	}
}

const closed = "source closed: <nil>"

func TestTheSourceIsClosedWhenTheLoopIsLeftEarly(t *testing.T) {
	eachCombinator(t, func(t *testing.T, ctx context.Context, of combinator) {
		var log journal
		for _, err := range of(ctx, count(ctx, &log, 1000, nil)) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		log.add("after the loop")
		log.want(t, closed, "after the loop")
	})
}

func TestTheSourceIsClosedWhenTheLoopBodyPanicsOrExits(t *testing.T) {
	eachCombinator(t, func(t *testing.T, ctx context.Context, of combinator) {
		var log journal
		if v := panicValue(func() {
			for range of(ctx, count(ctx, &log, 1000, nil)) {
				panic(errBoom)
			}
		}); v != errBoom {
			t.Errorf("the panic became %v", v)
		}
		log.add("after the panic")
		log.want(t, closed, "after the panic")

		log = nil
		task := aio.Start(ctx, func(ctx context.Context) error {
			for range of(ctx, count(ctx, &log, 1000, nil)) {
				return exits()
			}
			return nil
		})
		_, err := task.Await(ctx)
		var exit *aio.GoexitError
		if !errors.As(err, &exit) {
			t.Errorf("the task ended with %v", err)
		}
		log.want(t, closed)
	})
}

func TestTheErrorOfTheSourceComesOnceAndIsTheEnd(t *testing.T) {
	eachCombinator(t, func(t *testing.T, ctx context.Context, of combinator) {
		var log journal
		items, err := all(t, of(ctx, count(ctx, &log, 3, errBoom)))
		if !errors.Is(err, errBoom) || len(items) == 0 {
			t.Errorf("got %v, %v", items, err)
		}
		log.want(t, closed)
	})
}

func TestASourceThatGoesOnAfterItsErrorIsNotAsked(t *testing.T) {
	eachCombinator(t, func(t *testing.T, ctx context.Context, of combinator) {
		broken := func(yield func(int, error) bool) {
			if yield(1, nil) && yield(2, nil) && yield(77, errBoom) {
				t.Error("the source was asked for more after its error")
			}
		}
		if _, err := all(t, of(ctx, broken)); !errors.Is(err, errBoom) {
			t.Errorf("got %v", err)
		}
	})
}

func TestACancellationReachesTheSourceAndTheLoop(t *testing.T) {
	eachCombinator(t, func(t *testing.T, ctx context.Context, of combinator) {
		var log journal
		task := aio.Start(ctx, func(ctx context.Context) error {
			for v, err := range of(ctx, counting(ctx, &log, "source", 1, 10*time.Second, nil)) {
				if err != nil {
					log.add("%d, cancelled: %v", v, errors.Is(err, aio.ErrCancelled))
					return err
				}
			}
			return nil
		})
		_ = aio.Sleep(ctx, 5*time.Second)
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		if !errors.Is(err, errReason) {
			t.Errorf("the task ended with %v", err)
		}
		slices.Sort(log) // who sees it first differs
		log.want(t, "0, cancelled: true", closed)
	})
}

func TestATimeoutAroundTheLoopClosesTheSource(t *testing.T) {
	eachCombinator(t, func(t *testing.T, ctx context.Context, of combinator) {
		var log journal
		seq := of(ctx, count(ctx, &log, 1000, nil)) // made outside of the block
		err := aio.Timeout(ctx, 2*time.Second+time.Millisecond, func(context.Context) error {
			return aiter.ForEach(seq, func(int) error { return nil })
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		log.want(t, closed)
	})
}

func TestAPanicOfTheSourceIsRaisedInTheLoop(t *testing.T) {
	eachCombinator(t, func(t *testing.T, ctx context.Context, of combinator) {
		var log journal
		src := aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
			defer func() { log.add("closed %v", aio.Yield(context.WithoutCancel(ctx))) }()
			_ = yield(1) && yield(2)
			panic("in the source")
		})
		wantPanic(t, func() { _, _ = aiter.Collect(of(ctx, src)) }, "in the source")
		log.want(t, "closed <nil>")
	})
}

func TestASequenceThatIsNotRangedOverDoesNothing(t *testing.T) {
	eachCombinator(t, func(t *testing.T, ctx context.Context, of combinator) {
		of(ctx, func(func(int, error) bool) { t.Error("the source was begun") })
	})
}

func TestASequenceThatIsRangedOverTwiceBeginsAnew(t *testing.T) {
	eachCombinator(t, func(t *testing.T, ctx context.Context, of combinator) {
		var log journal
		seq := of(ctx, count(ctx, &log, 3, nil))
		first, err1 := all(t, seq)
		second, err2 := all(t, seq)
		if err1 != nil || err2 != nil || len(first) == 0 || !slices.Equal(first, second) {
			t.Errorf("got %v, %v, then %v, %v", first, err1, second, err2)
		}
		log.want(t, closed, closed)
	})
}

func TestTheResultIsTheSameInAnyOrderOfTheTasks(t *testing.T) {
	for _, c := range combinators {
		// what they make depends on time, which depends on the order here
		if c.name == "MapUnordered" || c.name == "BatchWithin" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			var want []int
			for seed := range 20 {
				run(t, func(ctx context.Context) error {
					var log journal
					got, err := all(t, c.of(ctx, count(ctx, &log, 7, nil)))
					if want == nil {
						want = got
					}
					if err != nil || !slices.Equal(got, want) {
						t.Errorf("seed %d: got %v, %v, want %v", seed, got, err, want)
					}
					return nil
				}, throwing(uint64(seed)))
			}
		})
	}
}

// Conformance: AG-023.
func TestMapAndFilterKeepOrderAndContent(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		wantItems(t, aiter.Map(ctx, aiter.Filter(ctx, count(ctx, &log, 6, nil), odd), double), 2, 6, 10)
		wantItems(t, aiter.Filter(ctx, aiter.Map(ctx, count(ctx, &log, 3, nil), double), odd))
		return nil
	})
}

func TestWhatTheOtherCombinatorsMake(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		one := func() iter.Seq2[int, error] { return count(ctx, &log, 5, nil) }
		wantItems(t, aiter.FlatMap(ctx, aiter.Take(one(), 2),
			func(_ context.Context, v int) iter.Seq2[int, error] { return each(v)() }), 1, 10, 2, 20)
		wantItems(t, aiter.Enumerate(aiter.FromSlice([]string{"a", "b"})), aiter.Indexed[string]{0, "a"},
			aiter.Indexed[string]{1, "b"})
		wantItems(t, aiter.Chain(aiter.FromSlice([]int{8}), one(), aiter.FromSlice([]int{9})), 8, 1,
			2, 3, 4, 5, 9)
		wantItems(t, aiter.Chain[int]())
		wantItems(t, aiter.Take(one(), 2), 1, 2)
		wantItems(t, aiter.Take(one(), 0))
		wantItems(t, aiter.Drop(one(), 3), 4, 5)
		wantItems(t, aiter.Drop(one(), -1), 1, 2, 3, 4, 5)
		wantItems(t, aiter.TakeWhile(ctx, one(), small), 1, 2)
		wantItems(t, aiter.DropWhile(ctx, one(), small), 3, 4, 5)
		wantItems(t, aiter.Batch(one(), 2), []int{1, 2}, []int{3, 4}, []int{5})
		wantItems(t, aiter.Zip(ctx, one(), aiter.FromSlice([]string{"a", "b"})),
			aiter.Pair[int, string]{1, "a"}, aiter.Pair[int, string]{2, "b"})
		wantItems(t, aiter.Zip(ctx, aiter.FromSlice([]string{"a"}), one()),
			aiter.Pair[string, int]{"a", 1})
		return nil
	})
}

func TestTakeDoesNotWaitForMoreThanItNeeds(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		d := elapsed(ctx, func() { wantItems(t, aiter.Take(count(ctx, &log, 9, nil), 2), 1, 2) })
		if d != 2*time.Second {
			t.Errorf("it took %s", d)
		}
		return nil
	})
}

func TestAnErrorOfTheFunctionEndsTheSequenceAndClosesTheSource(t *testing.T) {
	run(t, func(ctx context.Context) error {
		fails := func(_ context.Context, v int) (bool, error) {
			return true, cmp.Or(map[int]error{2: errBoom}[v])
		}
		made := func(ctx context.Context, v int) (int, error) {
			_, err := fails(ctx, v)
			return 99, err
		}
		for name, of := range map[string]func(src iter.Seq2[int, error]) iter.Seq2[int, error]{
			"Map": func(src iter.Seq2[int, error]) iter.Seq2[int, error] {
				return aiter.Map(ctx, src, made)
			},
			"Filter": func(src iter.Seq2[int, error]) iter.Seq2[int, error] {
				return aiter.Filter(ctx, src, fails)
			},
			"TakeWhile": func(src iter.Seq2[int, error]) iter.Seq2[int, error] {
				return aiter.TakeWhile(ctx, src, fails)
			},
			"MapConcurrent": func(src iter.Seq2[int, error]) iter.Seq2[int, error] {
				return aiter.MapConcurrent(ctx, src, 3, made)
			},
			"MapUnordered": func(src iter.Seq2[int, error]) iter.Seq2[int, error] {
				return aiter.MapUnordered(ctx, src, 3, made)
			},
			"FlatMap": func(src iter.Seq2[int, error]) iter.Seq2[int, error] {
				return aiter.FlatMap(ctx, src, func(ctx context.Context, v int) iter.Seq2[int, error] {
					_, err := fails(ctx, v)
					return aiter.Generate(ctx, func(_ context.Context, yield func(int) bool) error {
						if err == nil {
							yield(v)
						}
						return err
					})
				})
			},
		} {
			var log journal
			items, err := all(t, of(count(ctx, &log, 1000, nil)))
			if len(items) != 1 || err != errBoom || len(log) != 1 {
				t.Errorf("%s: got %v, %v; the source: %v", name, items, err, log)
			}
		}
		return nil
	})
}

func TestCollectionsOfASequence(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		words := aiter.FromSlice([]string{"go", "python", "go"})
		list, err1 := aiter.Collect(words)
		set, err2 := aiter.CollectSet(words)
		lengths, err3 := aiter.CollectMap(words, func(w string) (string, int) { return w, len(w) })
		sum, err4 := aiter.Fold(count(ctx, &log, 4, nil), 100, func(acc, v int) int { return acc + v })
		first, err5 := aiter.First(count(ctx, &log, 4, nil))
		got := fmt.Sprint(list, slices.Sorted(maps.Keys(set)), lengths, sum, first)
		if want := "[go python go] [go python] map[go:2 python:6] 110 1"; got != want ||
			errors.Join(err1, err2, err3, err4, err5) != nil {
			t.Errorf("got %s, %v", got, errors.Join(err1, err2, err3, err4, err5))
		}
		log.want(t, closed, closed)

		failing := count(ctx, &log, 2, errBoom)
		if got, err := aiter.Collect(failing); !slices.Equal(got, []int{1, 2}) || err != errBoom {
			t.Errorf("Collect: %v, %v", got, err)
		}
		if got, err := aiter.Fold(failing, 0, func(acc, v int) int { return acc + v }); got != 3 ||
			err != errBoom {
			t.Errorf("Fold: %v, %v", got, err)
		}
		if _, err := aiter.First(aiter.FromSlice[int](nil)); err != aiter.ErrStopIteration {
			t.Errorf("First: %v", err)
		}
		err := aiter.ForEach(count(ctx, &log, 9, nil), func(v int) error { return errBoom })
		if err != errBoom {
			t.Errorf("ForEach: %v", err)
		}
		return nil
	})
}

func TestAnErrorThatALoopForgetsIsKeptOrCaught(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		var err error
		n := 0
		for range aiter.Values(count(ctx, &log, 3, errBoom), &err) {
			n++
		}
		if n != 3 || err != errBoom {
			t.Errorf("Values: %d items, %v", n, err)
		}
		wantPanic(t, func() {
			for v := range aiter.Checked(count(ctx, &log, 3, errBoom)) { // the error is dropped
				_ = v
			}
		}, "Checked", "boom", "take both values")
		for _, err := range aiter.Checked(count(ctx, &log, 3, errBoom)) {
			if err != nil {
				break
			}
		}
		return nil
	})
}

func TestSourcesOfValues(t *testing.T) {
	run(t, func(ctx context.Context) error {
		wantItems(t, aiter.FromSlice([]int{1, 2}), 1, 2)
		wantItems(t, aiter.FromSeq(slices.Values([]int{1, 2})), 1, 2)
		ch := make(chan int, 3)
		ch <- 1
		ch <- 2
		close(ch)
		wantItems(t, aiter.FromChannel(ctx, ch), 1, 2)
		wantItems(t, aiter.FromFunc(ctx, aiter.Pull(ctx, aiter.FromSlice([]int{1, 2})).Next), 1, 2)
		return nil
	})
}

func TestFromQueueMarksAnItemAsDoneWhenTheBodyIsDoneWithIt(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		q := aiosync.NewQueue[int](0)
		for i := range 3 {
			_ = q.PutNowait(i)
		}
		worker := aio.Start(ctx, func(ctx context.Context) error {
			for v, err := range aiter.FromQueue(ctx, q) {
				if err != nil {
					return err
				}
				_ = aio.Sleep(ctx, time.Second)
				log.add("%d", v)
			}
			return nil
		})
		log.add("%v", q.Join(ctx))
		q.Shutdown(false)
		_, err := worker.Await(ctx)
		log.want(t, "0", "1", "2", "<nil>")
		_ = panicValue(func() {
			q := aiosync.NewQueue[int](0)
			_ = q.PutNowait(1)
			defer func() {
				if n := q.Statistics().Unfinished; n != 0 {
					t.Errorf("after a panic of the body %d items are unfinished", n)
				}
			}()
			for range aiter.FromQueue(ctx, q) {
				panic("in the body")
			}
		})
		return err
	})
}

func TestTicksStayAtWholeMultiples(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		began := aio.RunningLoop(ctx).Time()
		for at, err := range aiter.Tick(ctx, time.Second) {
			if err != nil {
				return err
			}
			log.add("%s", at.Sub(began))
			if len(log) == 2 {
				_ = aio.Sleep(ctx, 2500*time.Millisecond) // two are missed
			}
			if len(log) == 4 {
				break
			}
		}
		log.want(t, "1s", "2s", "5s", "6s")
		return nil
	})
}
