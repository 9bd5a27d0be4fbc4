package guide_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
)

func Example_group() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 3 {
				g.Go(func(ctx context.Context) error {
					if err := aio.Sleep(ctx, time.Duration(i)*time.Second); err != nil {
						return err
					}
					fmt.Println("worker", i, "is done")
					return nil
				})
			}
			fmt.Println("all started")
			return nil
		})
		fmt.Println("all done:", err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// all started
	// worker 0 is done
	// worker 1 is done
	// worker 2 is done
	// all done: <nil>
}

func Example_groupFailure() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
				return errors.New("disk full")
			})
			g.Go(func(ctx context.Context) error {
				err := aio.Sleep(ctx, time.Hour)
				fmt.Println("the other one:", errors.Is(err, aio.ErrCancelled))
				return err // a cancellation is not a failure
			})
			return nil
		})
		fmt.Println("the group:", err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// the other one: true
	// the group: disk full
}

func Example_groupResults() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var name *aio.Task[string]
		var age *aio.Task[int]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			name = aio.GoValue(g, func(ctx context.Context) (string, error) {
				return "Ada", aio.Sleep(ctx, time.Second)
			})
			age = aio.GoValue(g, func(ctx context.Context) (int, error) {
				return 36, aio.Sleep(ctx, time.Second)
			})
			return nil
		})
		if err != nil {
			return err
		}
		// Neither failed nor was cancelled, so both have a result.
		n, _ := name.Result()
		a, _ := age.Result()
		fmt.Println(n, a)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// Ada 36
}

func Example_groupCancel() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error { // a task that never ends by itself
				for {
					fmt.Println("tick")
					if err := aio.Sleep(ctx, time.Second); err != nil {
						return err
					}
				}
			})
			if err := aio.Sleep(ctx, 2500*time.Millisecond); err != nil {
				return err
			}
			g.Cancel(nil) // end the remaining tasks, without an error
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	fmt.Println(err)
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// tick
	// tick
	// tick
	// <nil>
}

func Example_startReady() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			address, err := aio.GoReady(ctx, g, func(ctx context.Context, ready func(address string)) error {
				if err := aio.Sleep(ctx, time.Second); err != nil { // opening takes a while
					return err
				}
				ready("127.0.0.1:8080")
				return aio.Sleep(ctx, time.Hour) // serving
			})
			if err != nil {
				return err
			}
			fmt.Println("serving at", address)
			g.Cancel(nil)
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// serving at 127.0.0.1:8080
}
