package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// goroutineWorks does each work with goroutines, channels and package sync,
// in the cheapest form a Go engineer would write.
var goroutineWorks = map[string]round{
	"yield":            goroutineYield,
	"yield_timer":      goroutineYieldTimer,
	"yield_among":      goroutineYieldAmong,
	"create_await":     goroutineCreateAwait,
	"gather_100k":      goroutineGather,
	"to_thread":        goroutineCreateAwait,
	"to_thread_polled": goroutineCreateAwaitPolled,
	"queue":            goroutineQueue,
	"lock":             goroutineLock,
	"lock_contended":   goroutineLockContended,
	"timers_1m_insert": goroutineTimersInsert,
	"timers_1m_fire":   goroutineTimersFire(),
	"cancel_100k":      goroutineCancel,
	"post":             goroutinePost,
	"task_memory":      goroutineMemory,
	"map_limit":        goroutineMap,
	"burst":            goroutineBurst,
	"sleepers_10k":     goroutineSleepers(),
	"sleepers_1m":      goroutineSleepers(),
}

func goroutineYield(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		for range size * reps {
			runtime.Gosched()
		}
		return nil
	})
}

func goroutineYieldTimer(size, reps int) (float64, error) {
	timer := time.AfterFunc(time.Hour, func() {})
	defer timer.Stop()
	return goroutineYield(size, reps)
}

func goroutineYieldAmong(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		var wg sync.WaitGroup
		var yields atomic.Int64
		for range size {
			wg.Go(func() {
				for range reps {
					runtime.Gosched()
				}
				yields.Add(int64(reps))
			})
		}
		wg.Wait()
		return expect("yields", int(yields.Load()), size*reps)
	})
}

func goroutineCreateAwait(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		sum := 0
		for i := range size * reps {
			result := make(chan int, 1)
			go func() { result <- i }()
			sum += <-result
		}
		return expect("sum", sum, sumBelow(size*reps))
	})
}

// goroutineCreateAwaitPolled does the same while the runtime's poller watches
// a descriptor.
func goroutineCreateAwaitPolled(size, reps int) (float64, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Read(make([]byte, 1))
	}()
	defer func() { w.Close(); <-done; r.Close() }()
	return goroutineCreateAwait(size, reps)
}

func goroutineGather(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		for range reps {
			results := make([]int, size)
			var wg sync.WaitGroup
			wg.Add(size)
			for i := range results {
				go func() { results[i] = i; wg.Done() }()
			}
			wg.Wait()
			if err := checkResults(results, 1); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkResults sees that every result is its index times the factor.
func checkResults(results []int, factor int) error {
	sum := 0
	for _, v := range results {
		sum += v
	}
	return expect("sum of results", sum, factor*sumBelow(len(results)))
}

func goroutineQueue(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		items := make(chan int, queueBound)
		go func() {
			for i := range size * reps {
				items <- i
			}
			close(items)
		}()
		sum := 0
		for v := range items {
			sum += v
		}
		return expect("sum of items", sum, sumBelow(size*reps))
	})
}

func goroutineLock(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		var mu sync.Mutex
		count := 0
		for range size * reps {
			mu.Lock()
			count++
			mu.Unlock()
		}
		return expect("count", count, size*reps)
	})
}

