package aio_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aio-go/aio"
)

func ExampleVirtualClock() {
	clock := aio.NewVirtualClock()
	began := clock.Now()
	aio.Run(context.Background(), func(ctx context.Context) error { return aio.Sleep(ctx, 1000*time.Hour) }, aio.WithClock(clock))
	fmt.Println(clock.Now().Sub(began))
	// Output: 1000h0m0s
}

func ExampleNewVirtualClock() {
	fmt.Println(aio.NewVirtualClock().Now())
	// Output: 2000-01-01 00:00:00 +0000 UTC
}

func ExampleWithClock() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println(aio.RunningLoop(ctx).Time().Year())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 2000
}

// slowed is a clock on which everything takes twice as long as on another.
type slowed struct {
	aio.Clock
	began time.Time
}

func (c slowed) Now() time.Time { return c.began.Add(2 * c.Clock.Now().Sub(c.began)) }

func (c slowed) Advance(until time.Time) bool {
	return c.Clock.Advance(c.began.Add((until.Sub(c.began) + 1) / 2))
}

func ExampleClock() {
	inner := aio.NewVirtualClock()
	clock := slowed{inner, inner.Now()}
	aio.Run(context.Background(), func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) }, aio.WithClock(clock))
	fmt.Println(inner.Now().Sub(clock.began))
	// Output: 30m0s
}

// lastFirst turns every order round.
type lastFirst struct{}

func (lastFirst) Choose(what aio.Choice, n int) int { return n - 1 }

func ExampleChooser() {
	program := func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for _, name := range []string{"a", "b", "c"} {
				g.Go(func(ctx context.Context) error { fmt.Print(name, " "); return nil })
			}
			return nil
		})
	}
	aio.Run(context.Background(), program)
	aio.Run(context.Background(), program, aio.WithChooser(lastFirst{}))
	// Output: a b c c b a
}

// random makes choices that a seed repeats.
type random struct{ *rand.Rand }

func (r random) Choose(what aio.Choice, n int) int { return r.IntN(n) }

func ExampleWithChooser() {
	order := func(seed uint64) (order string) {
		aio.Run(context.Background(), func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				for i := range 10 {
					g.Go(func(ctx context.Context) error { order += fmt.Sprint(i); return nil })
				}
				return nil
			})
		}, aio.WithChooser(random{rand.New(rand.NewPCG(seed, 0))}))
		return order
	}
	once, again, other := order(1), order(1), order(2)
	fmt.Println(once == again, once == other)
	// Output: true false
}

// counting counts the decisions of each kind.
type counting map[aio.Choice]int

func (c counting) Choose(what aio.Choice, n int) int { c[what]++; return 0 }

func ExampleChoice() {
	seen := counting{}
	aio.Run(context.Background(), func(ctx context.Context) error {
		tick := func(ctx context.Context, _ int) (aio.None, error) { return aio.None{}, aio.Sleep(ctx, time.Second) }
		_, err := aio.Map(ctx, make([]int, 2), tick)
		return err
	}, aio.WithChooser(seen), aio.WithClock(aio.NewVirtualClock()))
	fmt.Println(seen[aio.ChooseReady] > 0, seen[aio.ChooseTimer], seen[aio.ChooseEvent])
	// Output: true 1 0
}

// A connection is closed when nothing has come for a minute: each message starts the timer again.
func ExampleTimer() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		idle := loop.NewTimer(func() { fmt.Println("closed after", loop.Time().Sub(began)) })
		idle.Start(time.Minute)
		for range 3 { // messages
			if err := aio.Sleep(ctx, 40*time.Second); err != nil {
				return err
			}
			idle.Start(time.Minute)
		}
		return aio.Sleep(ctx, time.Hour)
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: closed after 3m0s
}
