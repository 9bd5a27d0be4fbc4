package aio_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// Every subscriber gets every price, except the one that is too slow: it is told what it has missed.
func ExampleBroadcast() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		prices := aio.NewBroadcast[int](2)
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			follow := func(name string, pause time.Duration) {
				sub := prices.Subscribe()
				g.Go(func(ctx context.Context) error {
					if err := aio.Sleep(ctx, pause); err != nil {
						return err
					}
					for price, err := range sub.All(ctx) {
						var lagged *aio.LaggedError
						switch {
						case errors.As(err, &lagged):
							fmt.Println(name, "missed", lagged.Missed)
						case err != nil:
							return err
						default:
							fmt.Println(name, "sees", price)
						}
					}
					return nil
				})
			}
			follow("quick", 0)
			follow("slow", time.Hour)
			for price := 10; price <= 12; price++ {
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
				prices.Send(price)
			}
			prices.Close()
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// quick sees 10
	// quick sees 11
	// quick sees 12
	// slow missed 1
	// slow sees 11
	// slow sees 12
}
