package aiotest

import (
	"fmt"
	"time"
)

// hostClock is the clock of a host, which may be wrong.
type hostClock struct {
	since time.Time     // when it was set, by the loop
	ahead time.Duration // then
	drift float64       // seconds that it gains in a second
}

// at returns what the clock shows.
func (c *hostClock) at(now time.Time) time.Time {
	gained := time.Duration(c.drift * float64(now.Sub(c.since)))
	return now.Add(c.ahead + gained)
}

// SetClock sets the clock of the host, which programs read with [aio.Now]: it is ahead of the
// loop's by some time, or behind if that is negative. From then on it gains drift seconds in each
// second, or loses some; 0.001 is a millisecond a second. A crash does not change the clock. Timers
// and time-outs follow the loop, which measures how long something takes.
//
// SetClock panics if drift is not above -1: the clock would run backwards, or stand still.
func (h *Host) SetClock(ahead time.Duration, drift float64) {
	if !(drift > -1 && drift < 1000) {
		panic("aiotest: Host.SetClock: the drift is not above -1 and below 1,000; " +
			"0.001 gains a millisecond a second")
	}
	text := offset(ahead)
	if drift != 0 {
		text += fmt.Sprintf(", and gains %v s a second", drift)
	}
	h.w.tell(false, "the clock of %s is %s", h, text)
	h.setClock(ahead, drift)
}

func (h *Host) setClock(ahead time.Duration, drift float64) {
	h.clock = hostClock{h.w.loop.Time(), ahead, drift}
}

func offset(ahead time.Duration) string {
	if ahead < 0 {
		return (-ahead).String() + " behind"
	}
	return ahead.String() + " ahead"
}

// readClock is called when a program on the host reads its clock, which may go wrong by that.
func (h *Host) readClock(now time.Time) time.Time {
	w := h.w
	m := w.newMenu()
	w.allow(m, faultClock, w.faults.Clocks, 2*outages)
	if m.total > 0 {
		if f := w.choose("clock "+h.name, m); f.kind == faultClock {
			d := w.outage(f.arg % outages)
			if f.arg >= outages {
				d = -d
			}
			w.tell(true, "the clock of %s is %s", h, offset(d))
			h.setClock(d, h.clock.drift)
		}
	}
	return h.clock.at(now)
}
