package guide_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiocache"
)

// forecast stands for a slow service, and prints each call.
func forecast(ctx context.Context, city string) (string, error) {
	fmt.Println("asking about", city)
	if err := aio.Sleep(ctx, time.Second); err != nil {
		return "", err
	}
	return "sunny in " + city, nil
}

func Example_caching() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		forecasts := aiocache.New(forecast, aiocache.MaxSize(1000), aiocache.TTL(time.Hour))

		// Three tasks ask at the same time, about two cities.
		answers, err := aio.Map(ctx, []string{"Rome", "Oslo", "Rome"}, forecasts.Get)
		if err != nil {
			return err
		}
		fmt.Println(answers)

		if err := aio.Sleep(ctx, 2*time.Hour); err != nil {
			return err
		}
		_, err = forecasts.Get(ctx, "Rome") // the result is too old by now
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// asking about Rome
	// asking about Oslo
	// [sunny in Rome sunny in Oslo sunny in Rome]
	// asking about Rome
}

func Example_cachingCancelled() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		forecasts := aiocache.New(forecast)

		patient := aio.CreateTask(ctx, aio.Bind(forecasts.Get, "Lima"))
		_, err := aio.WaitFor(ctx, 10*time.Millisecond, aio.Bind(forecasts.Get, "Lima"))
		fmt.Println("in a hurry:", errors.Is(err, context.DeadlineExceeded))

		answer, err := patient.Await(ctx)
		fmt.Println(answer)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// asking about Lima
	// in a hurry: true
	// sunny in Lima
}
