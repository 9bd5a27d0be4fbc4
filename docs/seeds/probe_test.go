package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// Probing domains: results in the order in which they come.
func Example_seedsProbeDomains() {
	type answer struct {
		after time.Duration
		found bool
	}
	names := map[string]answer{ // stands for the look-up
		"and.dev":  {40 * time.Millisecond, true},
		"as.dev":   {20 * time.Millisecond, true},
		"is.dev":   {30 * time.Millisecond, false},
		"none.dev": {50 * time.Millisecond, false},
		"not.dev":  {10 * time.Millisecond, true},
	}
	probe := func(ctx context.Context, domain string) (bool, error) {
		a := names[domain]
		return a.found, aio.Sleep(ctx, a.after)
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		var probes []*aio.Task[bool]
		for _, domain := range []string{"and.dev", "as.dev", "is.dev", "none.dev", "not.dev"} {
			probes = append(probes, aio.CreateTask(ctx, aio.Bind(probe, domain), aio.Name(domain)))
		}
		for task, err := range aio.AsCompleted(ctx, probes...) {
			if err != nil {
				return err
			}
			found, err := task.Result()
			if err != nil {
				return err
			}
			mark := "-"
			if found {
				mark = "+"
			}
			fmt.Println(mark, task.Name())
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// + not.dev
	// + as.dev
	// - is.dev
	// + and.dev
	// - none.dev
}

// Throttling requests with a semaphore, saving in a thread, and counting how each ended.
func Example_seedsProbeSemaphore() {
	errNotFound := errors.New("not found")
	get := func(ctx context.Context, code string) (string, error) { // stands for the request
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return "", err
		}
		if code == "XX" {
			return "", errNotFound
		}
		return "flag of " + code, nil
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		elapsed := stopwatch(ctx)
		requests := aio.NewSemaphore(2)
		one := func(ctx context.Context, code string) (string, error) {
			var image string
			err := requests.With(ctx, func(ctx context.Context) (err error) {
				image, err = get(ctx, code)
				return err
			})
			switch {
			case errors.Is(err, errNotFound):
				return "NOT_FOUND", nil
			case err != nil:
				return "", err
			}
			save := func(context.Context) error { _ = image; return nil }
			return "OK", aio.Blocking(ctx, save)
		}

		var tasks []*aio.Task[string]
		for _, code := range []string{"BR", "CN", "IN", "US", "XX"} {
			tasks = append(tasks, aio.CreateTask(ctx, aio.Bind(one, code), aio.Name(code)))
		}
		counter := map[string]int{}
		for task, err := range aio.AsCompleted(ctx, tasks...) {
			if err != nil {
				return err
			}
			status, err := task.Result()
			if err != nil {
				return err
			}
			counter[status]++
		}
		fmt.Println(counter, "in", elapsed())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// map[NOT_FOUND:1 OK:4] in 3s
}
