package aiotest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
)

// printer stands in for the *testing.T of a test.
type printer struct{ testing.TB }

func (printer) Helper()        {}
func (printer) Name() string   { return "TestSeats" }
func (printer) Cleanup(func()) {}

func (printer) Logf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// Errorf prints what failed, without the steps.
func (printer) Errorf(format string, args ...any) {
	text, _, _ := strings.Cut(fmt.Sprintf(format, args...), "\nThe steps")
	fmt.Println(text)
}

func ExampleExplore() {
	aiotest.Explore(printer{}, func(ctx context.Context, t *aiotest.T) error {
		free := 1
		book := func(ctx context.Context) error {
			if free == 0 {
				return nil
			}
			if err := aio.Yield(ctx); err != nil { // the payment
				return err
			}
			free--
			return nil
		}
		t.Always("no seat is sold twice", func() bool { return free >= 0 })
		return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			g.Go(book)
			g.Go(book)
			return nil
		})
	})
	// Output:
	// aiotest: schedule 1 fails; the shortest found has 0 departures from the plain order
	//   invariant: no seat is sold twice does not hold
}

func ExampleExhaustive() {
	aiotest.Explore(printer{}, func(ctx context.Context, t *aiotest.T) error {
		count := 0
		add := func(context.Context) error { count++; return nil }
		_, err := aio.Gather[aio.None](ctx, aio.Start(ctx, add), aio.Start(ctx, add), aio.Start(ctx, add))
		if err != nil {
			return err
		}
		if count != 3 {
			t.Errorf("count = %d", count)
		}
		return nil
	}, aiotest.With(aiotest.Exhaustive(-1)))
	// Output:
	// aiotest: covered all 6 schedules
}

func ExampleRun() {
	aiotest.Run(printer{}, func(ctx context.Context, t *aiotest.T) error {
		aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) },
			aio.Name("heartbeat"))
		return aio.Sleep(ctx, time.Minute)
	})
	// Output:
	// aiotest: leak: the function has returned, but task heartbeat, made at example_test.go:72, has not ended; it is in Sleep
}
