package cookbook_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"runtime"
	"time"

	"github.com/aio-go/aio"
)

func Example_runner() {
	runner := aio.NewRunner(aio.WithClock(aio.NewVirtualClock()))
	defer runner.Close() // ends the tasks that are left

	began := runner.Loop().Time()
	for _, line := range []string{"load", "count"} { // as a console would read them
		err := runner.Run(context.Background(), func(ctx context.Context) error {
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			fmt.Println(line, "after", aio.RunningLoop(ctx).Time().Sub(began))
			return nil
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// load after 1s
	// count after 2s
}

func Example_eager() {
	known := map[string]string{"go": "1.26"}
	look := func(ctx context.Context, table map[string]string, name string) (string, error) {
		fmt.Println("looks for", name)
		if v, ok := table[name]; ok {
			return v, nil // no wait: an eager task has ended before CreateTask returns
		}
		return "", aio.Sleep(ctx, time.Second)
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		eager := aio.CreateTask(ctx, aio.Bind2(look, known, "go"), aio.Eager())
		fmt.Println("an eager task is done:", eager.Done())
		usual := aio.CreateTask(ctx, aio.Bind2(look, known, "go"))
		fmt.Println("a usual one is done:", usual.Done())
		_, err := aio.Gather(ctx, eager, usual)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// looks for go
	// an eager task is done: true
	// a usual one is done: false
	// looks for go
}

func Example_waitForSome() {
	after := func(d time.Duration, err error) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if err := aio.Sleep(ctx, d); err != nil {
				return err
			}
			return err
		}
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		tasks := []*aio.Task[aio.None]{
			aio.Start(ctx, after(3*time.Second, nil), aio.Name("slow")),
			aio.Start(ctx, after(1*time.Second, nil), aio.Name("quick")),
			aio.Start(ctx, after(2*time.Second, errors.New("broken")), aio.Name("bad")),
		}
		for _, when := range []aio.When{aio.FirstCompleted, aio.FirstException, aio.AllCompleted} {
			done, pending, err := aio.Wait(ctx, when, tasks...)
			if err != nil {
				return err
			}
			fmt.Println(len(done), "done,", len(pending), "pending")
		}
		for _, task := range tasks {
			fmt.Println(task.Name(), task.Err())
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1 done, 2 pending
	// 2 done, 1 pending
	// 3 done, 0 pending
	// slow <nil>
	// quick <nil>
	// bad broken
}

func Example_outcomes() {
	work := func(ctx context.Context, n int) (int, error) {
		switch n {
		case 1:
			return 0, errors.New("no such file")
		case 2:
			return []int{1, 2}[n], nil // panics
		case 3:
			runtime.Goexit()
		}
		return 10 * n, nil
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		outcomes, err := aio.MapSettled(ctx, []int{0, 1, 2, 3, 4}, work)
		for n, o := range outcomes {
			if p, ok := errors.AsType[*aio.PanicError](o.Err); ok {
				fmt.Println(n, "panicked:", p.Value) // p.Stack says where
			} else if _, ok := errors.AsType[*aio.GoexitError](o.Err); ok {
				fmt.Println(n, "called runtime.Goexit")
			} else {
				fmt.Println(n, o.Value, o.Err)
			}
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 0 0 <nil>
	// 1 0 no such file
	// 2 panicked: runtime error: index out of range [2] with length 2
	// 3 called runtime.Goexit
	// 4 40 <nil>
}

func Example_reschedule() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		return aio.Timeout(ctx, 2*time.Second, func(ctx context.Context) error {
			for part := range 3 {
				if err := aio.Sleep(ctx, 1500*time.Millisecond); err != nil {
					return err
				}
				fmt.Println("part", part, "has arrived")
				// Every part buys two more seconds.
				limit := aio.CurrentTimeout(ctx)
				if err := limit.Reschedule(loop.Time().Add(2 * time.Second)); err != nil {
					return err
				}
			}
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	fmt.Println("4.5 s with a limit of 2 s:", err)
	// Output:
	// part 0 has arrived
	// part 1 has arrived
	// part 2 has arrived
	// 4.5 s with a limit of 2 s: <nil>
}

func Example_select() {
	orders, drinks := make(chan string, 1), make(chan string, 1)
	orders <- "fish"

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		for range 2 {
			var cases []aio.ChannelCase
			cases = append(cases, aio.OnRecv(orders, func(order string, ok bool) {
				fmt.Println("order:", order, ok)
				orders = nil // a nil channel is never ready
			}))
			if orders == nil {
				cases = append(cases, aio.OnSend(drinks, "wine", func() { fmt.Println("wine is sent") }))
			}
			if _, err := aio.Select(ctx, cases...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// order: fish true
	// wine is sent
}

func Example_timer() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		idle := aio.NewFuture[aio.None](ctx)
		timer := loop.NewTimer(func() { idle.SetResult(aio.None{}) })
		for range 3 {
			timer.Start(5 * time.Second) // again and again, at no cost
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
		}
		_, err := idle.Await(ctx)
		fmt.Println("nothing has happened since", loop.Time().Sub(began)-5*time.Second)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// nothing has happened since 2s
}

func Example_factory() {
	var made []string
	count := func(t aio.AnyTask) error { // sees every task before it is scheduled
		made = append(made, t.Name())
		if len(made) > 3 {
			return errors.New("too many tasks")
		}
		return nil
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		for range 3 {
			task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return 42, nil })
			fmt.Println(task.Await(ctx))
		}
		return nil
	}, aio.WithTaskFactory(count), aio.WithDebug(false))
	fmt.Println(made, err)
	// Output:
	// 42 <nil>
	// 42 <nil>
	// 0 too many tasks
	// [main Task-2 Task-3 Task-4] <nil>
}

func Example_ends() {
	var loop *aio.Loop
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop = aio.RunningLoop(ctx)
		loop.Stop()
		return aio.Sleep(ctx, time.Hour)
	})
	fmt.Println("stopped:", errors.Is(err, aio.ErrStopped))

	_, err = loop.CallSoonThreadsafe(func() {})
	fmt.Println("closed:", errors.Is(err, aio.ErrLoopClosed))

	err = aio.Run(context.Background(), func(ctx context.Context) error {
		var late *aio.Task[aio.None]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Cancel(nil)
			late = g.Go(func(ctx context.Context) error { return nil }) // never runs
			return nil
		})
		if err != nil {
			return err
		}
		err = late.Err()
		fmt.Println("the group was ending:", errors.Is(err, aio.ErrGroupClosed))

		_, _, err = aio.Wait[aio.AnyFuture](ctx, aio.AllCompleted)
		fmt.Println("no tasks:", errors.Is(err, aio.ErrNothingToWaitFor))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// stopped: true
	// closed: true
	// the group was ending: true
	// no tasks: true
}

func Example_threadLimit() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		inTask := aio.InTask(ctx)
		running, most := 0, 0
		_, err := aio.Map(ctx, make([]int, 8), func(ctx context.Context, _ int) (aio.None, error) {
			onThread := false
			err := aio.Blocking(ctx, func(ctx context.Context) error {
				onThread = !aio.InTask(ctx)
				return aio.Submit(ctx, aio.RunningLoop(ctx), func(ctx context.Context) error {
					running++ // on the loop
					most = max(most, running)
					err := aio.Sleep(ctx, time.Millisecond)
					running--
					return err
				})
			})
			inTask = inTask && onThread
			return aio.None{}, err
		})
		fmt.Println("at most two at a time:", most <= 2)
		fmt.Println("InTask tells threads from tasks:", inTask)
		return err
	}, aio.WithThreadLimiter(2))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// at most two at a time: true
	// InTask tells threads from tasks: true
}

func Example_snapshot() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			return aio.Sleep(ctx, time.Hour)
		}, aio.Name("sleeper"))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		snapshot := aio.RunningLoop(ctx).Snapshot(false)
		for _, task := range snapshot.Tasks { // each an aio.TaskInfo
			if task.State == "waiting" {
				fmt.Println(task.Name, "waits in", task.Op)
			} else {
				fmt.Println(task.Name, "is", task.State)
			}
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	// Output:
	// main is running
	// sleeper waits in Sleep
}
