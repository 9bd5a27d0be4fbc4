package cookbook_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

func Example_whyNotThreads() {
	history := func() string {
		var lines []string // shared by all tasks, without a mutex
		stock := 2
		buy := func(ctx context.Context, name string) (aio.None, error) {
			if err := aio.Sleep(ctx, time.Second); err != nil { // the payment
				return aio.None{}, err
			}
			if stock == 0 {
				lines = append(lines, name+" is too late")
				return aio.None{}, nil
			}
			stock-- // nobody else runs between the check and this line
			lines = append(lines, name+" buys one")
			return aio.None{}, nil
		}
		err := aio.Run(context.Background(), func(ctx context.Context) error {
			_, err := aio.Map(ctx, []string{"ann", "bob", "cid"}, buy)
			return err
		}, aio.WithClock(aio.NewVirtualClock()))
		if err != nil {
			log.Fatal(err)
		}
		return strings.Join(lines, ", ")
	}

	seen := map[string]int{}
	for range 100 {
		seen[history()]++
	}
	for text, times := range seen {
		fmt.Println(times, "of 100 runs:", text)
	}
	// Output:
	// 100 of 100 runs: ann buys one, bob buys one, cid is too late
}

func Example_isItFaster() {
	clock := aio.NewVirtualClock()
	wait := aio.Action(func(ctx context.Context) error {
		return aio.Sleep(ctx, time.Second) // as a request to a server would
	})
	compute := aio.Action(func(ctx context.Context) error {
		clock.Advance(clock.Now().Add(time.Second)) // stands for a second of arithmetic
		return nil
	})

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		if _, err := aio.All(ctx, wait, wait, wait, wait); err != nil {
			return err
		}
		fmt.Println("four waits of a second take", loop.Time().Sub(began))

		began = loop.Time()
		if _, err := aio.All(ctx, compute, compute, compute, compute); err != nil {
			return err
		}
		fmt.Println("four computations of a second take", loop.Time().Sub(began))
		return nil
	}, aio.WithClock(clock))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// four waits of a second take 1s
	// four computations of a second take 4s
}

func Example_whatOfTheGIL() {
	var arrived sync.WaitGroup // of package sync: these functions are not on the loop
	arrived.Add(4)
	compute := func(ctx context.Context, part int) (int, error) {
		return aio.ToThread(ctx, func(context.Context) (int, error) {
			arrived.Done()
			arrived.Wait() // returns only if all four are under way at the same time
			sum := 0
			for n := part * 1000; n < (part+1)*1000; n++ {
				sum += n
			}
			return sum, nil
		})
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		sums, err := aio.Map(ctx, []int{0, 1, 2, 3}, compute)
		fmt.Println("computed at the same time:", sums)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// computed at the same time: [499500 1499500 2499500 3499500]
}

func Example_realCoroutines() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			fmt.Println("another task runs in the middle of a sort")
			return nil
		})
		sizes := map[string]int{"small": 1, "large": 3, "medium": 2}
		size := func(name string) int {
			if err := aio.Sleep(ctx, time.Second); err != nil { // as a look-up would
				return 0
			}
			return sizes[name]
		}
		names := []string{"large", "small", "medium"}
		slices.SortFunc(names, func(a, b string) int { return size(a) - size(b) })
		fmt.Println(names)
		return ctx.Err()
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// another task runs in the middle of a sort
	// [small medium large]
}

func Example_whyNotGoroutines() {
	began := time.Now()
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		order := func(name string, d time.Duration) aio.Func[string] {
			return func(ctx context.Context) (string, error) {
				defer fmt.Println(name, "has ended")
				return name, aio.Sleep(ctx, d)
			}
		}
		// The first answer wins. The others are cancelled, and have ended when Race returns.
		winner, err := aio.Race(ctx,
			order("tortoise", 48*time.Hour), order("hare", 24*time.Hour), order("snail", 72*time.Hour))
		fmt.Println("the winner:", winner, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	fmt.Println("a day, in less than an hour:", time.Since(began) < time.Hour, err)
	// Output:
	// hare has ended
	// tortoise has ended
	// snail has ended
	// the winner: hare <nil>
	// a day, in less than an hour: true <nil>
}

// anyOrder lets chance decide wherever a loop has a choice.
type anyOrder struct{ *rand.Rand }

func (o anyOrder) Choose(_ aio.Choice, n int) int { return o.IntN(n) }

func Example_isItBuggy() {
	// The reader relies on an order that nobody promises.
	works := func(opts ...aio.Option) bool {
		settings, found := map[string]string{}, ""
		err := aio.Run(context.Background(), func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					settings["colour"] = "green"
					return nil
				})
				g.Go(func(ctx context.Context) error {
					found = settings["colour"]
					return nil
				})
				return nil
			})
		}, opts...)
		return err == nil && found == "green"
	}

	fails := 0
	for seed := range uint64(100) {
		if !works(aio.WithChooser(anyOrder{rand.New(rand.NewPCG(seed, 0))})) {
			fails++
		}
	}
	fmt.Println("works as usual:", works())
	fmt.Println("fails in some of 100 other orders:", fails > 0)
	// Output:
	// works as usual: true
	// fails in some of 100 other orders: true
}

func Example_isItHarder() {
	// One after the other, as one would write it without any concurrency.
	order := func(ctx context.Context, dish string) (string, error) {
		if err := aio.Sleep(ctx, time.Second); err != nil { // ask the kitchen
			return "", err
		}
		if dish == "soup" {
			return "", errors.New("there is no soup")
		}
		if err := aio.Sleep(ctx, time.Minute); err != nil { // it cooks
			return "", err
		}
		return dish + " is served", nil
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		began := aio.RunningLoop(ctx).Time()
		for _, menu := range [][]string{{"fish", "rice"}, {"fish", "soup"}} {
			served, err := aio.Map(ctx, menu, order) // and now at the same time
			fmt.Println(served, err, "after", aio.RunningLoop(ctx).Time().Sub(began))
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [fish is served rice is served] <nil> after 1m1s
	// [] there is no soup after 1m2s
}

func Example_doINeedLocks() {
	seats := 3
	var counter aiosync.Lock

	// Nothing waits between the check and the change: no lock.
	take := func() bool {
		if seats == 0 {
			return false
		}
		seats--
		return true
	}
	// The payment waits in between: a lock, or one seat is sold twice.
	pay := func(ctx context.Context, _ int) (sold bool, err error) {
		err = counter.With(ctx, func(ctx context.Context) error {
			if seats == 0 {
				return nil
			}
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			sold = take()
			return nil
		})
		return sold, err
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		sold, err := aio.Map(ctx, make([]int, 5), pay)
		fmt.Println(sold, "seats left:", seats)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [true true true false false] seats left: 0
}
