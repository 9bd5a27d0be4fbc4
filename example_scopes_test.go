package aio_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
)

func ExampleGroup() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 3 {
				g.Go(func(ctx context.Context) error {
					if err := aio.Sleep(ctx, time.Duration(3-i)*time.Second); err != nil {
						return err
					}
					fmt.Println("task", i, "has ended")
					return nil
				})
			}
			return nil
		})
		fmt.Println("the group has ended:", err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// task 2 has ended
	// task 1 has ended
	// task 0 has ended
	// the group has ended: <nil>
}

// Several failures come back joined, in the order in which they happened.
func ExampleGroup_errors() {
	errFirst, errSecond := errors.New("first"), errors.New("second")
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				aio.Sleep(ctx, time.Hour) // interrupted when the other fails
				return errSecond
			})
			g.Go(func(ctx context.Context) error { return errFirst })
			return nil
		})
		fmt.Println(err)
		fmt.Println(errors.Is(err, errFirst), errors.Is(err, errSecond))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// first
	// second
	// true true
}

func ExampleTaskGroup_Cancel() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		found := -1
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 5 {
				g.Go(func(ctx context.Context) error {
					if err := aio.Sleep(ctx, time.Duration(i)*time.Second); err != nil {
						return err
					}
					if i == 2 {
						found = i
						g.Cancel(errors.New("found it"))
					}
					return nil
				})
			}
			return nil
		})
		fmt.Println(found, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 2 <nil>
}

func ExampleTaskGroup_Go() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				fmt.Println("child")
				g.Go(func(ctx context.Context) error { // children may have children
					fmt.Println("grandchild")
					return nil
				})
				return nil
			})
			return nil
		})
	})
	// Output:
	// child
	// grandchild
}

// A function that gets a group can start what outlives it, and yet nothing gets lost.
func ExampleTaskGroup() {
	listen := func(g *aio.TaskGroup, port int) {
		g.Go(func(ctx context.Context) error {
			fmt.Println("listening on", port)
			return aio.Sleep(ctx, time.Second)
		})
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			listen(g, 80)
			listen(g, 443)
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// listening on 80
	// listening on 443
}

func ExampleGoValue() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var word *aio.Task[string]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			word = aio.GoValue(g, func(ctx context.Context) (string, error) { return "hello", aio.Sleep(ctx, time.Second) })
			return nil
		})
		if err != nil {
			return err
		}
		fmt.Println(word.Result())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: hello <nil>
}

func ExampleGoReady() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			port, err := aio.GoReady(ctx, g, func(ctx context.Context, ready func(port int)) error {
				ready(8080)
				return aio.Sleep(ctx, time.Hour)
			})
			fmt.Println(port, err)
			g.Cancel(nil)
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 8080 <nil>
}

func ExampleSleep() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		err := aio.Sleep(ctx, 90*time.Minute)
		fmt.Println(loop.Time().Sub(began), err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 1h30m0s <nil>
}

// A long computation lets others have their turn.
func ExampleYield() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			fmt.Println("another task")
			return nil
		})
		sum := 0
		for i := range 1000 {
			sum += i
			if i%500 == 499 {
				fmt.Println("so far:", sum)
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
		}
		return nil
	})
	// Output:
	// so far: 124750
	// another task
	// so far: 499500
}

func ExampleTimeout() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			return aio.Sleep(ctx, time.Hour)
		})
		fmt.Println(errors.Is(err, context.DeadlineExceeded))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: true
}

func ExampleTimeoutAt() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		closing := aio.RunningLoop(ctx).Time().Add(time.Hour)
		served := 0
		err := aio.TimeoutAt(ctx, closing, func(ctx context.Context) error {
			for {
				if err := aio.Sleep(ctx, 25*time.Minute); err != nil {
					return err
				}
				served++
			}
		})
		fmt.Println(served, errors.Is(err, context.DeadlineExceeded))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 2 true
}

func ExampleWaitFor() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		v, err := aio.WaitFor(ctx, time.Second, aio.Bind2(after, 500*time.Millisecond, "in time"))
		fmt.Println(v, err)
		_, err = aio.WaitFor(ctx, time.Second, aio.Bind2(after, time.Hour, "late"))
		fmt.Println(errors.Is(err, context.DeadlineExceeded))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// in time <nil>
	// true
}

