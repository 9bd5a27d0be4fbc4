package aiotest

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/aio-go/aio"
)

// strike says when a task is cancelled: at an await, or while it is in it.
type strike struct {
	at    int // the await, counted from 1 over all tasks that may be cancelled; 0: none
	after int // so many steps later, but at the latest when the await is over
}

// whenReady is the strike just before the task would go on: it has been granted what it waits for.
const whenReady = math.MaxInt32

// strikes are those of a run.
type strikes struct {
	strike
	awaits  int    // counted so far
	victim  uint32 // the task to cancel
	since   int    // the step after which it began to wait
	struck  bool
	atReady bool // ... when the await was over, so a later strike would have been the same
}

// Await implements aio.Scheduler.
func (c *controller) Await(a aio.Await) {
	if c.story != nil {
		c.story.await(a)
	}
	if c.conf.patience > 0 {
		c.progress.waits(a.Task, c.steps)
	}
	if a.Op == "Sleep" {
		c.slow.begins(a.Task, c.time.since())
	}
	if c.ended || a.Task == mainTask || c.conf.victims != nil && !c.isVictim(a.Task) {
		return
	}
	x := &c.strikes
	if x.awaits++; x.awaits == x.at {
		x.victim, x.since = a.Task, c.steps
	}
}

// mainTask is the number of the first task of a loop.
const mainTask = 1

// isVictim reports whether a task is one of those that may be cancelled.
func (c *controller) isVictim(id uint32) bool {
	for _, t := range c.runner.Loop().AllTasks() {
		if t.ID() == id {
			return slices.ContainsFunc(c.conf.victims, func(pattern string) bool {
				ok, _ := path.Match(pattern, t.Name())
				return ok
			})
		}
	}
	return false
}

// mayStrike cancels the victim if it is time, and reports whether it did.
func (c *controller) mayStrike(ready []aio.Entry) bool {
	x := &c.strikes
	key := aio.EntryKey{Kind: aio.EntryStep, ID: x.victim}
	over := slices.ContainsFunc(ready, func(e aio.Entry) bool { return e.EntryKey == key })
	if !over && c.steps-x.since <= x.after {
		return false
	}
	x.atReady, x.struck = over, true
	for _, t := range c.runner.Loop().AllTasks() {
		if t.ID() == x.victim {
			if c.story != nil {
				c.story.note("the test cancels " + c.story.name(key) + " here")
				c.story.struck = x.victim
			}
			t.Cancel(nil)
		}
	}
	x.victim = 0
	return true
}

func (x strike) String() string {
	switch {
	case x.after == whenReady:
		return fmt.Sprintf("!%dr", x.at)
	case x.after > 0:
		return fmt.Sprintf("!%d+%d", x.at, x.after)
	}
	return fmt.Sprintf("!%d", x.at)
}

// parseStrike reads what String has written.
func parseStrike(text string) (x strike, ok bool) {
	text, ok = strings.CutPrefix(text, "!")
	if !ok {
		return x, false
	}
	if at, ready := strings.CutSuffix(text, "r"); ready {
		text, x.after = at, whenReady
	} else if at, after, later := strings.Cut(text, "+"); later {
		n, err := strconv.Atoi(after)
		if err != nil || n < 1 || n >= whenReady {
			return x, false
		}
		text, x.after = at, n
	}
	n, err := strconv.Atoi(text)
	x.at = n
	return x, err == nil && n > 0
}
