package transport_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// Ask one mirror after the other, the next when the one before has not answered within a second.
func ExampleStaggered() {
	mirror := func(name string, takes time.Duration) aio.Func[string] {
		return func(ctx context.Context) (string, error) {
			fmt.Println("asking", name)
			if err := aio.Sleep(ctx, takes); err != nil {
				return "", err
			}
			return "answer of " + name, nil
		}
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		race, err := transport.Staggered(ctx, time.Second, nil,
			mirror("Oslo", time.Minute), mirror("Lima", 2*time.Second), mirror("Suva", time.Minute),
			mirror("Rome", 0))
		fmt.Println(race.Value, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// asking Oslo
	// asking Lima
	// asking Suva
	// answer of Lima <nil>
}
