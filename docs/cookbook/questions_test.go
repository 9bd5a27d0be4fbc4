package cookbook_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
)

func Example_stopTask() {
	errShopClosed := errors.New("the shop has closed")

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			defer fmt.Println("the task has cleaned up")
			for {
				fmt.Println("working")
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err // the request arrives here
				}
			}
		})
		if err := aio.Sleep(ctx, 1500*time.Millisecond); err != nil {
			return err
		}

		fmt.Println("requested:", task.Cancel(errShopClosed))
		_, err := task.Await(ctx) // Cancel only asks; this waits for the end
		fmt.Println("cancelled:", task.Cancelled(), "and why:", errors.Is(err, errShopClosed))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// working
	// working
	// requested: true
	// the task has cleaned up
	// cancelled: true and why: true
}

func Example_waitForTask() {
	work := func(ctx context.Context) error {
		defer fmt.Println("work has ended")
		return aio.Sleep(ctx, 3*time.Second)
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, work)
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			_, err := aio.Shield(ctx, task) // stop waiting, but let the task go on
			return err
		})
		fmt.Println("after a second:", errors.Is(err, context.DeadlineExceeded), task.Done())

		_, err = task.Await(ctx) // wait as long as it takes
		fmt.Println("at the end:", err, task.Done())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// after a second: true false
	// work has ended
	// at the end: <nil> true
}

func Example_returnValue() {
	price := func(ctx context.Context, what string) (int, error) {
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return 0, err
		}
		if what == "gold" {
			return 0, errors.New("sold out")
		}
		return 10 * len(what), nil
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		value, err := price(ctx, "tea") // no task at all
		fmt.Println(value, err)

		task := aio.CreateTask(ctx, aio.Bind(price, "bread"))
		_, err = task.Result() // does not wait
		fmt.Println("too early:", errors.Is(err, aio.ErrInvalidState))
		value, err = task.Await(ctx)
		fmt.Println(value, err)

		task = aio.CreateTask(ctx, aio.Bind(price, "gold"))
		_, err = task.Await(ctx) // the task's error is the error of each await
		fmt.Println(err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 30 <nil>
	// too early: true
	// 50 <nil>
	// sold out
}

func Example_background() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			fmt.Println("background: begins")
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			fmt.Println("background: ends")
			return nil
		}, aio.Name("mailer")) // the loop holds the task; the program need not

		fmt.Println("main: goes on") // the task has its first turn when main first waits
		if err := aio.Sleep(ctx, 2*time.Second); err != nil {
			return err
		}
		fmt.Println("main: ends")
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// main: goes on
	// background: begins
	// background: ends
	// main: ends
}

func Example_waitForAll() {
	job := func(name string, seconds int) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if err := aio.Sleep(ctx, time.Duration(seconds)*time.Second); err != nil {
				return err
			}
			fmt.Println(name, "has ended")
			return nil
		}
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		// Tasks that one block starts: a group ends when all of them have ended.
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(job("mail", 2))
			g.Go(job("backup", 1))
			return nil
		})
		fmt.Println("the group has ended:", err)

		// Tasks from all over the program, as asyncio.all_tasks returns them.
		aio.Start(ctx, job("report", 2))
		aio.Start(ctx, job("cleaning", 1))
		var others []aio.AnyTask
		for _, task := range aio.AllTasks(ctx) {
			if task != aio.CurrentTask(ctx) {
				others = append(others, task)
			}
		}
		_, _, err = aio.Wait(ctx, aio.AllCompleted, others...)
		fmt.Println(len(others), "tasks have ended:", err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// backup has ended
	// mail has ended
	// the group has ended: <nil>
	// cleaning has ended
	// report has ended
	// 2 tasks have ended: <nil>
}

func Example_loopExits() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			for {
				if err := aio.Sleep(ctx, time.Second); err != nil {
					fmt.Println("told to end:", errors.Is(err, aio.ErrCancelled))
					return err
				}
				fmt.Println("tick")
			}
		})
		return aio.Sleep(ctx, 2500*time.Millisecond)
	}, aio.WithClock(aio.NewVirtualClock()))
	fmt.Println("Run has returned:", err)
	// Output:
	// tick
	// tick
	// told to end: true
	// Run has returned: <nil>
}

func Example_progress() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		done, total := 0, 5
		var tasks []*aio.Task[aio.None]
		for i := range total {
			task := aio.Start(ctx, func(ctx context.Context) error {
				return aio.Sleep(ctx, time.Duration(total-i)*time.Second)
			}, aio.Name(fmt.Sprint("file ", i)))
			task.AddDoneCallback(func() { // a callback must not wait
				done++
				fmt.Printf("%d of %d: %s\n", done, total, task.Name())
			})
			tasks = append(tasks, task)
		}
		_, err := aio.Gather(ctx, tasks...)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1 of 5: file 4
	// 2 of 5: file 3
	// 3 of 5: file 2
	// 4 of 5: file 1
	// 5 of 5: file 0
}

func Example_delay() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()

		// A function that may wait: a task that sleeps first. Cancel the task to call it off.
		task := aio.Start(ctx, func(ctx context.Context) error {
			if err := aio.Sleep(ctx, 10*time.Second); err != nil {
				return err
			}
			fmt.Println("task after", loop.Time().Sub(began))
			return nil
		})

		// A function that does not wait: a timer. Cancel the handle to call it off.
		loop.CallLater(5*time.Second, func() { fmt.Println("timer after", loop.Time().Sub(began)) })
		never := loop.CallLater(6*time.Second, func() { fmt.Println("never") })
		never.Cancel()

		_, err := task.Await(ctx)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// timer after 5s
	// task after 10s
}

func Example_followUp() {
	fetch := func(ctx context.Context) (string, error) {
		return "a page", aio.Sleep(ctx, time.Second)
	}
	store := func(ctx context.Context, page string) error {
		fmt.Println("storing", page)
		return aio.Sleep(ctx, time.Second)
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		// Mostly a follow-up is just the next line of the same task.
		both := aio.Start(ctx, func(ctx context.Context) error {
			page, err := fetch(ctx)
			if err != nil {
				return err
			}
			return store(ctx, page)
		})
		if _, err := both.Await(ctx); err != nil {
			return err
		}

		// When the first task is not yours, a callback starts the second one.
		first := aio.CreateTask(ctx, fetch)
		stored := aio.NewFuture[string](ctx)
		first.AddDoneCallback(func() {
			if page, err := first.Result(); err == nil {
				aio.Start(ctx, func(ctx context.Context) error {
					err := store(ctx, page)
					stored.SetResult("stored after the callback")
					return err
				})
			}
		})
		text, err := stored.Await(ctx)
		fmt.Println(text)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// storing a page
	// storing a page
	// stored after the callback
}
