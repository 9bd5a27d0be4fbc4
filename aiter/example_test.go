package aiter_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log"
	"slices"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiter"
)

// virtual runs main under a virtual clock.
func virtual(main func(ctx context.Context) error) {
	if err := aio.Run(context.Background(), main, aio.WithClock(aio.NewVirtualClock())); err != nil {
		log.Fatal(err)
	}
}

// readings yields 1 to n, one a second.
func readings(ctx context.Context, n int) iter.Seq2[int, error] {
	return aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
		for i := range n {
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			if !yield(i + 1) {
				return nil
			}
		}
		return nil
	})
}

// show prints a whole sequence on a line.
func show[T any](seq iter.Seq2[T, error]) error {
	items, err := aiter.Collect(seq)
	fmt.Println(items)
	return err
}

func ExampleGenerate() {
	virtual(func(ctx context.Context) error {
		countdown := aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
			defer fmt.Println("cleaned up")
			for n := 10; n > 0; n-- {
				if !yield(n) {
					return nil
				}
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
			}
			return nil
		})
		for n, err := range countdown {
			if err != nil {
				return err
			}
			fmt.Println(n)
			if n == 8 {
				break
			}
		}
		return nil
	})
	// Output:
	// 10
	// 9
	// 8
	// cleaned up
}

func ExampleFromSlice() {
	virtual(func(context.Context) error { return show(aiter.FromSlice([]string{"a", "b"})) })
	// Output: [a b]
}

func ExampleFromSeq() {
	virtual(func(context.Context) error { return show(aiter.FromSeq(slices.Values([]int{1, 2, 3}))) })
	// Output: [1 2 3]
}

func ExampleFromFunc() {
	virtual(func(ctx context.Context) error {
		page := 0
		return show(aiter.FromFunc(ctx, func(ctx context.Context) (string, error) {
			if page++; page > 3 {
				return "", io.EOF
			}
			return fmt.Sprint("page ", page), aio.Sleep(ctx, time.Second)
		}))
	})
	// Output: [page 1 page 2 page 3]
}

func ExampleFromChannel() {
	virtual(func(ctx context.Context) error {
		ch := make(chan int)
		go func() {
			defer close(ch)
			for i := range 3 {
				ch <- i
			}
		}()
		return show(aiter.FromChannel(ctx, ch))
	})
	// Output: [0 1 2]
}

func ExampleFromThread() {
	virtual(func(ctx context.Context) error {
		lines := aiter.FromThread(ctx, 0,
			func(_ context.Context, yield func(string) bool) error {
				defer fmt.Println("closed")
				source := bufio.NewScanner(strings.NewReader("a\nb\nc\n")) // its calls may block
				for source.Scan() && yield(source.Text()) {
				}
				return source.Err()
			})
		for line, err := range lines {
			if err != nil {
				return err
			}
			fmt.Println(line)
			if line == "b" {
				break
			}
		}
		return nil
	})
	// Output:
	// a
	// b
	// closed
}

func ExampleFromQueue() {
	virtual(func(ctx context.Context) error {
		var q aiosync.Queue[string]
		_ = q.PutNowait("first job")
		_ = q.PutNowait("second job")
		q.Shutdown(false)
		for job, err := range aiter.FromQueue(ctx, &q) {
			if err != nil {
				return err
			}
			fmt.Println(job)
		}
		return q.Join(ctx) // every body has ended
	})
	// Output:
	// first job
	// second job
}

func ExampleTick() {
	virtual(func(ctx context.Context) error {
		for at, err := range aiter.Take(aiter.Tick(ctx, time.Minute), 2) {
			if err != nil {
				return err
			}
			fmt.Println(at.Format(time.TimeOnly))
		}
		return nil
	})
	// Output:
	// 00:01:00
	// 00:02:00
}

func ExampleMap() {
	virtual(func(ctx context.Context) error {
		return show(aiter.Map(ctx, readings(ctx, 3), func(ctx context.Context, n int) (string, error) {
			return fmt.Sprintf("%d m", n), aio.Sleep(ctx, time.Second)
		}))
	})
	// Output: [1 m 2 m 3 m]
}

