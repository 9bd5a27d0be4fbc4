package aio_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aio-go/aio"
)

func boundOne(ctx context.Context, a int) (int, error)              { return a, aio.Yield(ctx) } // line 12
func boundTwo(ctx context.Context, a, b int) (int, error)           { return a, aio.Yield(ctx) }
func boundThree(ctx context.Context, a, b, c int) (int, error)      { return a, aio.Yield(ctx) }
func boundAction(ctx context.Context) error                         { return aio.Yield(ctx) }
func (*boundMethods) bound(ctx context.Context, a int) (int, error) { return a, aio.Yield(ctx) }

type boundMethods struct{}

func TestATaskMadeOfABoundFunctionShowsWhereThatFunctionIs(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		one := aio.CreateTask(ctx, aio.Bind(boundOne, 1))
		two := aio.CreateTask(ctx, aio.Bind2(boundTwo, 1, 2))
		three := aio.CreateTask(ctx, aio.Bind3(boundThree, 1, 2, 3))
		action := aio.CreateTask(ctx, aio.Action(boundAction))
		method := aio.CreateTask(ctx, aio.Bind(new(boundMethods).bound, 1))
		for i, task := range []fmt.Stringer{one, two, three, action} {
			if got, want := task.String(), fmt.Sprintf(" func_test.go:%d>", 12+i); !strings.HasSuffix(got, want) {
				t.Errorf("%s, want it to end with %s", got, want)
			}
		}
		if got, want := method.String(), "boundMethods).bound>"; !strings.HasSuffix(got, want) {
			t.Errorf("%s, want it to end with %s", got, want)
		}
		if _, err := aio.Gather(ctx, one, two, three, method); err != nil {
			return err
		}
		_, err := action.Await(ctx)
		return err
	}, aio.WithDebug(false))
	if err != nil {
		t.Fatal(err)
	}
}
