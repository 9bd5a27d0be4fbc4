package distributed_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/distributed"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// namespaceAt describes what the broker has of the namespace "aio".
func namespaceAt(url string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	nc, err := nats.Connect(url)
	if err != nil {
		return "", err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return "", err
	}
	jobs, err := js.Stream(ctx, "aio_jobs")
	if err != nil {
		return "", err
	}
	line, err := jobs.Consumer(ctx, "normal")
	if err != nil {
		return "", err
	}
	kv, err := js.KeyValue(ctx, "aio_outcomes")
	if err != nil {
		return "", err
	}
	status, err := kv.Status(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("lease %v, keep %v, window %v, replicas %d", line.CachedInfo().Config.AckWait,
		status.TTL(), jobs.CachedInfo().Config.Duplicates, jobs.CachedInfo().Config.Replicas), nil
}

func TestAClientThatDoesNotSetAnOptionLeavesTheNamespacesAsItIs(t *testing.T) {
	url := startServer(t, nil)
	for _, c := range []struct {
		opts []distributed.Option
		want string
	}{
		{nil, "lease 30s, keep 24h0m0s, window 2m0s, replicas 1"},
		{[]distributed.Option{distributed.Lease(5 * time.Minute), distributed.Keep(time.Hour)},
			"lease 5m0s, keep 1h0m0s, window 2m0s, replicas 1"},
		{nil, "lease 5m0s, keep 1h0m0s, window 2m0s, replicas 1"},
		{[]distributed.Option{distributed.Window(time.Minute), distributed.Replicas(1)},
			"lease 5m0s, keep 1h0m0s, window 1m0s, replicas 1"},
		{[]distributed.Option{distributed.Existing(), distributed.Lease(time.Hour)},
			"lease 5m0s, keep 1h0m0s, window 1m0s, replicas 1"},
		{[]distributed.Option{distributed.Lease(30 * time.Second)},
			"lease 30s, keep 1h0m0s, window 1m0s, replicas 1"},
	} {
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			c, err := distributed.Connect(ctx, url, c.opts...)
			if err == nil {
				c.Close()
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := namespaceAt(url); got != c.want || err != nil {
			t.Errorf("%s, %v; want %s", got, err, c.want)
		}
	}
}

// A client without options opens while another one sets some.
func TestClientsThatOpenAtOnceLoseNoOption(t *testing.T) {
	for round := range 6 {
		url := startServer(t, nil)
		for _, lease := range []time.Duration{5 * time.Minute, 7 * time.Minute} { // new, and changed
			err := aio.Run(t.Context(), func(ctx context.Context) error {
				return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
					open := func(opts ...distributed.Option) {
						g.Go(func(ctx context.Context) error {
							c, err := distributed.Connect(ctx, url, opts...)
							if err == nil {
								c.Close()
							}
							return err
						})
					}
					open()
					open(distributed.Lease(lease))
					open()
					return nil
				})
			})
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("lease %v, keep 24h0m0s, window 2m0s, replicas 1", lease)
			if got, err := namespaceAt(url); got != want || err != nil {
				t.Errorf("round %d: %s, %v; want %s", round, got, err, want)
			}
		}
	}
}
