package aio_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

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
