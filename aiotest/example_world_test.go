package aiotest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/subprocess"
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
	//   check: example_world_test.go:41: it took 2m30.02s
}

// The clock of one host is a minute behind, and gains half of that in 12 hours.
func ExampleHost_SetClock() {
	aiotest.Run(printer{}, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{})
		db, app := w.Host("db").Context(ctx), w.Host("app").Context(ctx)
		w.Host("app").SetClock(-time.Minute, 1./24/60)
		for range 3 {
			fmt.Println(aio.Now(db).Format(time.TimeOnly), aio.Now(app).Format(time.TimeOnly))
			if err := aio.Sleep(ctx, 12*time.Hour); err != nil {
				return err
			}
		}
		return nil
	})
	// Output:
	// 00:00:00 23:59:00
	// 12:00:00 11:59:30
	// 00:00:00 00:00:00
}

// A program that starts another one is tested without it.
func ExampleHost_Script() {
	aiotest.Run(printer{}, func(ctx context.Context, t *aiotest.T) error {
		h := aiotest.NewWorld(ctx, t, aiotest.Faults{}).Host("build")
		h.Script("git", func(ctx context.Context, c *aiotest.Child) int {
			if err := aio.Sleep(ctx, time.Minute); err != nil {
				return 1
			}
			fmt.Fprintln(c.Stderr, "fatal: unable to access the repository")
			return 128
		})
		err := subprocess.Command("git", "fetch").Run(h.Context(ctx))
		fmt.Println(err)
		return nil
	})
	// Output:
	// subprocess: git: exit status 128: fatal: unable to access the repository
}
