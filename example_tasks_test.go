package aio_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/aio-go/aio"
)

func ExampleCreateTask() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			fmt.Println("the task runs")
			return "its result", nil
		})
		fmt.Println("made, and not started yet")
		v, err := task.Await(ctx)
		fmt.Println(v, err)
		return nil
	})
	// Output:
	// made, and not started yet
	// the task runs
	// its result <nil>
}

func ExampleStart() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			return aio.Sleep(ctx, time.Second)
		})
		_, err := task.Await(ctx)
		fmt.Println(err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: <nil>
}

func ExampleTask() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return 42, aio.Sleep(ctx, time.Second) })

		_, err := task.Result()
		fmt.Println(task.Done(), errors.Is(err, aio.ErrInvalidState))

		if _, err := task.Await(ctx); err != nil {
			return err
		}
		v, err := task.Result() // as often as one likes, now
		fmt.Println(task.Done(), v, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// false true
	// true 42 <nil>
}

func ExampleTask_Cancel() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		if err := aio.Yield(ctx); err != nil { // let it start
			return err
		}
		fmt.Println("asked:", task.Cancel(errors.New("no longer needed")))
		fmt.Println("ended:", task.Done())

		_, err := task.Await(ctx)
		fmt.Println("ended:", task.Done(), errors.Is(err, aio.ErrCancelled))
		fmt.Println("asked:", task.Cancel(nil)) // too late
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// asked: true
	// ended: false
	// ended: true true
	// asked: false
}

func ExampleTask_AddDoneCallback() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, aio.Yield, aio.Name("short"))
		task.AddDoneCallback(func() { fmt.Println(task.Name(), "has ended") })
		remove := task.AddDoneCallback(func() { fmt.Println("never printed") })
		fmt.Println("taken back:", remove())
		return aio.Sleep(ctx, time.Second)
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// taken back: true
	// short has ended
}

func ExampleName() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		first := aio.Start(ctx, aio.Yield)
		second := aio.Start(ctx, aio.Yield, aio.Name("crawler"))
		fmt.Println(first.Name(), second.Name())
		second.SetName("crawler of example.org")
		fmt.Println(second.Name())
		return nil
	})
	// Output:
	// Task-2 crawler
	// crawler of example.org
}

// An eager task makes its first step at once. If it does not have to wait, as with an answer that
// is in a cache, it is done with that.
func ExampleEager() {
	cache := map[string]string{"go": "a language"}
	look := func(ctx context.Context, word string) (string, error) {
		if meaning, ok := cache[word]; ok {
			return meaning, nil
		}
		return "asked for", aio.Sleep(ctx, time.Second)
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		hit := aio.CreateTask(ctx, aio.Bind(look, "go"), aio.Eager())
		miss := aio.CreateTask(ctx, aio.Bind(look, "aio"), aio.Eager())
		fmt.Println(hit.Done(), miss.Done())
		_, err := miss.Await(ctx)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: true false
}

// Settings of tasks can be handed on.
func ExampleTaskOption() {
	named := func(ctx context.Context, opts ...aio.TaskOption) string {
		return aio.Start(ctx, aio.Yield, append(opts, aio.Eager())...).Name()
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println(named(ctx, aio.Name("worker")))
		return nil
	})
	// Output: worker
}

func ExampleCurrentTask() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println(aio.CurrentTask(ctx).Name())
		_, err := aio.Start(ctx, func(ctx context.Context) error {
			fmt.Println(aio.CurrentTask(ctx).Name())
			return nil
		}, aio.Name("child")).Await(ctx)
		return err
	})
	// Output:
	// main
	// child
}

func ExampleAllTasks() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, aio.Yield, aio.Name("one"))
		aio.Start(ctx, aio.Yield, aio.Name("two"))
		for _, task := range aio.AllTasks(ctx) {
			fmt.Println(task.Name())
		}
		return nil
	})
	// Output:
	// main
	// one
	// two
}

// Tasks with results of different types go into one list.
func ExampleAnyTask() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		tasks := []aio.AnyTask{
			aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return 1, nil }, aio.Name("number")),
			aio.CreateTask(ctx, func(ctx context.Context) (string, error) { return "", errors.New("no word") }, aio.Name("word")),
		}
		done, _, err := aio.Wait(ctx, aio.AllCompleted, tasks...)
		for _, task := range done {
			fmt.Println(task.Name(), task.Err())
		}
		return err
	})
	// Output:
	// number <nil>
	// word no word
}

