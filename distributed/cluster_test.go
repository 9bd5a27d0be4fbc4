package distributed_test

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/distributed"
	"github.com/aio-go/aio/executor"
	"github.com/aio-go/aio/internal/looptest"
	"github.com/nats-io/nats-server/v2/server"
)

// On a cluster jobs go on after one of three servers has gone.
func TestJobsGoOnWhenOneServerOfAClusterEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("a cluster takes seconds to start")
	}
	var ports []int
	var routes []*url.URL
	for range 3 {
		address := netip.MustParseAddrPort(looptest.FreeAddress(t))
		ports = append(ports, int(address.Port()))
		routes = append(routes, &url.URL{Scheme: "nats", Host: address.String()})
	}
	var servers []*server.Server
	var urls []string
	for i := range 3 {
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprint("s", i), Host: "127.0.0.1", Port: server.RANDOM_PORT,
			JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true, Routes: routes,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[i]},
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		servers = append(servers, s)
	}
	for _, s := range servers {
		if !s.ReadyForConnections(20 * time.Second) {
			t.Fatal("the cluster does not start")
		}
		urls = append(urls, s.ClientURL())
	}
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		return aio.Timeout(ctx, 3*time.Minute, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				c, err := connectCluster(ctx, strings.Join(urls, ","))
				if err != nil {
					return err
				}
				defer c.Close()
				g.Go(func(ctx context.Context) error { return distributed.Work(ctx, c) })
				done := 0
				numbers := make([]int, 200)
				for i := range numbers {
					numbers[i] = i
				}
				_, err = aio.Map(executor.With(ctx, c), numbers, func(ctx context.Context, n int) (int, error) {
					if done++; done == len(numbers)/2 {
						go servers[0].Shutdown()
					}
					return square.Run(ctx, n)
				}, aio.Limit(10))
				g.Cancel(nil)
				return err
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// connectCluster waits until the cluster has elected its leader.
func connectCluster(ctx context.Context, urls string) (*distributed.Client, error) {
	for {
		c, err := distributed.Connect(ctx, urls, distributed.Replicas(3))
		if err == nil {
			return c, nil
		}
		if err := aio.Sleep(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
}
