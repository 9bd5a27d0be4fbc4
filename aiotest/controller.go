package aiotest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/flight"
)

// strategy says which entry takes the next step. One strategy is used for many schedules.
type strategy interface {
	// begin prepares the next schedule, and reports false if there is none.
	begin() bool
	// choose returns the index of an entry. There are at least two. plain is that of the plain
	// order.
	choose(ready []aio.Entry, plain int) int
	// end is told how many choices the schedule had.
	end(choices int)
}

// controller runs the function again and again on one runner, and is the scheduler of its loop.
type controller struct {
	conf   config
	t      testing.TB
	fn     program
	main   func(ctx context.Context) error // of a run
	runner *aio.Runner
	time   clock
	slow   slowness

	// The present run.
	*run
	strategy strategy
	level    level
	strikes  strikes
	steps    int
	posts    int // steps that other goroutines have sent
	choices  int
	turns    turns
	draws    map[uint32]int // how often each place was asked for faults
	progress progress
	taken    []departure

	recording bool           // into order
	order     []aio.EntryKey // of the steps
	ended     bool           // main has returned: the rest goes on in the plain order
	nearest   time.Duration  // with so much lateness another timer could swap; 0: none
	prior     map[string]bool
	scratch   []aio.Entry // of allowed
	timed     []aio.Entry // of withTime
	queued    bool        // there was a call of another goroutine among them
	outside   uint64      // entries up to this Seq come from outside
	passed    uint64      // those before this Seq were passed over in the documented order
}

// stopRun is the panic that ends a run in the middle.
type stopRun struct{}

func newController(t testing.TB, conf config, fn program) *controller {
	c := &controller{conf: conf, t: t, fn: fn, prior: map[string]bool{}, draws: map[uint32]int{}}
	opts := append(slices.Clone(conf.loop),
		aio.WithClock(&c.time),
		aio.WithScheduler(c),
		aio.WithExceptionHandler(func(l *aio.Loop, r aio.Report) { c.run.reported(l, r) }),
		flight.Option(func(loop any) { flight.Replay(loop, c.soFar) }).(aio.Option),
	)
	c.runner = aio.NewRunner(opts...)
	c.main = func(ctx context.Context) error {
		err := c.run.body(ctx, &T{c.t, c.run}, c.fn, c.conf.leaks)
		c.ended = true
		return err
	}
	return c
}

// soFar returns the token of the present run up to now, for its recording.
func (c *controller) soFar() string {
	if c.conf.mark == "" {
		return ""
	}
	return token{c.conf.mark, c.level, c.strikes.strike, c.taken}.String()
}

func (c *controller) close() { c.runner.Close() }

// schedule runs the function once, as s says, and returns what became of it.
func (c *controller) schedule(s strategy, l level, x strike, st *story) *run {
	c.run = &run{sometimes: c.prior, story: st, forgiving: x.at > 0, steps: &c.steps}
	if st != nil {
		st.run = c.run
	}
	c.strategy, c.level, c.strikes = s, l, strikes{strike: x}
	c.steps, c.posts, c.choices, c.ended = 0, 0, 0, false
	c.turns.reset()
	c.order = c.order[:0]
	c.taken, c.outside, c.passed, c.queued = c.taken[:0], 0, 0, false
	clear(c.draws)
	c.run.decide = c.decide
	c.progress.reset()
	c.time.reset()
	c.slow.reset()
	c.once()
	c.ended = true
	c.runner.Reset() // ends what is left
	c.run.end()
	if s != nil {
		s.end(c.choices)
	}
	if st != nil {
		st.finish()
	}
	return c.run
}

func (c *controller) once() {
	defer func() {
		if v := recover(); v != nil {
			if _, ok := v.(stopRun); !ok {
				panic(v)
			}
		}
	}()
	c.run.returned(c.runner.Run(context.Background(), c.main))
}