func isOdd(_ context.Context, n int) (bool, error) { return n%2 == 1, nil }
func isSmall(_ context.Context, n int) (bool, error) {
	return n < 3, nil
}

func ExampleFilter() {
	virtual(func(ctx context.Context) error {
		return show(aiter.Filter(ctx, readings(ctx, 5), isOdd))
	})
	// Output: [1 3 5]
}

func ExampleFlatMap() {
	virtual(func(ctx context.Context) error {
		return show(aiter.FlatMap(ctx, readings(ctx, 3), readings))
	})
	// Output: [1 1 2 1 2 3]
}

func ExampleEnumerate() {
	virtual(func(context.Context) error {
		for item, err := range aiter.Enumerate(aiter.FromSlice([]string{"a", "b"})) {
			if err != nil {
				return err
			}
			fmt.Println(item.Index, item.Value)
		}
		return nil
	})
	// Output:
	// 0 a
	// 1 b
}

func ExampleIndexed() {
	fmt.Println(aiter.Indexed[string]{Index: 1, Value: "b"})
	// Output: {1 b}
}

func ExampleChain() {
	virtual(func(ctx context.Context) error {
		return show(aiter.Chain(readings(ctx, 2), aiter.FromSlice([]int{100})))
	})
	// Output: [1 2 100]
}

func ExampleTake() {
	virtual(func(ctx context.Context) error { return show(aiter.Take(readings(ctx, 1_000_000), 3)) })
	// Output: [1 2 3]
}

func ExampleDrop() {
	virtual(func(ctx context.Context) error { return show(aiter.Drop(readings(ctx, 5), 3)) })
	// Output: [4 5]
}

func ExampleTakeWhile() {
	virtual(func(ctx context.Context) error {
		return show(aiter.TakeWhile(ctx, readings(ctx, 5), isSmall))
	})
	// Output: [1 2]
}

func ExampleDropWhile() {
	virtual(func(ctx context.Context) error {
		return show(aiter.DropWhile(ctx, readings(ctx, 5), isSmall))
	})
	// Output: [3 4 5]
}

func ExampleZip() {
	virtual(func(ctx context.Context) error {
		for p, err := range aiter.Zip(ctx, readings(ctx, 5), aiter.FromSlice([]string{"one", "two"})) {
			if err != nil {
				return err
			}
			fmt.Println(p.First, p.Second)
		}
		return nil
	})
	// Output:
	// 1 one
	// 2 two
}

func ExamplePair() {
	fmt.Println(aiter.Pair[int, string]{First: 1, Second: "one"})
	// Output: {1 one}
}

func ExampleBatch() {
	virtual(func(ctx context.Context) error { return show(aiter.Batch(readings(ctx, 5), 2)) })
	// Output: [[1 2] [3 4] [5]]
}

func ExampleBatchWithin() {
	virtual(func(ctx context.Context) error {
		return show(aiter.BatchWithin(ctx, readings(ctx, 5), 100, 1500*time.Millisecond))
	})
	// Output: [[1 2] [3 4] [5]]
}

func ExampleMerge() {
	virtual(func(ctx context.Context) error {
		halves := aiter.Map(ctx, aiter.Tick(ctx, 1600*time.Millisecond),
			func(context.Context, time.Time) (int, error) { return 0, nil })
		return show(aiter.Merge(ctx, readings(ctx, 4), aiter.Take(halves, 2)))
	})
	// Output: [1 0 2 3 0 4]
}

func ExamplePrefetch() {
	virtual(func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		for _, err := range aiter.Prefetch(ctx, readings(ctx, 5), 1) {
			if err != nil {
				return err
			}
			if err := aio.Sleep(ctx, time.Second); err != nil { // the next reading is made meanwhile
				return err
			}
		}
		fmt.Println("after", loop.Time().Sub(began))
		return nil
	})
	// Output: after 6s
}

