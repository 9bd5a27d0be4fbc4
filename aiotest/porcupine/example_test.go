package porcupine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/aiotest/porcupine"
)

// printer stands in for the *testing.T of a test.
type printer struct{ testing.TB }

func (printer) Helper()             {}
func (printer) Name() string        { return "TestCounter" }
func (printer) Cleanup(func())      {}
func (printer) Logf(string, ...any) {}

// Errorf prints what failed, without the steps.
func (printer) Errorf(format string, args ...any) {
	text, _, _ := strings.Cut(fmt.Sprintf(format, args...), "\nThe steps")
	fmt.Println(text)
}

// A counter gives each caller another number, unless two take it at the same time.
func ExampleCheck() {
	counter := porcupine.Model[int, string, int]{
		Init: func() int { return 0 },
		Step: func(s int, _ string, out int) (bool, int) { return out == s+1, s + 1 },
	}
	aiotest.Explore(printer{}, func(ctx context.Context, t *aiotest.T) error {
		var h aiotest.History
		count := 0
		next := func(ctx context.Context) error {
			_, err := aiotest.Record(ctx, t, &h, "next", func(ctx context.Context) (int, error) {
				n := count + 1
				err := aio.Yield(ctx) // stands for a query
				count = n
				return n, err
			})
			return err
		}
		err := aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			g.Go(next)
			g.Go(next)
			return nil
		})
		porcupine.Check(t, counter, &h)
		return err
	})
	// Output:
	// aiotest: schedule 1 fails; the shortest found has 0 departures from the plain order
	//   check: example_test.go:51: no order of the operations has these results:
	//   task 2, steps 2 to 4: next gives 1
	//   task 3, steps 3 to 5: next gives 1
}
