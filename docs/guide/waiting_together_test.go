package guide_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
)

// delays has the pages of a small web, and how long each takes.
var delays = map[string]time.Duration{
	"/news":    3 * time.Second,
	"/weather": 1 * time.Second,
	"/sports":  2 * time.Second,
}

func fetch(ctx context.Context, page string) (string, error) {
	delay, ok := delays[page]
	if !ok {
		return "", errors.New(page + ": not found")
	}
	if err := aio.Sleep(ctx, delay); err != nil {
		return "", err
	}
	return "<" + page + ">", nil
}

func Example_all() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		bodies, err := aio.All(ctx, aio.Bind(fetch, "/news"), aio.Bind(fetch, "/weather"))
		if err != nil {
			return err
		}
		fmt.Println(bodies)

		_, err = aio.All(ctx, aio.Bind(fetch, "/news"), aio.Bind(fetch, "/nonsense"))
		fmt.Println(err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [</news> </weather>]
	// /nonsense: not found
}

func Example_map() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		running, most := 0, 0
		squares, err := aio.Map(ctx, []int{1, 2, 3, 4, 5}, func(ctx context.Context, n int) (int, error) {
			running++
			defer func() { running-- }()
			most = max(most, running)
			return n * n, aio.Sleep(ctx, time.Second)
		}, aio.Limit(2))
		fmt.Println(squares, "with at most", most, "at a time")
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [1 4 9 16 25] with at most 2 at a time
}

func Example_race() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		body, err := aio.Race(ctx,
			aio.Bind(fetch, "/nonsense"), // fails at once; the race goes on
			aio.Bind(fetch, "/sports"),
			aio.Bind(fetch, "/weather"),
		)
		fmt.Println(body, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// </weather> <nil>
}

func Example_handles() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var tasks []*aio.Task[string]
		for _, page := range []string{"/news", "/weather", "/nonsense", "/sports"} {
			tasks = append(tasks, aio.CreateTask(ctx, aio.Bind(fetch, page), aio.Name(page)))
		}

		// Each one as it ends.
		for task, err := range aio.AsCompleted(ctx, tasks...) {
			if err != nil {
				return err // this task was cancelled while it waited
			}
			body, err := task.Result()
			fmt.Println("came:", body, err)
		}

		// All outcomes, in order.
		outcomes, err := aio.GatherSettled(ctx, tasks...)
		if err != nil {
			return err
		}
		for i, o := range outcomes {
			fmt.Printf("%s: %q, %v\n", tasks[i].Name(), o.Value, o.Err)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// came:  /nonsense: not found
	// came: </weather> <nil>
	// came: </sports> <nil>
	// came: </news> <nil>
	// /news: "</news>", <nil>
	// /weather: "</weather>", <nil>
	// /nonsense: "", /nonsense: not found
	// /sports: "</sports>", <nil>
}

func Example_wait() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		news := aio.CreateTask(ctx, aio.Bind(fetch, "/news"), aio.Name("news"))
		sports := aio.CreateTask(ctx, aio.Bind(fetch, "/sports"), aio.Name("sports"))

		done, pending, err := aio.WaitTimeout(ctx, 2500*time.Millisecond, aio.AllCompleted, news, sports)
		if err != nil {
			return err
		}
		fmt.Println(done[0].Name(), "has come,", pending[0].Name(), "has not")

		pending[0].Cancel(errors.New("too slow"))
		_, err = pending[0].Await(ctx)
		fmt.Println(errors.Is(err, aio.ErrCancelled))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// sports has come, news has not
	// true
}