// Tasks and futures are waited for alike.
func ExampleAnyFuture() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		future := aio.NewFuture[int](ctx)
		task := aio.Start(ctx, func(ctx context.Context) error { return future.SetResult(7) })
		done, pending, err := aio.Wait(ctx, aio.AllCompleted, aio.AnyFuture(future), aio.AnyFuture(task))
		fmt.Println(len(done), len(pending), err)
		return nil
	})
	// Output: 2 0 <nil>
}

// first works for tasks and for futures, and knows the type of the result.
func first[T any, A aio.TaskOrFuture[T]](ctx context.Context, aws []A) (T, error) {
	return aws[0].Await(ctx)
}

func ExampleTaskOrFuture() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		tasks := []*aio.Task[string]{aio.CreateTask(ctx, func(ctx context.Context) (string, error) { return "hello", nil })}
		v, err := first(ctx, tasks)
		fmt.Println(v, err)
		return nil
	})
	// Output: hello <nil>
}

func ExampleFuture() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		future := aio.NewFuture[string](loop.Context())
		loop.CallLater(time.Second, func() { future.SetResult("set by a callback") })
		v, err := future.Await(ctx)
		fmt.Println(v, err)
		fmt.Println(errors.Is(future.SetResult("again"), aio.ErrInvalidState))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// set by a callback <nil>
	// true
}

func ExampleNewFuture() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		future := aio.NewFuture[int](ctx)
		future.SetError(errors.New("no luck"))
		_, err := future.Await(ctx)
		fmt.Println(err)
		return nil
	})
	// Output: no luck
}

// A task factory sees every task before it starts: here it counts.
func ExampleTaskFactory() {
	made := 0
	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.Map(ctx, []int{1, 2, 3}, func(ctx context.Context, n int) (int, error) { return n, nil })
		return err
	}, aio.WithTaskFactory(func(aio.AnyTask) error { made++; return nil }))
	fmt.Println(made, "tasks, main among them")
	// Output: 4 tasks, main among them
}

func ExampleWithTaskFactory() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, aio.Yield)
		_, err := task.Await(ctx)
		fmt.Println(err)
		return nil
	}, aio.WithTaskFactory(func(t aio.AnyTask) error {
		if t.Name() == "main" {
			return nil
		}
		return errors.New("this loop takes no more tasks")
	}))
	// Output: this loop takes no more tasks
}

// after returns s when d has passed.
func after(ctx context.Context, d time.Duration, s string) (string, error) {
	return s, aio.Sleep(ctx, d)
}

func failing(context.Context) (string, error) { return "", errors.New("failed") }

func ExampleGather() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		a := aio.CreateTask(ctx, aio.Bind2(after, 2*time.Second, "a"))
		b := aio.CreateTask(ctx, aio.Bind2(after, 1*time.Second, "b"))
		fmt.Println(aio.Gather(ctx, a, b))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: [a b] <nil>
}

// Gather fails with the first error and leaves the others running.
func ExampleGather_failure() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		good := aio.CreateTask(ctx, aio.Bind2(after, time.Second, "good"))
		bad := aio.CreateTask(ctx, failing)
		_, err := aio.Gather(ctx, good, bad)
		fmt.Println(err, good.Done())
		fmt.Println(good.Await(ctx))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// failed false
	// good <nil>
}

func ExampleGatherSettled() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		outcomes, err := aio.GatherSettled(ctx,
			aio.CreateTask(ctx, aio.Bind2(after, time.Second, "good")),
			aio.CreateTask(ctx, failing),
		)
		for _, o := range outcomes {
			fmt.Printf("%q %v\n", o.Value, o.Err)
		}
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// "good" <nil>
	// "" failed
}

func ExampleOutcome() {
	outcomes := []aio.Outcome[int]{{Value: 1}, {Err: errors.New("failed")}}
	for _, o := range outcomes {
		if o.Err != nil {
			fmt.Println("error:", o.Err)
			continue
		}
		fmt.Println("value:", o.Value)
	}
	// Output:
	// value: 1
	// error: failed
}

