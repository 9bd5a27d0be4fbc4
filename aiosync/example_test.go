package aiosync_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// The newest job first.
func ExampleNewLifoQueue() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		stack := aiosync.NewLifoQueue[string](0)
		for _, plate := range []string{"bottom", "middle", "top"} {
			if err := stack.Put(ctx, plate); err != nil {
				return err
			}
		}
		plate, err := stack.Get(ctx)
		fmt.Println(plate, stack.Len())
		return err
	})
	// Output: top 2
}

// Who gives back more than was taken hears of it.
func ExampleNewBoundedSemaphore() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		defer func() { fmt.Println(recover()) }()
		aiosync.NewBoundedSemaphore(1).Release()
		return nil
	})
	// Output: aio: Semaphore.Release: all 1 permits are free already; call Release once after each Acquire that returned nil
}

// A subscriber gets what is sent from the moment it subscribes.
func ExampleSubscription() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		news := aiosync.NewBroadcast[string](10)
		news.Send("before")
		reader := news.Subscribe()
		news.Send("first")
		news.Send("second")
		fmt.Println(reader.Behind(), "to read")
		for range 2 {
			v, err := reader.Next(ctx)
			if err != nil {
				return err
			}
			fmt.Println(v)
		}
		return nil
	})
	// Output:
	// 2 to read
	// first
	// second
}

// A broadcast does not wait for those who are slow. They are told what they have missed.
func ExampleLaggedError() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		prices := aiosync.NewBroadcast[int](2) // keeps the last two
		slow := prices.Subscribe()
		for price := range 5 {
			prices.Send(price)
		}
		for range 3 {
			price, err := slow.Next(ctx)
			var lagged *aiosync.LaggedError
			if errors.As(err, &lagged) {
				fmt.Println("missed", lagged.Missed)
				continue
			}
			fmt.Println(price)
		}
		return nil
	})
	// Output:
	// missed 3
	// 3
	// 4
}

// Three runners start together, although they arrive one after the other.
func ExampleBarrier() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		line := aiosync.NewBarrier(3)
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 3 {
				g.Go(func(ctx context.Context) error {
					if err := aio.Sleep(ctx, time.Duration(i)*time.Second); err != nil {
						return err
					}
					fmt.Println("runner", i, "is at the line")
					place, err := line.Wait(ctx)
					if err != nil {
						return err
					}
					fmt.Println("runner", i, "starts from place", place)
					return nil
				})
			}
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// runner 0 is at the line
	// runner 1 is at the line
	// runner 2 is at the line
	// runner 2 starts from place 2
	// runner 0 starts from place 0
	// runner 1 starts from place 1
}

// Every subscriber gets every price, except the one that is too slow: it is told what it has
// missed.
func ExampleBroadcast() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		prices := aiosync.NewBroadcast[int](2)
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			follow := func(name string, pause time.Duration) {
				sub := prices.Subscribe()
				g.Go(func(ctx context.Context) error {
					if err := aio.Sleep(ctx, pause); err != nil {
						return err
					}
					for price, err := range sub.All(ctx) {
						var lagged *aiosync.LaggedError
						switch {
						case errors.As(err, &lagged):
							fmt.Println(name, "missed", lagged.Missed)
						case err != nil:
							return err
						default:
							fmt.Println(name, "sees", price)
						}
					}
					return nil
				})
			}
			follow("quick", 0)
			follow("slow", time.Hour)
			for price := 10; price <= 12; price++ {
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
				prices.Send(price)
			}
			prices.Close()
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// quick sees 10
	// quick sees 11
	// quick sees 12
	// slow missed 1
	// slow sees 11
	// slow sees 12
}

// A customer waits until there is enough in stock.
func ExampleCondition() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var changed aiosync.Condition
		stock := 0
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				return changed.With(ctx, func(ctx context.Context) error {
					err := changed.WaitUntil(ctx, func() bool { return stock >= 3 })
					if err != nil {
						return err
					}
					stock -= 3
					fmt.Println("sold 3, left", stock)
					return nil
				})
			})
			for range 4 {
				err := changed.With(ctx, func(ctx context.Context) error {
					stock++
					fmt.Println("in stock", stock)
					changed.NotifyAll()
					return nil
				})
				if err != nil {
					return err
				}
				aio.Yield(ctx)
			}
			return nil
		})
	})
	// Output:
	// in stock 1
	// in stock 2
	// in stock 3
	// sold 3, left 0
	// in stock 1
}

// Workers wait until the configuration has been loaded.
func ExampleEvent() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var loaded aiosync.Event
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 2 {
				g.Go(func(ctx context.Context) error {
					if err := loaded.Wait(ctx); err != nil {
						return err
					}
					fmt.Println("worker", i, "starts")
					return nil
				})
			}
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			fmt.Println("loaded")
			loaded.Set()
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// loaded
	// worker 0 starts
	// worker 1 starts
}

// A server waits until the leader is known. Changes that nobody saw in time are skipped.
func ExampleLatest() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		leader := aiosync.NewLatest("nobody")
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				who, err := leader.WaitUntil(ctx, func(who string) bool { return who != "nobody" })
				fmt.Println("the leader is", who)
				return err
			})
			err := aio.Sleep(ctx, time.Second)
			leader.Set("Ada")
			leader.Set("Grace")
			return err
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// the leader is Grace
}

