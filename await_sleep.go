package aio

import (
	"context"
	"time"
)

// Sleep suspends the task for d, at least, by the loop's clock. With d <= 0 it lets everything run that is ready, once, and uses no timer.
// It returns nil, or the error of the cancellation that cut it short. It allocates nothing. asyncio: sleep.
//
// Cancellation: the timer is taken back.
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
	p.timer.start(l, l.after(d))
	p.phase = parked
	if !l.handOver(w) {
		w.stack.Suspend()
	}
	err := p.resume()
	if err != nil {
		if !p.timer.armed() && !p.slept {
			p.stale++
		}
		p.timer.stop(l)
	}
	return err
}

// Yield lets everything run that is ready, once, and goes on. It is Sleep(ctx, 0). asyncio: sleep(0).
//
// Cancellation: Yield is a place where a pending cancellation is noticed.
func Yield(ctx context.Context) error {
	w := running(ctx, "Yield")
	p := &w.wait
	p.begin(ctx, "Yield", nil)
	if p.fate == refused {
		return p.refuse()
	}
	p.grant()
	if !w.loop.handOver(w) {
		w.stack.Suspend()
	}
	return p.resume()
}

// sleepEnd is a sleep's turn in the ready queue when its time has come: as in asyncio, the timer is one callback and the task's next step
// the following one.
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