func goroutineLockContended(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		var mu sync.Mutex
		var wg sync.WaitGroup
		count := 0
		for range size {
			wg.Go(func() {
				for range reps {
					mu.Lock()
					before := count
					runtime.Gosched()
					count = before + 1
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		return expect("count", count, size*reps)
	})
}

func goroutineTimersInsert(size, reps int) (float64, error) {
	timers := make([]*time.Timer, size)
	figure, err := timed(size, reps, func(int) error {
		for i := range timers {
			timers[i] = time.AfterFunc(time.Hour+dueOffset(i, size)*1000, func() {})
		}
		return nil
	})
	stopped := 0
	for _, timer := range timers {
		if timer.Stop() {
			stopped++
		}
	}
	if err == nil {
		err = expect("timers stopped", stopped, size)
	}
	return figure, err
}

func goroutineTimersFire() round {
	var lead time.Duration
	return func(size, _ int) (float64, error) {
		_, fire, err := untilDue(&lead, size,
			func(size int, first time.Time) (time.Duration, time.Time, error) {
				began := time.Now()
				var fired atomic.Int64
				var last time.Time
				done := make(chan struct{})
				for i := range size {
					time.AfterFunc(time.Until(first)+dueOffset(i, size), func() {
						if fired.Add(1) == int64(size) {
							last = time.Now()
							close(done)
						}
					})
				}
				set := time.Since(began)
				<-done
				return set, last, nil
			})
		return perOp(fire, size), err
	}
}

func goroutineCancel(size, reps int) (float64, error) {
	var wg, waiting sync.WaitGroup
	var cancelled atomic.Int64
	cancels := make([]context.CancelFunc, size)
	wg.Add(size)
	waiting.Add(size)
	for i := range cancels {
		ctx, cancel := context.WithCancel(context.Background())
		cancels[i] = cancel
		go func() {
			defer wg.Done()
			timer := time.NewTimer(time.Hour)
			defer timer.Stop()
			waiting.Done()
			select {
			case <-ctx.Done():
				cancelled.Add(1)
			case <-timer.C:
			}
		}()
	}
	waiting.Wait()
	return timed(size, reps, func(int) error {
		for _, cancel := range cancels {
			cancel()
		}
		wg.Wait()
		return expect("tasks cancelled", int(cancelled.Load()), size)
	})
}

func goroutinePost(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		callbacks := make(chan func(), 1024)
		ran := 0
		callback := func() { ran++ }
		for range size {
			go func() {
				for range reps {
					callbacks <- callback
				}
			}()
		}
		for range size * reps {
			fn := <-callbacks
			fn()
		}
		return expect("callbacks run", ran, size*reps)
	})
}

func goroutineMemory(size, _ int) (float64, error) {
	var wg, waiting sync.WaitGroup
	release := make(chan struct{})
	wg.Add(size)
	waiting.Add(size)
	before := memoryInUse()
	for range size {
		go func() {
			waiting.Done()
			<-release
			wg.Done()
		}()
	}
	waiting.Wait()
	after := memoryInUse()
	close(release)
	wg.Wait()
	return float64(after-before) / float64(size), nil
}

// memoryInUse returns the bytes of heap and stacks in use after a collection.
func memoryInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

func goroutineMap(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		for range reps {
			results := make([]int, size)
			var wg sync.WaitGroup
			slots := make(chan struct{}, mapLimit)
			for i := range results {
				slots <- struct{}{}
				wg.Go(func() {
					runtime.Gosched()
					results[i] = 2 * i
					<-slots
				})
			}
			wg.Wait()
			if err := checkResults(results, 2); err != nil {
				return err
			}
		}
		return nil
	})
}

func goroutineBurst(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		for range reps {
			open := make(chan struct{})
			var waiting atomic.Int64
			var wg sync.WaitGroup
			for range size {
				wg.Go(func() {
					if waiting.Add(1) == int64(size) {
						close(open)
					}
					<-open
				})
			}
			wg.Wait()
			if err := expect("goroutines that waited", int(waiting.Load()), size); err != nil {
				return err
			}
		}
		return nil
	})
}

func goroutineSleepers() round {
	var lead time.Duration
	return func(size, _ int) (float64, error) {
		set, fire, err := untilDue(&lead, size,
			func(size int, first time.Time) (time.Duration, time.Time, error) {
				began := time.Now()
				var asleep, awake sync.WaitGroup
				asleep.Add(size)
				awake.Add(size)
				for i := range size {
					go func() {
						d := time.Until(first) + dueOffset(i, size)
						asleep.Done()
						time.Sleep(d)
						awake.Done()
					}()
				}
				asleep.Wait()
				set := time.Since(began)
				awake.Wait()
				last := time.Now()
				if last.Before(first) {
					return 0, last, fmt.Errorf("woke up %v early", first.Sub(last))
				}
				return set, last, nil
			})
		return perOp(set+fire, size), err
	}
}
