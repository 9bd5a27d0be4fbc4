package perloop_test

import (
	"context"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/perloop"
)

func TestEachLoopHasAValueUntilItIsClosed(t *testing.T) {
	var table perloop.Table[*int]
	var seen []*int
	err := aio.RunParallel(t.Context(), 2, func(ctx context.Context, _ int) error {
		l := aio.RunningLoop(ctx)
		first := table.Get(l, func() *int { return new(int) })
		second := table.Get(l, func() *int { t.Error("made twice"); return nil })
		if first != second {
			t.Error("two values for one loop")
		}
		return nil
	})
	if err != nil || table.Len() != 0 {
		t.Fatalf("got %v, %d values are left", err, table.Len())
	}
	for range 2 {
		_ = aio.Run(t.Context(), func(ctx context.Context) error {
			seen = append(seen, table.Get(aio.RunningLoop(ctx), func() *int { return new(int) }))
			return nil
		})
	}
	if seen[0] == seen[1] {
		t.Error("two loops have the same value")
	}
}
