package aiotest_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	flight "github.com/aio-go/aio/recorder"
)

// lastOfThree panics if the task that was made last of three runs first.
func lastOfThree(ctx context.Context, _ *aiotest.T) error {
	ran := 0
	return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
		for n := range 3 {
			g.Go(func(context.Context) error {
				if ran++; ran == 1 && n == 2 {
					panic("the last came first")
				}
				return nil
			})
		}
		return nil
	})
}

func TestADumpOfARunNamesTheTokenThatReplaysIt(t *testing.T) {
	var tokens []string
	option := aiotest.LoopOptions(flight.On(flight.OnDump(func(r flight.Recording) {
		tokens = append(tokens, r.Replay)
		if !r.Virtual || r.Time.Before(time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)) || len(r.Events) == 0 {
			t.Errorf("the recording is %+v", r)
		}
	})))
	found := explore(t, lastOfThree, option)
	if len(tokens) == 0 {
		t.Fatalf("nothing was recorded: %s", found.errors)
	}
	first := tokens[0]
	t.Setenv("AIO_REPLAY", first)
	tokens = nil
	explore(t, lastOfThree, option)
	if !slices.Contains(tokens, first) {
		t.Errorf("the token %s leads to %s", first, tokens)
	}
}