func ExampleWait() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		slow := aio.CreateTask(ctx, aio.Bind2(after, time.Minute, "slow"), aio.Name("slow"))
		fast := aio.CreateTask(ctx, aio.Bind2(after, time.Second, "fast"), aio.Name("fast"))
		done, pending, err := aio.Wait(ctx, aio.FirstCompleted, slow, fast)
		fmt.Println(done[0].Name(), "has ended,", pending[0].Name(), "has not")
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: fast has ended, slow has not
}

func ExampleWaitTimeout() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		tasks := []*aio.Task[string]{
			aio.CreateTask(ctx, aio.Bind2(after, 1*time.Second, "a")),
			aio.CreateTask(ctx, aio.Bind2(after, 3*time.Second, "b")),
			aio.CreateTask(ctx, aio.Bind2(after, 5*time.Second, "c")),
		}
		done, pending, err := aio.WaitTimeout(ctx, 4*time.Second, aio.AllCompleted, tasks...)
		fmt.Println(len(done), "in time,", len(pending), "late, and they go on")
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 2 in time, 1 late, and they go on
}

func ExampleWhen() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		for _, when := range []aio.When{aio.FirstCompleted, aio.FirstException, aio.AllCompleted} {
			tasks := []*aio.Task[string]{
				aio.CreateTask(ctx, aio.Bind2(after, 1*time.Second, "a")),
				aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
					if err := aio.Sleep(ctx, 2*time.Second); err != nil {
						return "", err
					}
					return failing(ctx)
				}),
				aio.CreateTask(ctx, aio.Bind2(after, 3*time.Second, "c")),
			}
			done, _, err := aio.Wait(ctx, when, tasks...)
			if err != nil {
				return err
			}
			fmt.Println(len(done))
			aio.GatherSettled(ctx, tasks...)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// 1
	// 2
	// 3
}

func ExampleAsCompleted() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		tasks := []*aio.Task[string]{
			aio.CreateTask(ctx, aio.Bind2(after, 3*time.Second, "three")),
			aio.CreateTask(ctx, aio.Bind2(after, 1*time.Second, "one")),
			aio.CreateTask(ctx, aio.Bind2(after, 2*time.Second, "two")),
		}
		for task, err := range aio.AsCompleted(ctx, tasks...) {
			if err != nil {
				return err
			}
			fmt.Println(task.Result())
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// one <nil>
	// two <nil>
	// three <nil>
}

func ExampleShield() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		job := aio.CreateTask(ctx, aio.Bind2(after, 2*time.Second, "done after all"))
		_, err := aio.WaitFor(ctx, time.Second, func(ctx context.Context) (string, error) {
			return aio.Shield(ctx, job)
		})
		fmt.Println("in time:", err == nil)
		fmt.Println(job.Await(ctx))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// in time: false
	// done after all <nil>
}

// Every function of this shape is a Func, by whatever name or type it comes.
func ExampleFunc() {
	var answer aio.Func[int] = func(ctx context.Context) (int, error) { return 42, nil }
	aio.Run(context.Background(), func(ctx context.Context) error {
		direct, err := answer(ctx) // awaiting is calling
		if err != nil {
			return err
		}
		asTask, err := aio.CreateTask(ctx, answer).Await(ctx)
		fmt.Println(direct, asTask)
		return err
	})
	// Output: 42 42
}

func repeat(_ context.Context, s string, n int) (string, error) { return strings.Repeat(s, n), nil }

func shout(_ context.Context, s string) (string, error) { return strings.ToUpper(s), nil }

func join(_ context.Context, a, b, c string) (string, error) { return a + b + c, nil }

func ExampleBind() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		words, err := aio.All(ctx, aio.Bind(shout, "one"), aio.Bind(shout, "two"))
		fmt.Println(words)
		return err
	})
	// Output: [ONE TWO]
}

func ExampleBind2() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		v, err := aio.CreateTask(ctx, aio.Bind2(repeat, "na", 8)).Await(ctx)
		fmt.Println(v)
		return err
	})
	// Output: nananananananana
}

