package aio_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
)

// A cancel function may be called on any goroutine, at any time: while the loop runs, while it ends, and long after.
func TestACancelFunctionMayBeCalledWhileTheLoopEndsAndAfter(t *testing.T) {
	for range 50 {
		var wg sync.WaitGroup
		var ctxs []context.Context
		if err := aio.Run(t.Context(), func(ctx context.Context) error {
			for range 8 {
				c, cancel := aio.WithTimeout(ctx, time.Hour)
				ctxs = append(ctxs, c)
				wg.Go(func() {
					runtime.Gosched()
					cancel()
				})
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		for _, c := range ctxs {
			if c.Err() != context.Canceled {
				t.Fatalf("the context says %v", c.Err())
			}
		}
	}
}

func TestTheContextOfABlockEndsWithTheBlock(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var kept []context.Context
		keep := func(c context.Context) {
			c.Done() // somebody waits for it
			kept = append(kept, c)
		}
		if err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error { keep(ctx); return nil }); err != nil {
			return err
		}
		if err := aio.Group(ctx, func(ctx context.Context, _ *aio.TaskGroup) error { keep(ctx); return nil }); err != nil {
			return err
		}
		for i, c := range kept {
			select {
			case <-c.Done():
			default:
				t.Errorf("context %d goes on", i)
			}
		}
		return ctx.Err()
	})
}

// heapAfter returns how many bytes of the heap are in use after a collection.
func heapAfter(work func()) uint64 {
	work()
	var m runtime.MemStats
	for range 3 { // cleanups need more than one
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestBlocksAndContextsThatHaveEndedAreForgotten(t *testing.T) {
	const n = 20_000
	for name, work := range map[string]func(ctx context.Context){
		"a time-out under a context of the standard library": func(ctx context.Context) {
			aio.Timeout(ctx, time.Hour, func(context.Context) error { return nil })
		},
		"a group under a context of the standard library": func(ctx context.Context) {
			aio.Group(ctx, func(context.Context, *aio.TaskGroup) error { return nil })
		},
		"a context whose deadline has passed": func(ctx context.Context) {
			c, _ := aio.WithTimeout(ctx, 0) // that nobody cancels it is the point
			_ = aio.Sleep(c, time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				std, stop := context.WithCancel(ctx)
				defer stop()
				rounds := func() {
					for range n {
						work(std)
					}
				}
				before := heapAfter(rounds)
				after := heapAfter(rounds)
				if grown := int64(after) - int64(before); grown > 20*n {
					t.Errorf("the heap has grown by %d bytes each", grown/n)
				}
				return nil
			})
		})
	}
}

func TestManyWaitsWithContextsOfTheStandardLibraryEndInOneGo(t *testing.T) {
	run(t, func(ctx context.Context) error {
		n := 20_000 // looking at all of them for each would take minutes
		if leaktest.RaceDetector {
			n = 2_000 // the race detector takes 50 KB for each, and keeps them
		}
		ended := 0
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for range n {
				g.Go(func(ctx context.Context) error {
					c, cancel := context.WithCancel(ctx)
					defer cancel()
					err := aio.Sleep(c, time.Hour)
					ended++
					return err
				})
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			g.Cancel(errors.New("enough"))
			return nil
		})
		if ended != n {
			t.Errorf("%d of %d ended", ended, n)
		}
		return err
	})
}

func TestABusyLoopReadsItsClockEachPass(t *testing.T) {
	clock := aio.NewVirtualClock()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		late := -1
		aio.RunningLoop(ctx).CallLater(10*time.Millisecond, func() { late = 0 })
		for pass := range 10 {
			clock.Advance(clock.Now().Add(5 * time.Millisecond)) // what a long step does to a real clock
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if late == 0 {
				if pass > 2 {
					t.Errorf("the timer was noticed in pass %d", pass)
				}
				return nil
			}
		}
		return errors.New("the timer was not noticed")
	}, aio.WithClock(clock))
	if err != nil {
		t.Error(err)
	}
}

func TestAWaiterThatIsNeverParkedDoesNotHarmTheNextTask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		std, cancel := context.WithCancel(ctx)
		defer cancel()
		careless := aio.Start(ctx, func(context.Context) error {
			aio.NewWaiter(std, "Careless.Wait", nil)
			return nil
		})
		if _, err := careless.Await(ctx); err != nil {
			return err
		}
		next := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) })
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		cancel()
		_, err := next.Await(ctx)
		return err
	})
}
