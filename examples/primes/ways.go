package main

import (
	"context"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/executor"
)

// way is a way to count the primes of all parts.
type way struct {
	name, about string
	count       func(ctx context.Context, parts []part, workers int) (int, error)
}

var ways = []way{
	{"loop", "one loop: one task computes at a time", onLoop},
	{"threads", "ToThread: goroutines beside the loop", onThreads},
	{"processes", "executor: worker processes", inProcesses},
	{"loops", "RunParallel: a loop for each worker", onLoops},
}

// part is a range of numbers, without the last.
type part struct{ From, To int }

// split divides the numbers below a limit into parts.
func split(below, n int) []part {
	n = min(n, below)
	parts := make([]part, n)
	for i := range parts {
		end := int(int64(i+1) * int64(below) / int64(n))
		parts[i].To = end
		if i+1 < n {
			parts[i+1].From = end
		}
	}
	return parts
}

// primes counts the primes of a part. Now and then it pauses, which says whether to go on.
func primes(ctx context.Context, p part, pause func(ctx context.Context) error) (int, error) {
	found := 0
	for n := max(2, p.From); n < p.To; n++ {
		if n%1024 == 0 {
			if err := pause(ctx); err != nil {
				return found, err
			}
		}
		prime := true
		for d := 2; d*d <= n && prime; d++ {
			prime = n%d != 0
		}
		if prime {
			found++
		}
	}
	return found, nil
}

// look is the pause of a function that is not on a loop. On a loop it would not do: the loop has no
// turn to notice a cancellation while a task computes. There the pause is aio.Yield.
func look(ctx context.Context) error { return context.Cause(ctx) }

func sum(counts []int, err error) (total int, _ error) {
	for _, n := range counts {
		total += n
	}
	return total, err
}

// onLoop has a task for each part. They take turns, but only one of them computes at a time.
func onLoop(ctx context.Context, parts []part, _ int) (int, error) {
	return aio.RunValue(ctx, func(ctx context.Context) (int, error) {
		return sum(aio.Map(ctx, parts, func(ctx context.Context, p part) (int, error) {
			return primes(ctx, p, aio.Yield)
		}))
	})
}

// onThreads computes on goroutines beside the loop, which only waits.
func onThreads(ctx context.Context, parts []part, workers int) (int, error) {
	return aio.RunValue(ctx, func(ctx context.Context) (int, error) {
		return sum(aio.Map(ctx, parts, func(ctx context.Context, p part) (int, error) {
			return aio.ToThread(ctx, func(ctx context.Context) (int, error) {
				return primes(ctx, p, look)
			})
		}, aio.Limit(workers)))
	})
}

// inWorker is the function for other processes, which find it by its name.
var inWorker = executor.Register("primes", func(ctx context.Context, p part) (int, error) {
	return primes(ctx, p, look)
})

// inProcesses computes in worker processes. That costs their start, and a copy of each argument and
// result.
func inProcesses(ctx context.Context, parts []part, workers int) (int, error) {
	return aio.RunValue(ctx, func(ctx context.Context) (total int, err error) {
		err = executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) error {
			total, err = sum(aio.Map(ctx, parts, inWorker.Run, aio.Limit(workers)))
			return err
		}, executor.Workers(workers))
		return total, err
	})
}

// onLoops gives each of several loops a share of the parts. Nothing is shared but the counts, of
// which each loop has its own.
func onLoops(ctx context.Context, parts []part, workers int) (int, error) {
	counts := make([]int, workers)
	err := aio.RunParallel(ctx, workers, func(ctx context.Context, i int) error {
		for at := i; at < len(parts); at += workers {
			n, err := primes(ctx, parts[at], aio.Yield)
			if err != nil {
				return err
			}
			counts[i] += n
		}
		return nil
	})
	return sum(counts, err)
}
