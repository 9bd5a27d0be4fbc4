package simnet

import (
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/sys"
)

// flow is what is on the way from one end to the other.
type flow struct {
	from, to *Conn
	wire     []byte    // the bytes of parts
	parts    []segment // by the time of their arrival
	timer    *aio.Timer
	busy     time.Time // until then the line is taken by what was sent before
	stalled  time.Time // until then nothing arrives
	waits    bool      // for the end of a cut
}

// segment is a part of a flow, or its end.
type segment struct {
	due   time.Time
	bytes int
	end   ending
}

type ending uint8

const (
	goesOn  ending = iota
	closing        // the sending half was closed
	reset          // the connection was reset
)

// send puts bytes, or the end, on the way.
func (f *flow) send(p []byte, delay time.Duration, end ending) {
	if len(p) == 0 && end == goesOn {
		return
	}
	n := f.from.host.Net
	l := n.link(f.from.host, f.to.host)
	if len(f.parts) == 0 && *l == (Link{}) && delay == 0 && !f.isHeld() {
		f.arrive(p, end, false)
		return
	}
	now := f.from.loop.Time()
	due := now.Add(delay + l.Latency)
	if l.Bandwidth > 0 {
		begin := now.Add(delay)
		if f.busy.After(begin) {
			begin = f.busy
		}
		f.busy = begin.Add(l.takes(len(p)))
		due = f.busy.Add(l.Latency)
	}
	if f.stalled.After(due) {
		due = f.stalled
	}
	if k := len(f.parts); k > 0 && f.parts[k-1].due.After(due) {
		due = f.parts[k-1].due // a stream keeps its order
	}
	f.wire = append(f.wire, p...)
	f.parts = append(f.parts, segment{due, len(p), end})
	if len(f.parts) == 1 {
		f.arm(now)
	}
}

// isHeld reports whether nothing gets through at present.
func (f *flow) isHeld() bool {
	a, b := f.from.host, f.to.host
	return f.from.hole || b.down || !f.stalled.IsZero() || a != b && a.Net.isCut(a, b)
}

// arm waits for the first part. It is given the time, which its callers know: with a virtual clock
// a message costs little more than to ask for it a few times.
func (f *flow) arm(now time.Time) {
	if f.timer == nil {
		f.timer = f.from.loop.NewTimer(f.due)
	}
	f.timer.Start(f.parts[0].due.Sub(now))
}

// due delivers what has arrived.
func (f *flow) due() {
	now := f.from.loop.Time()
	f.stalled = time.Time{}
	if f.isHeld() {
		f.hold()
		return
	}
	from, n := 0, 0
	for ; n < len(f.parts) && !f.parts[n].due.After(now); n++ {
		s := f.parts[n]
		f.arrive(f.wire[from:from+s.bytes], s.end, true) // may send, but not on this way
		from += s.bytes
	}
	f.wire = f.wire[:copy(f.wire, f.wire[from:])]
	f.parts = f.parts[:copy(f.parts, f.parts[n:])]
	f.from.makeRoom()
	switch {
	case len(f.parts) > 0:
		f.arm(now)
	case cap(f.wire) > keptBuffer:
		f.parts, f.wire = nil, nil
	}
}

// hold waits until something gets through again, if that will be.
func (f *flow) hold() {
	f.from.silence()
	if a, b := f.from.host, f.to.host; !f.waits && a.Net.isCut(a, b) {
		f.waits = true
		c := a.Net.cuts[path{a, b}]
		c.waiting = append(c.waiting, f)
	}
}

// resend is called when a cut has ended.
func (f *flow) resend() {
	f.waits = false
	if len(f.parts) == 0 || f.from.hole {
		return
	}
	now := f.from.loop.Time()
	at := now.Add(f.from.host.Net.link(f.from.host, f.to.host).Latency)
	for i := range f.parts {
		if f.parts[i].due.Before(at) {
			f.parts[i].due = at
		}
	}
	f.arm(now)
}

// arrive is the receiving end's part.
func (f *flow) arrive(p []byte, end ending, inTurn bool) {
	c := f.to
	if c.gone {
		if len(p) > 0 && f.from.failure == nil {
			c.out.send(nil, 0, reset) // nobody is there
		}
		return
	}
	if c.failure != nil {
		return
	}
	c.heard()
	news := aio.Interest(0)
	if len(p) > 0 {
		if c.read > 0 && len(c.in)+len(p) > cap(c.in) {
			c.in = c.in[:copy(c.in, c.in[c.read:])]
			c.read = 0
		}
		c.in = append(c.in, p...)
		news = aio.Readable
	}
	switch end {
	case closing:
		c.ended = true
		news = aio.Readable | aio.HangUp
	case reset:
		c.failure = c.fail("read", sys.ECONNRESET)
		if c.ended {
			c.failure = c.fail("write", sys.EPIPE)
		}
		news = aio.Readable | aio.Writable | aio.HangUp
	}
	if inTurn {
		c.tell(news)
	} else {
		c.report(news)
	}
}

// Stall lets nothing arrive at the peer for d, as if it did not read.
func (c *Conn) Stall(d time.Duration) {
	f := &c.out
	now := c.loop.Time()
	f.stalled = now.Add(d)
	for i := range f.parts {
		if f.parts[i].due.Before(f.stalled) {
			f.parts[i].due = f.stalled
		}
	}
	if len(f.parts) > 0 && f.timer != nil && f.timer.Running() {
		f.arm(now)
	}
}
