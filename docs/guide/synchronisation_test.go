package guide_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

func Example_queue() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		jobs := aiosync.NewQueue[int](2) // capacity 2: Put waits while it is full
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for _, worker := range []string{"ann", "bob"} {
				g.Go(func(ctx context.Context) error {
					for job, err := range jobs.All(ctx) { // until the queue is shut down and empty
						if err != nil {
							return err
						}
						if err := aio.Sleep(ctx, time.Second); err != nil {
							return err
						}
						fmt.Println(worker, "has done job", job)
					}
					return nil
				})
			}
			for job := range 4 {
				if err := jobs.Put(ctx, job); err != nil {
					return err
				}
			}
			jobs.Shutdown(false) // no more jobs
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// ann has done job 0
	// bob has done job 1
	// ann has done job 2
	// bob has done job 3
}

func Example_lock() {
	type account struct {
		balance int
		lock    aiosync.Lock // the zero value is ready
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		a := &account{balance: 100}
		withdraw := func(ctx context.Context, amount int) error {
			return a.lock.With(ctx, func(ctx context.Context) error {
				if a.balance < amount {
					return errors.New("not enough")
				}
				// Other tasks run during this wait. Without the lock they could take the same money.
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
				a.balance -= amount
				return nil
			})
		}
		first := aio.Start(ctx, func(ctx context.Context) error { return withdraw(ctx, 80) })
		second := aio.Start(ctx, func(ctx context.Context) error { return withdraw(ctx, 80) })
		outcomes, err := aio.GatherSettled(ctx, first, second)
		if err != nil {
			return err
		}
		fmt.Println(outcomes[0].Err, outcomes[1].Err, a.balance)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// <nil> not enough 20
}

func Example_event() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var ready aiosync.Event
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 2 {
				g.Go(func(ctx context.Context) error {
					if err := ready.Wait(ctx); err != nil {
						return err
					}
					fmt.Println("runner", i, "starts")
					return nil
				})
			}
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			fmt.Println("ready, steady")
			ready.Set()
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// ready, steady
	// runner 0 starts
	// runner 1 starts
}

func Example_semaphore() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		seats := aiosync.NewSemaphore(2)
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for guest := range 4 {
				g.Go(func(ctx context.Context) error {
					return seats.With(ctx, func(ctx context.Context) error {
						fmt.Println("guest", guest, "sits down")
						return aio.Sleep(ctx, time.Hour)
					})
				})
			}
			if err := aio.Sleep(ctx, 30*time.Minute); err != nil {
				return err
			}
			fmt.Println("half an hour later,", seats.Statistics().Waiting, "are waiting")
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// guest 0 sits down
	// guest 1 sits down
	// half an hour later, 2 are waiting
	// guest 2 sits down
	// guest 3 sits down
}

func Example_jobs() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		// 2 at a time, and 100 may wait
		mails := aiosync.NewJobs(2, 100, func(task aio.AnyTask, err error) {
			fmt.Println(task.Name(), "failed:", err)
		})
		request := func(ctx context.Context, to string) error {
			_, err := mails.Spawn(ctx, func(ctx context.Context) error {
				return aio.Sleep(ctx, time.Minute) // a mail takes longer than the request
			}, aio.Name("mail to "+to))
			return err
		}
		for _, to := range []string{"ann", "bob", "cy"} {
			err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
				return request(ctx, to)
			})
			if err != nil {
				return err
			}
		}
		if err := aio.Sleep(ctx, 90*time.Second); err != nil {
			return err
		}
		report, err := mails.Close(ctx, time.Second)
		fmt.Printf("%+v\n", report)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output: {Done:2 Failed:0 Cancelled:1 Left:0}
}
