package aio_test

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// Two workers share what a producer puts into a queue, and end when it is shut down.
func ExampleQueue() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		jobs := aio.NewQueue[int](2)
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
		jobs := aio.NewPriorityQueue(0, func(a, b job) int { return cmp.Compare(a.urgency, b.urgency) })
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