func ExampleMapConcurrent() {
	virtual(func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		err := show(aiter.MapConcurrent(ctx, aiter.FromSlice([]int{3, 1, 2, 2}), 2,
			func(ctx context.Context, n int) (int, error) {
				return n, aio.Sleep(ctx, time.Duration(n)*time.Second)
			}))
		fmt.Println("after", loop.Time().Sub(began))
		return err
	})
	// Output:
	// [3 1 2 2]
	// after 5s
}

func ExampleMapUnordered() {
	virtual(func(ctx context.Context) error {
		return show(aiter.MapUnordered(ctx, aiter.FromSlice([]int{3, 1, 2}), 2,
			func(ctx context.Context, n int) (int, error) {
				return n, aio.Sleep(ctx, time.Duration(n)*time.Second+time.Duration(n)*time.Millisecond)
			}))
	})
	// Output: [1 3 2]
}

func ExampleRateLimit() {
	virtual(func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		for range aiter.RateLimit(ctx, aiter.FromSlice([]int{1, 2, 3}),
			aiosync.NewRateLimiter(1, time.Second)) {
			fmt.Println(loop.Time().Sub(began))
		}
		return nil
	})
	// Output:
	// 0s
	// 1s
	// 2s
}

func ExampleTimeoutEach() {
	virtual(func(ctx context.Context) error {
		_, err := aiter.Collect(aiter.TimeoutEach(ctx, readings(ctx, 3), 500*time.Millisecond))
		fmt.Println(errors.Is(err, context.DeadlineExceeded))
		return nil
	})
	// Output: true
}

func ExampleRetry() {
	virtual(func(ctx context.Context) error {
		last := 0 // where to go on
		feed := func(ctx context.Context, failures int) iter.Seq2[int, error] {
			fmt.Println("connecting from", last)
			return aiter.Generate(ctx, func(_ context.Context, yield func(int) bool) error {
				for last < 4 {
					last++
					if !yield(last) {
						return nil
					}
					if last == 2 {
						return errors.New("connection lost")
					}
				}
				return nil
			})
		}
		return show(aiter.Retry(ctx, aiter.Backoff{Attempts: 5, First: time.Second}, feed))
	})
	// Output:
	// connecting from 0
	// connecting from 2
	// [1 2 3 4]
}

func ExampleBackoff() {
	patient := aiter.Backoff{
		Attempts: 10, First: 100 * time.Millisecond, Max: 5 * time.Second,
		Retryable: func(err error) bool { return !errors.Is(err, io.ErrUnexpectedEOF) },
	}
	fmt.Println(patient.Max)
	// Output: 5s
}

func ExampleCollect() {
	virtual(func(ctx context.Context) error {
		items, err := aiter.Collect(readings(ctx, 3))
		fmt.Println(items)
		return err
	})
	// Output: [1 2 3]
}

func ExampleCollectMap() {
	virtual(func(ctx context.Context) error {
		squares, err := aiter.CollectMap(readings(ctx, 3), func(n int) (int, int) { return n, n * n })
		fmt.Println(squares)
		return err
	})
	// Output: map[1:1 2:4 3:9]
}

func ExampleCollectSet() {
	virtual(func(ctx context.Context) error {
		set, err := aiter.CollectSet(aiter.FromSlice([]int{1, 2, 1}))
		fmt.Println(len(set))
		return err
	})
	// Output: 2
}

func ExampleFold() {
	virtual(func(ctx context.Context) error {
		sum, err := aiter.Fold(readings(ctx, 4), 0, func(sum, n int) int { return sum + n })
		fmt.Println(sum)
		return err
	})
	// Output: 10
}

func ExampleFirst() {
	virtual(func(ctx context.Context) error {
		n, err := aiter.First(aiter.Drop(readings(ctx, 9), 4))
		fmt.Println(n)
		return err
	})
	// Output: 5
}