func ExampleBind3() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		v, err := aio.CreateTask(ctx, aio.Bind3(join, "a", "i", "o")).Await(ctx)
		fmt.Println(v)
		return err
	})
	// Output: aio
}

// Action makes functions without a result fit where one with a result is wanted.
func ExampleAction() {
	hello := func(ctx context.Context) error { fmt.Println("hello"); return nil }
	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.All(ctx, aio.Action(hello), aio.Action(hello))
		return err
	})
	// Output:
	// hello
	// hello
}

// None is what a task without a result returns.
func ExampleNone() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var tasks []*aio.Task[aio.None]
		for range 3 {
			tasks = append(tasks, aio.Start(ctx, aio.Yield))
		}
		_, err := aio.Gather(ctx, tasks...)
		fmt.Println(err)
		return nil
	})
	// Output: <nil>
}

func ExampleCancelledError() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		sleeper := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		boss := aio.Start(ctx, func(ctx context.Context) error {
			sleeper.Cancel(errors.New("wake up"))
			return nil
		})
		if _, err := boss.Await(ctx); err != nil {
			return err
		}
		_, err := sleeper.Await(ctx)
		var cancelled *aio.CancelledError
		if errors.As(err, &cancelled) {
			fmt.Println(cancelled.By(), "said:", cancelled.Cause)
		}
		fmt.Println(errors.Is(err, aio.ErrCancelled), errors.Is(err, context.Canceled))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// task Task-3 said: wake up
	// true true
}

// A time-out is not a cancellation.
func ExampleTimeoutError() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Timeout(ctx, 3*time.Second, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		var timeout *aio.TimeoutError
		if errors.As(err, &timeout) {
			fmt.Println("allowed:", timeout.After)
		}
		fmt.Println(errors.Is(err, context.DeadlineExceeded), errors.Is(err, aio.ErrCancelled))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// allowed: 3s
	// true false
}

// A panic is re-panicked in the task that awaits. Result and Err return it as an error.
func ExamplePanicError() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error { panic("out of range") })
		if _, _, err := aio.Wait(ctx, aio.AllCompleted, task); err != nil {
			return err
		}
		var p *aio.PanicError
		if errors.As(task.Err(), &p) {
			fmt.Println("it panicked:", p.Value)
		}
		return nil
	})
	// Output: it panicked: out of range
}

// A task that is ended by runtime.Goexit, as t.Fatal does, does not take the loop with it.
func ExampleGoexitError() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			runtime.Goexit()
			return nil
		})
		_, err := task.Await(ctx)
		var exit *aio.GoexitError
		fmt.Println(errors.As(err, &exit))
		return nil
	})
	// Output: true
}

// Two tasks that wait for each other: Run says so instead of hanging.
func ExampleDeadlockError() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var hen, egg *aio.Task[aio.None]
		hen = aio.Start(ctx, func(ctx context.Context) error { _, err := egg.Await(ctx); return err }, aio.Name("hen"))
		egg = aio.Start(ctx, func(ctx context.Context) error { _, err := hen.Await(ctx); return err }, aio.Name("egg"))
		_, err := egg.Await(ctx)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))

	var deadlock *aio.DeadlockError
	if errors.As(err, &deadlock) {
		for _, t := range deadlock.Cycle {
			fmt.Println(t.Name, "waits for", t.On)
		}
	}
	// Output:
	// egg waits for task hen
	// hen waits for task egg
}

// A background task whose handle is kept has failed: the report comes at once, not when somebody
// looks.
func ExampleWithPromptReports() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		refresher := aio.Start(ctx, func(ctx context.Context) error {
			return errors.New("the source is gone")
		}, aio.Name("refresher"))
		if err := aio.Sleep(ctx, time.Hour); err != nil { // what else the program does
			return err
		}
		_, err := refresher.Await(ctx)
		fmt.Println("an hour later:", err)
		return nil
	}, aio.WithPromptReports(true), aio.WithClock(aio.NewVirtualClock()), aio.WithExceptionHandler(func(l *aio.Loop, r aio.Report) {
		fmt.Println(r.TaskName, "failed:", r.Err)
	}))
	// Output:
	// refresher failed: the source is gone
	// an hour later: the source is gone
}