// Next implements aio.Scheduler.
func (c *controller) Next(ready []aio.Entry) int {
	c.steps++ // also those in which only time passes, so that there is an end
	if !c.ended {
		if (len(c.always) > 0 || len(c.eventually) > 0) && !c.checkConditions() {
			c.stop()
		}
		if c.steps > c.conf.steps {
			c.fail(problemSteps, c.noProgress())
			c.stop()
		}
		if c.conf.patience > 0 && c.steps%starvedEvery == 0 && c.starved(ready) {
			c.stop()
		}
		if c.strikes.victim != 0 && c.mayStrike(ready) {
			return -1 // the victim may be the next, and is not among those that are ready yet
		}
	}
	if c.ended || c.strategy == nil {
		i := 0
		if c.level != documented {
			i = c.turns.plain(ready)
		}
		return c.take(ready, i, i)
	}
	open, plain := ready, 0
	if c.level == documented {
		open, plain = c.allowed(ready)
	} else {
		if c.slow.timeoutsWait(ready) {
			open = c.withoutTimeouts(ready)
		}
		plain = c.turns.plain(open)
	}
	among, wait := c.withTime(open)
	i := plain
	if len(among) > 1 {
		c.choices++
		if i = c.strategy.choose(among, plain); i != plain {
			at := c.turns.point(among[plain].EntryKey)
			c.taken = append(c.taken, departure{at, among[i].EntryKey})
			c.turns.insist(among[i].EntryKey)
		}
	}
	if among[i].EntryKey == timePasses {
		c.letPass(open, wait)
		if c.story != nil {
			c.story.pass(wait, among[plain])
		}
		return -1
	}
	if c.level == documented {
		c.passed = max(c.passed, open[i].Seq)
	}
	if len(open) < len(ready) {
		i, plain = after(ready, open[i].Seq-1), after(ready, open[plain].Seq-1)
	}
	return c.take(ready, i, plain)
}

// take notes that entry i takes the step.
func (c *controller) take(ready []aio.Entry, i, plain int) int {
	if ready[i].Kind == aio.EntryPost && ready[i].Op == "" {
		c.posts++
	}
	c.turns.take(ready, i)
	if c.recording {
		c.order = append(c.order, ready[i].EntryKey)
	}
	if s, ok := c.strategy.(*sequence); ok {
		s.took(ready[i].EntryKey)
	}
	if c.conf.patience > 0 || c.steps > c.conf.steps-recentSteps {
		c.progress.step(ready[i].EntryKey, c.steps)
	}
	if c.story != nil {
		c.story.step(c, ready[i], ready[plain], len(ready))
	}
	return i
}

// timePasses is the key of the choice to let time pass until the next timer.
var timePasses = aio.EntryKey{}

// withTime adds the choice to let time pass, if the next timer is near enough.
func (c *controller) withTime(ready []aio.Entry) (all []aio.Entry, wait time.Duration) {
	if c.level == documented && anyTimer(ready) {
		return ready, 0
	}
	next, ok := c.runner.Loop().NextTimer()
	if !ok {
		return ready, 0
	}
	if wait = c.time.until(next); wait <= 0 {
		return ready, 0
	}
	if late := c.time.borrowed + wait; late > c.conf.lateness && !c.maySlowDown(ready, wait) {
		if c.nearest == 0 || late < c.nearest {
			c.nearest = late
		}
		return ready, 0
	}
	if len(ready) < cap(ready) {
		return append(ready, aio.Entry{}), wait
	}
	c.timed = append(append(c.timed[:0], ready...), aio.Entry{})
	return c.timed, wait
}

// maySlowDown reports whether all that is ready may be slow until the next timer.
func (c *controller) maySlowDown(ready []aio.Entry, wait time.Duration) bool {
	now := c.time.since()
	return c.level != documented && c.conf.lateness > 0 && c.slow.mayTake(ready, now, now+wait)
}

// letPass lets time pass while something is ready.
func (c *controller) letPass(ready []aio.Entry, wait time.Duration) {
	if c.time.borrowed+wait <= c.conf.lateness {
		c.time.borrow(wait)
		return
	}
	c.slow.hold(ready)
	c.time.pass(wait)
}

// anyTimer reports whether something is ready because its time has come: in the documented order it
// precedes all that comes later.
func anyTimer(ready []aio.Entry) bool {
	for i := range ready {
		if fromOutside(&ready[i]) {
			return true
		}
	}
	return false
}

// stop ends the run at once.
func (c *controller) stop() {
	c.ended = true
	panic(stopRun{})
}
