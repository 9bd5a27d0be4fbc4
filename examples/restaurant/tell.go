package main

import (
	"context"
	"fmt"
	"io"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/clock"
)

// tell runs the evening and prints what happens, a line each.
func (e *evening) tell(ctx context.Context, s settings, out io.Writer) error {
	h := newHouse(e, s.parties, clock.New(s.real), 1, ctx.Err)
	if s.real {
		h.ofItsOwn = onThread
	}
	if !s.json {
		which := "on which"
		if e.threads {
			which = "with"
		}
		fmt.Fprintf(out, "An evening %s %s.\n\n", which, e.title)
		h.told = func(what string) { fmt.Fprintf(out, "%6.1f s  %s\n", h.now().Seconds(), what) }
		defer fmt.Fprintln(out)
	}
	return aio.Run(ctx, h.serve, aio.WithClock(h.clock))
}