// A limiter can tell who has its tokens.
func ExampleLimiter() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		connections := aiosync.NewLimiter(2)
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for _, name := range []string{"import", "report", "backup"} {
				g.Go(func(ctx context.Context) error {
					return connections.With(ctx, func(ctx context.Context) error {
						return aio.Sleep(ctx, time.Minute)
					})
				}, aio.Name(name))
			}
			err := aio.Sleep(ctx, time.Second)
			fmt.Println(connections)
			return err
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// <Limiter 2 of 2 lent to import, report, waiters:1>
}

// Two requests a second, with a burst of two at the start.
func ExampleRateLimiter() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		rate := aiosync.NewRateLimiter(2, time.Second)
		start := aio.RunningLoop(ctx).Time()
		for i := range 5 {
			if err := rate.Acquire(ctx); err != nil {
				return err
			}
			fmt.Println("request", i, "after", aio.RunningLoop(ctx).Time().Sub(start))
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// request 0 after 0s
	// request 1 after 0s
	// request 2 after 500ms
	// request 3 after 1s
	// request 4 after 1.5s
}

// Two transfers that each read, wait and write do not get in each other's way.
func ExampleLock() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var lock aiosync.Lock
		balance := 100
		withdraw := func(ctx context.Context, amount int) error {
			return lock.With(ctx, func(ctx context.Context) error {
				before := balance
				if err := aio.Sleep(ctx, time.Second); err != nil { // ask the bank
					return err
				}
				balance = before - amount
				fmt.Println("withdrew", amount, "left", balance)
				return nil
			})
		}
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error { return withdraw(ctx, 30) })
			g.Go(func(ctx context.Context) error { return withdraw(ctx, 50) })
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// withdrew 30 left 70
	// withdrew 50 left 20
}

// Two workers share what a producer puts into a queue, and end when it is shut down.
func ExampleQueue() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		jobs := aiosync.NewQueue[int](2)
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for _, name := range []string{"a", "b"} {
				g.Go(func(ctx context.Context) error {
					for job, err := range jobs.All(ctx) {
						if err != nil {
							return err
						}
						fmt.Println("worker", name, "does job", job)
						if err := aio.Sleep(ctx, time.Second); err != nil {
							return err
						}
						jobs.TaskDone()
					}
					return nil
				})
			}
			for job := range 4 {
				if err := jobs.Put(ctx, job); err != nil {
					return err
				}
			}
			err := jobs.Join(ctx)
			fmt.Println("all done")
			jobs.Shutdown(false)
			return err
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// worker a does job 0
	// worker b does job 1
	// worker a does job 2
	// worker b does job 3
	// all done
}

// The most urgent job comes first; equally urgent ones keep their order.
func ExampleNewPriorityQueue() {
	type job struct {
		urgency int
		name    string
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		jobs := aiosync.NewPriorityQueue(0, func(a, b job) int { return cmp.Compare(a.urgency, b.urgency) })
		for _, j := range []job{{2, "tidy up"}, {1, "put out the fire"}, {2, "have lunch"}} {
			if err := jobs.Put(ctx, j); err != nil {
				return err
			}
		}
		jobs.Shutdown(false)
		for j, err := range jobs.All(ctx) {
			if err != nil {
				return err
			}
			fmt.Println(j.name)
		}
		return nil
	})
	// Output:
	// put out the fire
	// tidy up
	// have lunch
}

// Readers read together; the writer that comes after them writes alone, and the reader after it
// sees what was written.
func ExampleRWLock() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var lock aiosync.RWLock
		page := "first edition"
		read := func(ctx context.Context) error {
			return lock.WithRead(ctx, func(ctx context.Context) error {
				fmt.Println("reading the", page)
				return aio.Sleep(ctx, time.Second)
			})
		}
		write := func(ctx context.Context) error {
			return lock.With(ctx, func(ctx context.Context) error {
				page = "second edition"
				return aio.Sleep(ctx, time.Second)
			})
		}
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(read)
			g.Go(read)
			g.Go(write)
			g.Go(read)
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// reading the first edition
	// reading the first edition
	// reading the second edition
}

// At most two downloads run at the same time.
func ExampleSemaphore() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		slots := aiosync.NewSemaphore(2)
		start := aio.RunningLoop(ctx).Time()
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 4 {
				g.Go(func(ctx context.Context) error {
					return slots.With(ctx, func(ctx context.Context) error {
						fmt.Println("download", i, "begins after", aio.RunningLoop(ctx).Time().Sub(start))
						return aio.Sleep(ctx, time.Second)
					})
				})
			}
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// download 0 begins after 0s
	// download 1 begins after 0s
	// download 2 begins after 1s
	// download 3 begins after 1s
}

func ExampleJobs() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		jobs := aiosync.NewJobs(2, 100, func(task aio.AnyTask, err error) {
			fmt.Printf("%s failed: %v\n", task.Name(), err)
		})
		defer jobs.Close(context.WithoutCancel(ctx), time.Second)

		for _, to := range []string{"ann", "bob", "cy"} { // a request ends, and its mails go on
			_, err := jobs.Spawn(ctx, func(ctx context.Context) error {
				if to == "bob" {
					return errors.New("no such mailbox")
				}
				return aio.Sleep(ctx, time.Minute)
			}, aio.Name("mail to "+to))
			if err != nil {
				return err
			}
		}
		err := jobs.Wait(ctx)
		fmt.Println(jobs.Statistics().Done, "sent")
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// mail to bob failed: no such mailbox
	// 2 sent
}
