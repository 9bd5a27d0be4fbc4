package aiotest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/stream"
)

// A client that waits without a limit works, until its connection falls silent.
func ExampleNewWorld() {
	answers := func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", ":7",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				_, err := fmt.Fprintln(w, "hello")
				return err
			})
		if err != nil {
			return err
		}
		defer server.Close()
		return server.ServeForever(ctx)
	}
	aiotest.Explore(printer{}, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{HalfOpen: 1})
		w.SetLink(aiotest.Link{Latency: 10 * time.Millisecond})
		w.Host("db").Boot(answers)
		ctx = w.Host("app").Context(ctx)
		begin := aio.RunningLoop(ctx).Time()
		r, out, err := stream.Open(ctx, "tcp", "db:7")
		if err != nil {
			return err
		}
		defer out.Close()
		_, _ = r.ReadLine(ctx)
		if d := aio.RunningLoop(ctx).Time().Sub(begin); d > time.Minute {
			t.Errorf("it took %v", d)
		}
		return nil
	}, aiotest.DocumentedOrder())
	// Output:
	// aiotest: schedule 3 fails;
	//   the shortest found has 1 fault, in the plain order
	//   check: example_world_test.go:40: it took 2m30.02s
}
