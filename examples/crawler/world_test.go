package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/examples/internal/cli"
)

// The crawler as it is, in a simulated world: it visits the village on another host, at any of whose
// connections something goes wrong, and finds all of it.
func TestTheCrawlerVisitsASiteOfASimulatedWorld(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{Resets: 1, SlowReaders: 1, Lookups: 1})
		w.SetLink(aiotest.Link{Latency: 20 * time.Millisecond, Jitter: 50 * time.Millisecond})
		w.Host("village.example").Boot(func(ctx context.Context) error {
			server, err := aiohttp.Serve(ctx, "tcp", ":80", village)
			if err != nil {
				return err
			}
			defer server.Close()
			return server.ServeForever(ctx)
		})
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		s, err := parseFlags([]string{"-retries", "3", "http://village.example/"})
		if err != nil {
			return err
		}
		var out strings.Builder
		p := &program{settings: s, Streams: cli.Streams{Out: &out}}
		if err := p.main(w.Host("crawler").Context(ctx)); err != nil {
			return err
		}
		if n := p.crawl.visited(); n < 60 {
			t.Errorf("%d pages are visited", n)
		}
		return nil
	}, aiotest.Schedules(20), aiotest.MaxSteps(100_000), aiotest.DocumentedOrder())
}