// A task that makes progress gets more time.
func ExampleCurrentTimeout() {
	receive := func(ctx context.Context, chunks int) error {
		for range chunks {
			if err := aio.Sleep(ctx, 8*time.Second); err != nil {
				return err
			}
			if limit := aio.CurrentTimeout(ctx); limit != nil {
				limit.Reschedule(aio.RunningLoop(ctx).Time().Add(10 * time.Second))
			}
		}
		return nil
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Timeout(ctx, 10*time.Second, func(ctx context.Context) error { return receive(ctx, 5) })
		fmt.Println(err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: <nil>
}

func ExampleTimeoutBlock() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Timeout(ctx, time.Minute, func(ctx context.Context) error {
			block := aio.CurrentTimeout(ctx)
			left := block.When().Sub(aio.RunningLoop(ctx).Time())
			fmt.Println(left, "left, expired:", block.Expired())
			return block.Reschedule(time.Time{}) // no limit any more
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 1m0s left, expired: false
}

// For libraries that take a context: it follows the loop's clock.
func ExampleWithTimeout() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		short, cancel := aio.WithTimeout(ctx, time.Second)
		defer cancel()
		fmt.Println(errors.Is(aio.Sleep(short, time.Hour), context.DeadlineExceeded))
		fmt.Println(aio.Sleep(ctx, time.Hour)) // nothing else is concerned
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// true
	// <nil>
}

func ExampleWithDeadline() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		noon := aio.RunningLoop(ctx).Time().Add(12 * time.Hour)
		morning, cancel := aio.WithDeadline(ctx, noon)
		defer cancel()
		at, ok := morning.Deadline()
		fmt.Println(at.Format(time.TimeOnly), ok)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 12:00:00 true
}

func ExampleWithCancelCause() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		work, cancel := aio.WithCancelCause(ctx)
		betterIdea := errors.New("a better idea")
		aio.RunningLoop(ctx).CallLater(time.Second, func() { cancel(betterIdea) })

		err := aio.Sleep(work, time.Hour)
		fmt.Println(errors.Is(err, context.Canceled), errors.Is(err, betterIdea))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: true true
}

func ExampleAll() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		square := func(ctx context.Context, n int) (int, error) { return n * n, aio.Sleep(ctx, time.Second) }
		squares, err := aio.All(ctx, aio.Bind(square, 3), aio.Bind(square, 4))
		fmt.Println(squares, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: [9 16] <nil>
}

// The first error ends the others; when All returns they have ended.
func ExampleAll_failure() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.All(ctx,
			aio.Action(func(ctx context.Context) error { return errors.New("boom") }),
			aio.Action(func(ctx context.Context) error {
				defer fmt.Println("the other has ended")
				return aio.Sleep(ctx, time.Hour)
			}),
		)
		fmt.Println(err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// the other has ended
	// boom
}

// The first mirror that answers is good enough.
func ExampleRace() {
	mirror := func(ctx context.Context, name string, delay time.Duration) (string, error) {
		if err := aio.Sleep(ctx, delay); err != nil {
			return "", err
		}
		if name == "broken" {
			return "", errors.New("broken: no such file")
		}
		return "from " + name, nil
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		v, err := aio.Race(ctx,
			aio.Bind2(mirror, "slow", time.Minute),
			aio.Bind2(mirror, "broken", time.Second),
			aio.Bind2(mirror, "fast", 2*time.Second),
		)
		fmt.Println(v, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: from fast <nil>
}

func ExampleMap() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		lengths, err := aio.Map(ctx, []string{"a", "bb", "ccc"}, func(ctx context.Context, s string) (int, error) {
			return len(s), aio.Sleep(ctx, time.Second)
		})
		fmt.Println(lengths, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: [1 2 3] <nil>
}

// With a limit of 10, a hundred items of a second each take ten seconds.
func ExampleLimit() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		_, err := aio.Map(ctx, make([]int, 100), func(ctx context.Context, _ int) (aio.None, error) {
			return aio.None{}, aio.Sleep(ctx, time.Second)
		}, aio.Limit(10))
		fmt.Println(loop.Time().Sub(began), err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 10s <nil>
}

// A function with options of its own hands those of Map on.
func ExampleMapOption() {
	double := func(ctx context.Context, items []int, opts ...aio.MapOption) ([]int, error) {
		return aio.Map(ctx, items, func(ctx context.Context, n int) (int, error) { return 2 * n, nil }, opts...)
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		doubles, err := double(ctx, []int{1, 2, 3}, aio.Limit(2))
		fmt.Println(doubles)
		return err
	})
	// Output: [2 4 6]
}

// Three loops, each on a goroutine of its own: what they share needs care, what belongs to one of
// them does not.
func ExampleRunParallel() {
	var total atomic.Int64
	err := aio.RunParallel(context.Background(), 3, func(ctx context.Context, i int) error {
		own := 0 // of this loop
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for range 10 {
				g.Go(func(ctx context.Context) error { own++; return nil })
			}
			return nil
		})
		total.Add(int64(own))
		return err
	})
	fmt.Println(total.Load(), err)
	// Output: 30 <nil>
}
