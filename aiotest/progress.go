package aiotest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aio-go/aio"
)

// recentSteps is how many steps before the bound are looked at when a schedule makes no progress.
const recentSteps = 1000

// starvedEvery is after how many steps Patience is looked at.
const starvedEvery = 64

// progress notes which tasks have made the last steps, and since when the others wait.
type progress struct {
	recent map[aio.EntryKey]int // steps at the end
	since  []int                // by task: the step at which it began to wait, 0: it does not wait
}

func (p *progress) reset() {
	clear(p.recent)
	clear(p.since)
}

func (p *progress) step(key aio.EntryKey, now int) {
	if p.recent == nil {
		p.recent = map[aio.EntryKey]int{}
	}
	p.recent[key]++
	if key.Kind == aio.EntryStep && int(key.ID) < len(p.since) {
		p.since[key.ID] = 0
	}
}

func (p *progress) waits(id uint32, now int) {
	for int(id) >= len(p.since) {
		p.since = append(p.since, 0)
	}
	p.since[id] = now
}

// noProgress says what went on at the end of a schedule that is too long: who made the steps, and
// who waited.
func (c *controller) noProgress() string {
	var busy, waiting []string
	for _, i := range c.runner.Loop().Snapshot(false).Tasks {
		text := i.Name
		if i.Op != "" {
			text += " in " + i.Op
		}
		if n := c.progress.recent[aio.EntryKey{Kind: aio.EntryStep, ID: i.ID}]; n > 0 {
			busy = append(busy, text)
		} else {
			waiting = append(waiting, text)
		}
	}
	text := fmt.Sprintf("the schedule has more steps than MaxSteps allows, %d", c.conf.steps)
	if len(busy) > 0 {
		text += "; the last ones were made by " + strings.Join(busy, ", ")
	}
	if len(waiting) > 0 {
		text += "; meanwhile waited " + strings.Join(waiting, ", ")
	}
	for _, e := range c.eventually {
		text += "; " + e.name + " never came true"
	}
	return text
}

// joining are awaits for other tasks, and for time. Their length says nothing about fairness.
var joining = []string{
	"Task.Await", "Group", "Gather", "GatherSettled", "Wait", "WaitTimeout",
	"AsCompleted", "Shield",
	"All", "Map", "MapSettled", "Race", "Sleep", "ToThread", "Blocking",
}

// starved looks for a task that has waited for longer than the bound and is not ready.
func (c *controller) starved(ready []aio.Entry) bool {
	for id, since := range c.progress.since {
		key := aio.EntryKey{Kind: aio.EntryStep, ID: uint32(id)}
		if since == 0 || c.steps-since <= c.conf.patience || slices.ContainsFunc(ready,
			func(e aio.Entry) bool { return e.EntryKey == key }) {
			continue
		}
		for _, i := range c.runner.Loop().Snapshot(false).Tasks {
			if i.ID == key.ID && !slices.Contains(joining, i.Op) {
				text := fmt.Sprintf("%s has waited in %s for %d steps of others",
					i.Name, i.Op, c.steps-since)
				if i.On != "" {
					text += ", for " + i.On
				}
				c.fail(problemStarved, text)
				return true
			}
		}
	}
	return false
}