func ExampleForEach() {
	virtual(func(ctx context.Context) error {
		return aiter.ForEach(readings(ctx, 2), func(n int) error {
			fmt.Println(n)
			return nil
		})
	})
	// Output:
	// 1
	// 2
}

func ExampleValues() {
	virtual(func(ctx context.Context) error {
		var err error
		for n := range aiter.Values(readings(ctx, 2), &err) {
			fmt.Println(n)
		}
		return err
	})
	// Output:
	// 1
	// 2
}

func ExampleChecked() {
	virtual(func(ctx context.Context) error {
		failing := aiter.Generate(ctx, func(context.Context, func(int) bool) error {
			return errors.New("no connection")
		})
		defer func() { fmt.Println(recover()) }()
		for n := range aiter.Checked(failing) { // where is the error?
			fmt.Println("got", n)
		}
		return nil
	})
	// Output:
	// got 0
	// aiter: Checked: the loop went on after the error that ended its sequence; take both values, and leave the loop: no connection
}

func ExamplePull() {
	virtual(func(ctx context.Context) error {
		it := aiter.Pull(ctx, readings(ctx, 2))
		defer it.Close(ctx)
		for range 3 {
			n, err := it.Next(ctx)
			fmt.Println(n, err)
		}
		return nil
	})
	// Output:
	// 1 <nil>
	// 2 <nil>
	// 0 aiter: the iteration has ended
}

func ExampleIterator() {
	virtual(func(ctx context.Context) error {
		it := aiter.Pull(ctx, readings(ctx, 4))
		defer it.Close(ctx)
		header, err := it.Next(ctx)
		if err != nil {
			return err
		}
		fmt.Println("header", header)
		for n, err := range it.All(ctx) { // the rest
			if err != nil {
				return err
			}
			fmt.Println(n)
		}
		n, err := it.NextOr(ctx, -1)
		fmt.Println(n)
		return err
	})
	// Output:
	// header 1
	// 2
	// 3
	// 4
	// -1
}

func ExampleNewGenerator() {
	virtual(func(ctx context.Context) error {
		average := aiter.NewGenerator(ctx,
			func(_ context.Context, yield func(float64) (float64, error)) error {
				sum, mean := 0.0, 0.0
				for n := 1.0; ; n++ {
					v, err := yield(mean)
					if err != nil {
						return err
					}
					sum += v
					mean = sum / n
				}
			})
		defer average.Close(ctx)
		if _, err := average.Next(ctx); err != nil { // to the first yield
			return err
		}
		for _, v := range []float64{10, 20, 60} {
			mean, err := average.Send(ctx, v)
			if err != nil {
				return err
			}
			fmt.Println(mean)
		}
		return nil
	})
	// Output:
	// 10
	// 15
	// 30
}

func ExampleGenerator() {
	virtual(func(ctx context.Context) error {
		g := aiter.NewGenerator(ctx, func(_ context.Context, yield func(string) (int, error)) error {
			_, err := yield("ready")
			_, err = yield(fmt.Sprintf("recovered from %q", err))
			return err
		})
		fmt.Println(g.Next(ctx))
		fmt.Println(g.Throw(ctx, errors.New("a hiccup")))
		fmt.Println(g.Close(ctx))
		return nil
	})
	// Output:
	// ready <nil>
	// recovered from "a hiccup" <nil>
	// <nil>
}

// lamp is a manager: it is switched on and off.
type lamp struct{ room string }

func (l lamp) Enter(ctx context.Context) (string, error) {
	fmt.Println("light on in the", l.room)
	return l.room, aio.Sleep(ctx, time.Second)
}

func (l lamp) Exit(ctx context.Context, err error) error {
	fmt.Println("light off in the", l.room)
	return aio.Sleep(ctx, time.Second)
}

func ExampleWith() {
	virtual(func(ctx context.Context) error {
		err := aiter.With(ctx, lamp{"kitchen"}, func(ctx context.Context, room string) error {
			fmt.Println("reading in the", room)
			return errors.New("fell asleep")
		})
		fmt.Println(err)
		return nil
	})
	// Output:
	// light on in the kitchen
	// reading in the kitchen
	// light off in the kitchen
	// fell asleep
}

