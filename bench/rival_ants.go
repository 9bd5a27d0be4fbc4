package main

import (
	"runtime"
	"sync"

	"github.com/panjf2000/ants/v2"
)

// antsWorks does the works that take goroutines from a pool of
// github.com/panjf2000/ants.
var antsWorks = map[string]round{
	"create_await": antsCreateAwait,
	"gather_100k":  antsGather,
	"map_limit":    antsMap,
}

// withPool runs measure with a new, empty pool of at most n goroutines.
func withPool(n int, measure func(pool *ants.Pool) (float64, error)) (float64, error) {
	pool, err := ants.NewPool(n)
	if err != nil {
		return 0, err
	}
	defer pool.Release()
	return measure(pool)
}

func antsCreateAwait(size, reps int) (float64, error) {
	return withPool(1000, func(pool *ants.Pool) (float64, error) {
		return timed(size, reps, func(reps int) error {
			sum := 0
			for i := range size * reps {
				result := make(chan int, 1)
				if err := pool.Submit(func() { result <- i }); err != nil {
					return err
				}
				sum += <-result
			}
			return expect("sum", sum, sumBelow(size*reps))
		})
	})
}

func antsGather(size, reps int) (float64, error) {
	return withPool(size, func(pool *ants.Pool) (float64, error) {
		return timed(size, reps, func(reps int) error {
			for range reps {
				if err := antsRun(pool, size, 1, func() {}); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func antsMap(size, reps int) (float64, error) {
	return withPool(mapLimit, func(pool *ants.Pool) (float64, error) {
		return timed(size, reps, func(reps int) error {
			for range reps {
				if err := antsRun(pool, size, 2, runtime.Gosched); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// antsRun has the pool multiply size numbers by the factor.
func antsRun(pool *ants.Pool, size, factor int, before func()) error {
	results := make([]int, size)
	var wg sync.WaitGroup
	wg.Add(size)
	for i := range results {
		if err := pool.Submit(func() { before(); results[i] = factor * i; wg.Done() }); err != nil {
			return err
		}
	}
	wg.Wait()
	return checkResults(results, factor)
}
