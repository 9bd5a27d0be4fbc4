package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/limits"
	"github.com/aio-go/aio/stream"
)

// The program as it is, in a simulated world: 1,000 visitors, each with a query every 4 minutes of
// an hour.
func TestAThousandVisitorsSearchForAnHourOfVirtualTime(t *testing.T) {
	const visitors = 1000
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{})
		w.SetLink(aiotest.Link{Latency: 20 * time.Millisecond})
		w.Host("tcpmoji").Boot(func(ctx context.Context) error {
			bounds := limits.Default()
			return serve(ctx, ":2323", &bounds, cli.Streams{Out: io.Discard})
		})
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		ctx = w.Host("visitors").Context(ctx)
		answers := 0
		err := aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			for range visitors {
				g.Go(func(ctx context.Context) error {
					r, w, err := stream.Open(ctx, "tcp", "tcpmoji:2323")
					if err != nil {
						return err
					}
					defer w.Close()
					for range 15 {
						if err := aio.Sleep(ctx, 4*time.Minute-time.Second); err != nil {
							return err
						}
						fmt.Fprint(w, "registered\r\n")
						for {
							line, err := r.ReadLine(ctx)
							if err != nil {
								return err
							}
							if strings.HasSuffix(string(line), " 1 found\r\n") {
								break
							}
						}
						answers++
					}
					return nil
				})
			}
			return nil
		})
		if answers != 15*visitors {
			t.Errorf("%d answers, want %d", answers, 15*visitors)
		}
		return err
	}, aiotest.MaxSteps(100_000_000))
}
