//go:build unix

package cookbook_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/executor"
)

// prime computes.
func prime(n int) bool {
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return n > 1
}

// isPrime has a name, by which a worker process finds it.
var isPrime = executor.Register("isPrime", func(ctx context.Context, n int) (bool, error) {
	return prime(n), nil
})

func Example_blockingAndComputing() {
	executor.Main() // in a worker process this runs the jobs and does not return

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		// A blocking call: on a goroutine of its own.
		text, err := aio.ToThread(ctx, func(ctx context.Context) (string, error) {
			time.Sleep(time.Millisecond) // stands for a driver that blocks
			return "from a driver", nil
		})
		fmt.Println(text, err)

		// A computation: goroutines use all cores as well, since Go has no GIL.
		onThread := func(ctx context.Context, n int) (bool, error) {
			return aio.ToThread(ctx, func(context.Context) (bool, error) { return prime(n), nil })
		}
		primes, err := aio.Map(ctx, []int{104729, 104730}, onThread, aio.Limit(2))
		fmt.Println(primes, err)

		// One that may crash, or must be killed when it is cancelled: in another process.
		return executor.Processes(ctx, func(ctx context.Context, p *executor.Pool) error {
			primes, err := aio.Map(ctx, []int{1299709, 1299710}, isPrime.Run)
			fmt.Println(primes, err)
			return nil
		}, executor.Workers(2))
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// from a driver <nil>
	// [true false] <nil>
	// [true false] <nil>
}
