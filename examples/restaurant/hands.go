package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// hold is a stretch of time in which one bot had the loop.
type hold struct {
	bot      bot
	what     string
	from, to time.Duration
}

// refresh is how often the picture is drawn, in time of the clock.
const refresh = 50 * time.Millisecond

// hands does work that takes LoopBot's hands for d: it holds the loop. It does not await: until it
// returns nothing else happens in the restaurant. A short time is fine; this program shows the
// effect of a long one.
//
// Four bots that are threads have hands of their own: then only this bot's task waits.
func (h *house) hands(
	ctx context.Context, b bot, d time.Duration, format string, args ...any,
) error {
	x := &hold{bot: b, what: fmt.Sprintf(format, args...), from: h.now()}
	h.holding[b] = x
	h.tell("%s %s", b, x.what)
	work := h.onTheLoop
	if h.threads {
		work = h.ofItsOwn
	}
	if err := work(ctx, h.scaled(d)); err != nil {
		return err
	}
	x.to = h.now()
	h.held = append(h.held, *x)
	h.holding[b] = nil
	return nil
}

// onThread is a call that blocks a thread, for as long as it takes or until nobody waits for it.
func onThread(ctx context.Context, d time.Duration) error {
	return aio.Blocking(ctx, func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
}

// onTheLoop is a call that blocks the loop.
func (h *house) onTheLoop(_ context.Context, d time.Duration) error {
	for left := d; left > 0; left -= refresh {
		h.paint()
		h.clock.Block(min(left, refresh))
		if err := h.stop(); err != nil {
			return err
		}
	}
	return nil
}

// longest returns the longest time for which the loop was held.
func (h *house) longest() hold {
	var longest hold
	if h.threads {
		return longest
	}
	for _, x := range h.held {
		if x.to-x.from > longest.to-longest.from {
			longest = x
		}
	}
	return longest
}
