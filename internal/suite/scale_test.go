package suite_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
)

func init() {
	parts["sleepers"] = func() {
		n, _ := strconv.Atoi(os.Getenv("AIO_TEST_SLEEPERS"))
		if err := sleepers(n); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
}

// sleepers runs n tasks that sleep at the same time, by the real clock.
func sleepers(n int) error {
	const limit = 8 << 10 // bytes a task, with its stack
	var during runtime.MemStats
	asleep, ended := 0, 0
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			wake := aio.RunningLoop(ctx).Time().Add(2 * time.Second)
			for range n {
				g.Go(func(ctx context.Context) error {
					asleep++
					err := aio.Sleep(ctx, time.Until(wake))
					ended++
					return err
				})
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			runtime.ReadMemStats(&during)
			return nil
		})
		if left := len(aio.AllTasks(ctx)); err == nil && left != 1 {
			err = fmt.Errorf("%d tasks are left", left)
		}
		return err
	})
	switch used := during.Sys / uint64(n); {
	case err != nil:
		return err
	case asleep != n || ended != n:
		return fmt.Errorf("of %d tasks %d fell asleep and %d ended", n, asleep, ended)
	case n > 10_000 && used > limit:
		return fmt.Errorf("a sleeping task takes %d bytes, more than %d", used, limit)
	}
	return nil
}

// A process of its own gives the memory, about 3.5 GB, back at once.
func TestOneLoopRunsAMillionSleepingTasksToTheEnd(t *testing.T) {
	n := 1_000_000
	if testing.Short() || leaktest.RaceDetector {
		n = 5_000
	}
	if out, err := playPart(t, "sleepers", "AIO_TEST_SLEEPERS="+strconv.Itoa(n)); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
