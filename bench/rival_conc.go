package main

import (
	"runtime"

	"github.com/sourcegraph/conc"
	"github.com/sourcegraph/conc/iter"
)

// concWorks does the work for which github.com/sourcegraph/conc is made.
var concWorks = map[string]round{
	"create_await": concCreateAwait,
	"gather_100k":  concGather,
	"map_limit":    concMap,
}

func concCreateAwait(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		sum := 0
		for i := range size * reps {
			var wg conc.WaitGroup
			var result int
			wg.Go(func() { result = i })
			wg.Wait()
			sum += result
		}
		return expect("sum", sum, sumBelow(size*reps))
	})
}

func concGather(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		for range reps {
			results := make([]int, size)
			var wg conc.WaitGroup
			for i := range results {
				wg.Go(func() { results[i] = i })
			}
			wg.Wait()
			if err := checkResults(results, 1); err != nil {
				return err
			}
		}
		return nil
	})
}

func concMap(size, reps int) (float64, error) {
	items := make([]int, size)
	for i := range items {
		items[i] = i
	}
	mapper := iter.Mapper[int, int]{MaxGoroutines: mapLimit}
	return timed(size, reps, func(reps int) error {
		for range reps {
			results := mapper.Map(items, func(item *int) int {
				runtime.Gosched()
				return 2 * *item
			})
			if err := checkResults(results, 2); err != nil {
				return err
			}
		}
		return nil
	})
}
