package distributed_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/distributed"
	"github.com/aio-go/aio/executor"
)

var errTwentieth = errors.New("every twentieth fails")

var mostly = executor.Register("mostly", func(ctx context.Context, n int) (int, error) {
	if n%20 == 0 {
		return 0, distributed.Permanent(errTwentieth)
	}
	return n + 1, nil
})

func TestOfManyJobsEachHasItsOutcomeEvenIfOneInTwentyFails(t *testing.T) {
	jobs := 2_000
	if os.Getenv("AIO_LARGE") != "" {
		jobs = 100_000
	}
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		c, err := distributed.Open(ctx, distributed.Embedded(t.TempDir()))
		if err != nil {
			return err
		}
		defer c.Close()
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			work := g.Go(func(ctx context.Context) error {
				return distributed.Work(ctx, c, distributed.Concurrency(64))
			})
			defer work.Cancel(nil)
			numbers := make([]int, jobs)
			for i := range numbers {
				numbers[i] = i
			}
			done, failed := 0, 0
			outcomes, err := aio.MapSettled(executor.With(ctx, c), numbers, mostly.Run, aio.Limit(512))
			if err != nil {
				return err
			}
			for i, o := range outcomes {
				var dead *distributed.FailedError
				switch {
				case o.Err == nil && o.Value == i+1 && i%20 != 0:
					done++
				case errors.As(o.Err, &dead) && len(dead.Failures) == 1 && i%20 == 0:
					failed++
				default:
					t.Errorf("job %d: %d, %v", i, o.Value, o.Err)
				}
			}
			dead := 0
			for _, err := range c.Dead(ctx) {
				if err != nil {
					return err
				}
				if dead++; jobs > 2_000 && dead == 100 { // each is a request
					break
				}
			}
			stats, err := c.Stats(ctx)
			if err != nil {
				return err
			}
			if done != jobs-jobs/20 || failed != jobs/20 || stats.Dead != failed ||
				dead != min(failed, 100) || c.Counts().Waiting != 0 {
				t.Errorf("%d done, %d failed, %+v, %v", done, failed, stats, c.Counts())
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// BenchmarkWaiting is what one job takes in the memory of its submitter, from the call to its end.
func BenchmarkWaiting(b *testing.B) {
	url := benchServer(b)
	err := aio.Run(b.Context(), func(ctx context.Context) error {
		c, err := distributed.Connect(ctx, url)
		if err != nil {
			return err
		}
		defer c.Close()
		heap := func() uint64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return m.HeapAlloc + m.StackInuse
		}
		before := heap()
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for range b.N {
				g.Go(func(ctx context.Context) error {
					_, err := square.With(executor.On(c)).Run(ctx, 7)
					return err
				})
			}
			for c.Counts().Submitted < b.N {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			b.ReportMetric(float64(heap()-before)/float64(b.N), "B/job")
			g.Cancel(nil)
			return nil
		})
	})
	if err != nil {
		b.Fatal(err)
	}
}
