package main

import (
	"fmt"
	"time"
)

// hold is a stretch of time in which one bot had the loop.
type hold struct {
	bot      bot
	what     string
	from, to time.Duration
}

// refresh is how often the picture is drawn, in time of the clock.
const refresh = 50 * time.Millisecond

// hands does work that takes LoopBot's hands for d: it holds the loop. It has no context, since it
// does not await: until it returns nothing else happens in the restaurant. A short time is fine;
// this program shows the effect of a long one.
func (h *house) hands(b bot, d time.Duration, format string, args ...any) error {
	h.holding = &hold{bot: b, what: fmt.Sprintf(format, args...), from: h.now()}
	h.tell("%s %s", b, h.holding.what)
	for left := h.scaled(d); left > 0; left -= refresh {
		h.paint()
		h.clock.Block(min(left, refresh))
		if err := h.stop(); err != nil {
			return err
		}
	}
	h.holding.to = h.now()
	h.held = append(h.held, *h.holding)
	h.holding = nil
	return nil
}

// longest returns the longest time for which the loop was held.
func (h *house) longest() hold {
	var longest hold
	for _, x := range h.held {
		if x.to-x.from > longest.to-longest.from {
			longest = x
		}
	}
	return longest
}