func ExampleManager() {
	var m aiter.Manager[string] = lamp{"hall"}
	virtual(func(ctx context.Context) error {
		return aiter.With(ctx, m, func(context.Context, string) error { return nil })
	})
	// Output:
	// light on in the hall
	// light off in the hall
}

func ExampleScope() {
	virtual(func(ctx context.Context) error {
		timed := aiter.Scope[time.Time]{
			Begin: func(ctx context.Context) (time.Time, error) { return aio.RunningLoop(ctx).Time(), nil },
			End: func(ctx context.Context, err error) error {
				fmt.Println("ended with", err)
				return nil
			},
		}
		return aiter.With(ctx, timed, func(ctx context.Context, began time.Time) error {
			return aio.Sleep(ctx, time.Second)
		})
	})
	// Output: ended with <nil>
}

func ExampleExitLimit() {
	virtual(func(ctx context.Context) error {
		stubborn := aiter.Scope[int]{End: func(ctx context.Context, _ error) error {
			return aio.Sleep(ctx, 24*time.Hour)
		}}
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			return aiter.With(ctx, stubborn, func(ctx context.Context, _ int) error {
				return aio.Sleep(ctx,
					time.Hour)
			}, aiter.ExitLimit(5*time.Second))
		})
		fmt.Println(errors.Is(err, context.DeadlineExceeded), "after", loop.Time().Sub(began))
		return nil
	})
	// Output: true after 6s
}

func ExampleWithOption() {
	options := []aiter.WithOption{aiter.ExitLimit(time.Minute)}
	virtual(func(ctx context.Context) error {
		return aiter.With(ctx, lamp{"cellar"},
			func(context.Context, string) error { return nil }, options...)
	})
	// Output:
	// light on in the cellar
	// light off in the cellar
}

func ExampleClosing() {
	virtual(func(ctx context.Context) error {
		return aiter.With(ctx, aiter.Closing(aiter.Pull(ctx, readings(ctx, 9))),
			func(ctx context.Context, it *aiter.Iterator[int]) error {
				n, err := it.Next(ctx)
				fmt.Println(n)
				return err
			})
	})
	// Output: 1
}

func ExampleContextManager() {
	virtual(func(ctx context.Context) error {
		transaction := aiter.ContextManager(func(ctx context.Context, yield func(
			string,
		) (context.Context, error)) error {
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			fmt.Println("begin")
			ctx, err := yield("tx 1")
			if err != nil {
				fmt.Println("rollback", aio.Sleep(ctx, time.Second))
				return err
			}
			fmt.Println("commit")
			return nil
		})
		fmt.Println(aiter.With(ctx, transaction, func(_ context.Context, tx string) error {
			fmt.Println("working in", tx)
			return errors.New("out of stock")
		}))
		return nil
	})
	// Output:
	// begin
	// working in tx 1
	// rollback <nil>
	// out of stock
}

func ExampleExitStack() {
	virtual(func(ctx context.Context) error {
		return aiter.With(ctx, &aiter.ExitStack{},
			func(ctx context.Context, stack *aiter.ExitStack) error {
				stack.Defer(func(context.Context) error {
					fmt.Println("and good night")
					return nil
				})
				for _, room := range []string{"kitchen", "hall"} {
					if _, err := aiter.Enter(ctx, stack, lamp{room}); err != nil {
						return err
					}
				}
				return nil
			})
	})
	// Output:
	// light on in the kitchen
	// light on in the hall
	// light off in the hall
	// light off in the kitchen
	// and good night
}

func ExampleEnter() {
	virtual(func(ctx context.Context) error {
		var stack aiter.ExitStack
		room, err := aiter.Enter(ctx, &stack, lamp{"attic"})
		fmt.Println(room)
		return errors.Join(err, stack.Close(ctx))
	})
	// Output:
	// light on in the attic
	// attic
	// light off in the attic
}
