package distributed_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/distributed"
	"github.com/aio-go/aio/executor"
)

var area = executor.Register("area", func(ctx context.Context, radius int) (int, error) {
	if radius < 0 {
		return 0, distributed.Permanent(errors.New("the radius is negative"))
	}
	return 3 * radius * radius, nil // near enough
})

func Example() {
	dir, err := os.MkdirTemp("", "jobs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	err = aio.Run(context.Background(), func(ctx context.Context) error {
		c, err := distributed.Open(ctx, distributed.Embedded(dir)) // or Connect(ctx, "nats://...")
		if err != nil {
			return err
		}
		defer c.Close()
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			// Usually this is another program on another machine.
			worker := g.Go(func(ctx context.Context) error { return distributed.Work(ctx, c) })
			defer worker.Cancel(nil)

			areas, err := aio.Map(executor.With(ctx, c), []int{1, 2, 3}, area.Run)
			if err != nil {
				return err
			}
			fmt.Println(areas)
			_, err = area.Run(executor.With(ctx, c), -1)
			var failed *distributed.FailedError
			if errors.As(err, &failed) {
				fmt.Println(failed.Name, "failed:", failed.Failures[0].Error)
			}
			return nil
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [3 12 27]
	// area failed: the radius is negative
}

func ExampleSubmit() {
	dir, err := os.MkdirTemp("", "jobs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	err = aio.Run(context.Background(), func(ctx context.Context) error {
		c, err := distributed.Open(ctx, distributed.Embedded(dir))
		if err != nil {
			return err
		}
		defer c.Close()
		h, err := distributed.Submit(ctx, c, area, 10,
			distributed.Key("area of the garden"), // once, even if several programs submit it
			distributed.At(distributed.High), distributed.Within(time.Minute))
		if err != nil {
			return err
		}
		id := h.ID() // keep it, in a database for instance

		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			worker := g.Go(func(ctx context.Context) error { return distributed.Work(ctx, c) })
			defer worker.Cancel(nil)
			again, err := distributed.Find(c, area, id) // in any process
			if err != nil {
				return err
			}
			n, err := again.Await(ctx)
			fmt.Println(n, err)
			return nil
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 300 <nil>
}

// A worker of an older program does not have the function "thumbnail" yet. It hands the job back,
// for a worker of the newer program. Here there is none, and the job is not to wait for one.
func ExampleAwaitFunction() {
	dir, err := os.MkdirTemp("", "jobs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	err = aio.Run(context.Background(), func(ctx context.Context) error {
		c, err := distributed.Open(ctx, distributed.Embedded(dir))
		if err != nil {
			return err
		}
		defer c.Close()
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			worker := g.Go(func(ctx context.Context) error {
				return distributed.Work(ctx, c, distributed.AwaitFunction(0))
			})
			defer worker.Cancel(nil)
			_, err := c.Execute(ctx, executor.Job{ID: "1", Name: "thumbnail"})
			fmt.Println(errors.Is(err, executor.ErrNotRegistered))
			for d, err := range c.Dead(ctx) { // when a newer worker runs: c.Retry(ctx, d)
				fmt.Println(d.Name, err)
			}
			return nil
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// true
	// thumbnail <nil>
}
