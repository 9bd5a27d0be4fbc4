package main

import (
	"runtime"

	"golang.org/x/sync/errgroup"
)

// errgroupWorks does the work for which golang.org/x/sync/errgroup is made.
var errgroupWorks = map[string]round{
	"create_await": errgroupCreateAwait,
	"gather_100k":  errgroupGather,
	"map_limit":    errgroupMap,
}

func errgroupCreateAwait(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		sum := 0
		for i := range size * reps {
			var g errgroup.Group
			var result int
			g.Go(func() error { result = i; return nil })
			if err := g.Wait(); err != nil {
				return err
			}
			sum += result
		}
		return expect("sum", sum, sumBelow(size*reps))
	})
}

func errgroupGather(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		for range reps {
			results := make([]int, size)
			var g errgroup.Group
			for i := range results {
				g.Go(func() error { results[i] = i; return nil })
			}
			if err := g.Wait(); err != nil {
				return err
			}
			if err := checkResults(results, 1); err != nil {
				return err
			}
		}
		return nil
	})
}

func errgroupMap(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		for range reps {
			results := make([]int, size)
			var g errgroup.Group
			g.SetLimit(mapLimit)
			for i := range results {
				g.Go(func() error {
					runtime.Gosched()
					results[i] = 2 * i
					return nil
				})
			}
			if err := g.Wait(); err != nil {
				return err
			}
			if err := checkResults(results, 2); err != nil {
				return err
			}
		}
		return nil
	})
}
