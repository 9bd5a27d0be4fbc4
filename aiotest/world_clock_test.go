package aiotest_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/internal/looptest"
)

// A lock is lent until a time, and who has it looks at its own clock to see whether it still has.
// Two that work at a time are a failure.
func TestAClockThatIsWrongIsFound(t *testing.T) {
	faulty{
		program: func(ctx context.Context, t *aiotest.T, w *aiotest.World) error {
			const lease = 5 * time.Second
			w.Host("locks").Boot(func(ctx context.Context) error {
				var until time.Time
				return linesWith(ctx, func(ctx context.Context, _ string) string {
					now := aio.Now(ctx)
					if now.Before(until) {
						return "taken\n"
					}
					until = now.Add(lease)
					return fmt.Sprintln(until.UnixMilli())
				})
			})
			working := 0
			worker := func(ctx context.Context) error {
				answer, err := "taken", error(nil)
				for answer == "taken" && err == nil {
					if answer, err = insist(ctx, "locks", "lend", time.Minute); err == nil {
						err = aio.Sleep(ctx, time.Second)
					}
				}
				ms, bad := strconv.ParseInt(answer, 10, 64)
				if err != nil || bad != nil {
					return err
				}
				if working++; working > 1 {
					t.Error("two have the lock")
				}
				for aio.Now(ctx).Before(time.UnixMilli(ms).Add(-2*time.Second)) && err == nil {
					err = aio.Sleep(ctx, time.Second)
				}
				working--
				return err
			}
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				for i := range 2 {
					host := w.Host(fmt.Sprint("worker-", i))
					g.Go(func(ctx context.Context) error { return worker(host.Context(ctx)) })
				}
				return nil
			})
		},
		fault: aiotest.Faults{Clocks: 2},
		fine:  aiotest.Faults{Resets: 1, SlowReaders: 1, Lookups: 1},
		fails: "two have the lock",
		told:  "the clock of ",
	}.foundAlone(t)
}

func TestTheClockOfAHostIsSetByTheTest(t *testing.T) {
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{})
		loop := aio.RunningLoop(ctx)
		h := w.Host("a")
		ctx = h.Context(ctx)
		shows := func(want time.Duration) {
			t.Helper()
			if d := aio.Now(ctx).Sub(loop.Time()); d != want {
				t.Errorf("the clock is %v ahead, want %v", d, want)
			}
		}
		shows(0)
		h.SetClock(-time.Minute, 0.5)
		shows(-time.Minute)
		if err := aio.Sleep(ctx, 10*time.Second); err != nil {
			return err
		}
		shows(-55 * time.Second)
		h.Crash()
		h.Restart()
		shows(-55 * time.Second)
		if d := aio.Now(w.Host("b").Context(ctx)).Sub(loop.Time()); d != 0 {
			t.Errorf("the clock of b is %v ahead", d)
		}
		if v := looptest.PanicOf(func() { h.SetClock(0, -1) }); v == nil {
			t.Error("a clock may stand still")
		}
		return nil
	})
}

func TestALongStoryKeepsWhatHappenedInTheWorld(t *testing.T) {
	r := explore(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{})
		for i := range 200 {
			if i == 100 {
				w.Host("a").SetClock(time.Second, 0)
			}
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
		}
		t.Error("it is over")
		return nil
	})
	wantOne(t, r, "steps ...", "       world: the clock of a is 1s ahead\n")
}
