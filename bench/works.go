package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// aioWorks does each work the way aio's documentation does it.
var aioWorks = merged(aioTaskWorks, aioTimeWorks, aioSyncWorks, aioExploreWorks)

// aioTaskWorks are the works on tasks, threads and callbacks.
var aioTaskWorks = map[string]round{
	"yield":            aioYield,
	"yield_timer":      aioYieldTimer,
	"yield_among":      aioYieldAmong,
	"create_await":     aioCreateAwait,
	"gather_100k":      aioGather,
	"to_thread":        aioToThread,
	"to_thread_polled": aioToThreadPolled,
	"cancel_100k":      aioCancel,
	"post":             aioPost,
	"task_memory":      aioMemory,
	"map_limit":        aioMap,
	"burst":            aioBurst,
}

func merged(parts ...map[string]round) map[string]round {
	all := map[string]round{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

// onLoop runs a measurement in the main task of a new loop.
func onLoop(measure aio.Func[float64]) (float64, error) {
	return aio.RunValue(context.Background(), measure)
}

func aioYield(size, reps int) (float64, error) {
	return onLoop(func(ctx context.Context) (float64, error) { return yielding(ctx, size, reps) })
}

func aioYieldTimer(size, reps int) (float64, error) {
	return onLoop(func(ctx context.Context) (float64, error) {
		timer := aio.RunningLoop(ctx).CallLater(time.Hour, func() {})
		defer timer.Cancel()
		return yielding(ctx, size, reps)
	})
}

func yielding(ctx context.Context, size, reps int) (float64, error) {
	others := false
	aio.RunningLoop(ctx).CallSoon(func() { others = true })
	if err := aio.Yield(ctx); err != nil {
		return 0, err
	}
	if !others {
		return 0, errors.New("a yield let nothing else run")
	}
	return timed(size, reps, func(reps int) error {
		for range size * reps {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func aioYieldAmong(size, reps int) (float64, error) {
	return onLoop(func(ctx context.Context) (float64, error) {
		return timed(size, reps, func(reps int) error {
			yields := 0
			err := aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
				for range size {
					g.Go(func(ctx context.Context) error {
						for range reps {
							if err := aio.Yield(ctx); err != nil {
								return err
							}
							yields++
						}
						return nil
					})
				}
				return nil
			})
			if err != nil {
				return err
			}
			return expect("yields", yields, size*reps)
		})
	})
}

func aioCreateAwait(size, reps int) (float64, error) {
	return onLoop(func(ctx context.Context) (float64, error) {
		return timed(size, reps, func(reps int) error {
			sum := 0
			for i := range size * reps {
				v, err := aio.CreateTask(ctx, func(context.Context) (int, error) {
					return i, nil
				}).Await(ctx)
				if err != nil {
					return err
				}
				sum += v
			}
			return expect("sum", sum, sumBelow(size*reps))
		})
	})
}

func aioGather(size, reps int) (float64, error) {
	return onLoop(func(ctx context.Context) (float64, error) {
		return timed(size, reps, func(reps int) error {
			for range reps {
				tasks := make([]*aio.Task[int], size)
				for i := range tasks {
					tasks[i] = aio.CreateTask(ctx, func(context.Context) (int, error) {
						return i, nil
					})
				}
				results, err := aio.Gather(ctx, tasks...)
				if err != nil {
					return err
				}
				if err := checkResults(results, 1); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func aioToThread(size, reps int) (float64, error) {
	return onLoop(func(ctx context.Context) (float64, error) { return threading(ctx, size, reps) })
}

// aioToThreadPolled does the same on a loop that has a descriptor to watch.
func aioToThreadPolled(size, reps int) (float64, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	defer w.Close()
	return onLoop(func(ctx context.Context) (float64, error) {
		watch, err := aio.RunningLoop(ctx).Watch(r.Fd(), func(aio.Interest) {})
		if err != nil {
			return 0, err
		}
		defer watch.Close()
		return threading(ctx, size, reps)
	})
}

func threading(ctx context.Context, size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		sum := 0
		for i := range size * reps {
			v, err := aio.ToThread(ctx, func(context.Context) (int, error) { return i, nil })
			if err != nil {
				return err
			}
			sum += v
		}
		return expect("sum", sum, sumBelow(size*reps))
	})
}

func aioCancel(size, reps int) (float64, error) {
	return onLoop(func(ctx context.Context) (float64, error) {
		waiting := 0
		tasks := make([]*aio.Task[aio.None], size)
		for i := range tasks {
			tasks[i] = aio.Start(ctx, func(ctx context.Context) error {
				waiting++
				return aio.Sleep(ctx, time.Hour)
			})
		}
		for waiting < size {
			if err := aio.Yield(ctx); err != nil {
				return 0, err
			}
		}
		return timed(size, reps, func(int) error {
			for _, task := range tasks {
				task.Cancel(nil)
			}
			outcomes, err := aio.GatherSettled(ctx, tasks...)
			if err != nil {
				return err
			}
			cancelled := 0
			for _, o := range outcomes {
				if errors.Is(o.Err, aio.ErrCancelled) {
					cancelled++
				}
			}
			return expect("tasks cancelled", cancelled, size)
		})
	})
}

func aioPost(size, reps int) (float64, error) {
	return onLoop(func(ctx context.Context) (float64, error) {
		loop := aio.RunningLoop(ctx)
		return timed(size, reps, func(reps int) error {
			done := aio.NewFuture[int](loop.Context())
			ran := 0
			callback := func() {
				if ran++; ran == size*reps {
					done.SetResult(ran)
				}
			}
			refused := make(chan error, size)
			for range size {
				go func() {
					for range reps {
						if _, err := loop.CallSoonThreadsafe(callback); err != nil {
							refused <- err
							return
						}
					}
					refused <- nil
				}()
			}
			if _, err := done.Await(ctx); err != nil {
				return err
			}
			for range size {
				//aiovet:ignore the goroutines send without the loop
				if err := <-refused; err != nil {
					return err
				}
			}
			return expect("callbacks run", ran, size*reps)
		})
	})
}

func aioMemory(size, _ int) (float64, error) {
	return onLoop(func(ctx context.Context) (float64, error) {
		release := aio.NewFuture[int](ctx)
		waiting := 0
		tasks := make([]*aio.Task[int], size)
		before := memoryInUse()
		for i := range tasks {
			tasks[i] = aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
				waiting++
				return release.Await(ctx)
			})
		}
		for waiting < size {
			if err := aio.Yield(ctx); err != nil {
				return 0, err
			}
		}
		after := memoryInUse()
		runtime.KeepAlive(tasks)
		if err := release.SetResult(1); err != nil {
			return 0, err
		}
		results, err := aio.Gather(ctx, tasks...)
		if err != nil {
			return 0, err
		}
		released := 0
		for _, v := range results {
			released += v
		}
		if err := expect("tasks released", released, size); err != nil {
			return 0, fmt.Errorf("after the measurement: %w", err)
		}
		return float64(after-before) / float64(size), nil
	})
}

func aioBurst(size, reps int) (float64, error) {
	return onLoop(func(ctx context.Context) (float64, error) {
		return timed(size, reps, func(reps int) error {
			for range reps {
				var open aiosync.Event
				waiting := 0
				err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
					for range size {
						g.Go(func(ctx context.Context) error {
							if waiting++; waiting == size {
								open.Set()
							}
							return open.Wait(ctx)
						})
					}
					return nil
				})
				if err != nil {
					return err
				}
				if err := expect("tasks that waited", waiting, size); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func aioMap(size, reps int) (float64, error) {
	items := make([]int, size)
	for i := range items {
		items[i] = i
	}
	return onLoop(func(ctx context.Context) (float64, error) {
		return timed(size, reps, func(reps int) error {
			for range reps {
				results, err := aio.Map(ctx, items,
					func(ctx context.Context, item int) (int, error) {
						return 2 * item, aio.Yield(ctx)
					}, aio.Limit(mapLimit))
				if err != nil {
					return err
				}
				if err := checkResults(results, 2); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
