package aio

import (
	"context"
	"time"
)

// Sleep suspends the task for at least d, by the loop's clock. With d <= 0 it works like [Yield]
// and uses no timer. It allocates nothing. asyncio: sleep.
//
// Cancellation: Sleep stops its timer and returns the error.
func Sleep(ctx context.Context, d time.Duration) error {
	w := running(ctx, "Sleep")
	p, l := &w.wait, w.loop
	p.begin(ctx, "Sleep", nil)
	if p.fate == refused {
		return p.refuse()
	}
	if d <= 0 {
		p.grant()
		if !l.handOver(w) {
			w.stack.Suspend()
		}
		return p.resume()
	}
	p.timer.due, p.slept = (*sleepEnd)(p), false
	l.timers.start(&p.timer, l.clock.after(d))
	p.phase, p.since = parked, l.clock.coarse // which after has read
	if !l.handOver(w) {
		w.stack.Suspend()
	}
	err := p.resume()
	if err != nil {
		if !p.timer.armed() && !p.slept {
			p.stale++
		}
		l.timers.stop(&p.timer)
	}
	return err
}

// Yield lets everything that is ready run once and then resumes. asyncio: sleep(0).
//
// Cancellation: Yield returns the error, even if the task was cancelled before the call.
func Yield(ctx context.Context) error {
	w := running(ctx, "Yield")
	p := &w.wait
	p.begin(ctx, "Yield", nil)
	if p.fate == refused {
		return p.refuse()
	}
	p.fate = granted
	p.enqueue()
	if !w.loop.handOver(w) {
		w.stack.Suspend()
	}
	return p.resume()
}

// sleepEnd is a sleep's entry in the ready queue when its time has come. As in asyncio, the timer
// takes one pass and the task resumes in the next.
type sleepEnd wait

func (e *sleepEnd) run() {
	p := (*wait)(e)
	if p.stale > 0 {
		p.stale--
		return
	}
	p.slept = true
	p.grant()
}
