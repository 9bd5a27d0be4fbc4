package main

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/aiotest/porcupine"
)

// slowPulse is that of a store whose clients have time.
const slowPulse = time.Minute

const day = 24 * time.Hour

// life is a long time of a store. Two clients make an operation each hour. Each day something goes
// wrong for an hour: a node crashes, or one or two are cut off. The test says how long an hour is.
func life(span, hour, pulse time.Duration) func(ctx context.Context, t *aiotest.T) error {
	return func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{})
		nodes := five(w, pulse, "")
		loop := aio.RunningLoop(ctx)
		end := loop.Time().Add(span)
		var h aiotest.History
		err := aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			for i := range 2 {
				name := fmt.Sprint("client-", i)
				g.Go(func(ctx context.Context) error {
					ctx = w.Host(name).Context(ctx)
					c := newClient(name, nodes)
					defer c.close()
					for n := 0; loop.Time().Before(end); n++ {
						key := fmt.Sprint("day-", n/24)
						op := operation{"add", key, fmt.Sprint(n, " ")}
						if i == 1 {
							op = operation{"get", key, ""}
						}
						ask := func(ctx context.Context) (string, error) { return c.do(ctx, op) }
						_, err := aiotest.Record(ctx, t, &h, op, ask)
						if err != nil {
							return err
						}
						if err := aio.Sleep(ctx, hour); err != nil {
							return err
						}
					}
					return nil
				}, aio.Name(name))
			}
			g.Go(func(ctx context.Context) error {
				hosts := w.Hosts()[:len(nodes)]
				for loop.Time().Before(end) {
					if err := aio.Sleep(ctx, 23*hour); err != nil {
						return err
					}
					one := hosts[loop.Rand().IntN(len(hosts))]
					two := hosts[loop.Rand().IntN(len(hosts))]
					mend := one.Restart
					if loop.Rand().IntN(2) == 0 {
						one.Crash()
					} else {
						mend = w.Partition(one, two)
					}
					if err := aio.Sleep(ctx, hour); err != nil {
						return err
					}
					mend()
				}
				return nil
			}, aio.Name("bad luck"))
			return nil
		})
		if err != nil {
			return err
		}
		porcupine.Check(t, model, &h)
		return nil
	}
}

func TestTheStoreLivesForDays(t *testing.T) {
	aiotest.Run(t, life(10*day, time.Hour, slowPulse), aiotest.MaxSteps(math.MaxInt))
}

// BenchmarkLife measures how many days pass in a minute. A year in a minute is 365.
func BenchmarkLife(b *testing.B) {
	for _, x := range []struct{ span, hour, pulse time.Duration }{
		{time.Hour, time.Minute, usualPulse}, {30 * day, time.Hour, slowPulse},
	} {
		b.Run(fmt.Sprint("pulse=", x.pulse), func(b *testing.B) {
			aiotest.Explore(b, life(x.span, x.hour, x.pulse), aiotest.Schedules(b.N),
				aiotest.DocumentedOrder(), aiotest.MaxSteps(math.MaxInt))
			days := float64(b.N) * x.span.Hours() / 24
			b.ReportMetric(days/b.Elapsed().Minutes(), "days/min")
		})
	}
}
