package aiotest

import "github.com/aio-go/aio"

// The plain order is the one with the fewest switches: the task that made the last step goes on if
// it is ready, otherwise the entry that has been ready for longest. A schedule is the plain order
// and the departures from it. That makes short tokens and short stories, and dropping a departure
// is how a schedule shrinks.

// point is a place in a schedule: an entry is about to take its n-th turn of the plain order. It
// survives changes elsewhere in the schedule, unlike the number of the step.
type point struct {
	key  aio.EntryKey
	turn int
}

// departure says that at a point another entry takes the step.
type departure struct {
	at   point
	then aio.EntryKey
}

// turns counts the steps of each entry's key.
type turns struct {
	tasks []int // by number
	last  aio.EntryKey
	row   int    // steps of last in a row
	seen  uint64 // the Seq of the last entry that was ready when last was chosen
}

// maxRow is how long a task goes on in the plain order while others are ready: one that waits in a
// loop of yields must not keep those from running that it waits for.
const maxRow = 50

func (t *turns) reset() {
	clear(t.tasks)
	t.tasks = t.tasks[:0]
	t.last, t.row, t.seen = aio.EntryKey{}, 0, 0
}

// plain returns the index of the entry that is next in the plain order.
func (t *turns) plain(ready []aio.Entry) int {
	i := t.again(ready)
	switch {
	case i < 0:
		return 0
	case t.row < maxRow || len(ready) == 1:
		return i
	case i == 0:
		return 1
	}
	return 0
}

// again returns the index of the entry with the key of the last step, or -1. It must be among
// those that have come since.
func (t *turns) again(ready []aio.Entry) int {
	found := -1
	for i := len(ready) - 1; i >= 0 && ready[i].Seq > t.seen; i-- {
		if ready[i].EntryKey == t.last {
			found = i
		}
	}
	return found
}

// point returns the place at which key would take its next turn.
func (t *turns) point(key aio.EntryKey) point {
	if key.Kind != aio.EntryStep { // such a key is there once
		return point{key, 0}
	}
	return point{key, t.count(key.ID)}
}

func (t *turns) count(id uint32) int {
	if int(id) < len(t.tasks) {
		return t.tasks[id]
	}
	return 0
}

// insist notes that key goes on where the plain order would switch. It may go on for as long again.
func (t *turns) insist(key aio.EntryKey) {
	if key == t.last {
		t.row = 0
	}
}

// take notes that entry i takes a step.
func (t *turns) take(ready []aio.Entry, i int) {
	key := ready[i].EntryKey
	t.seen = ready[len(ready)-1].Seq
	if key == t.last {
		t.row++
	} else {
		t.last, t.row = key, 1
	}
	if key.Kind == aio.EntryStep {
		for int(key.ID) >= len(t.tasks) {
			t.tasks = append(t.tasks, 0)
		}
		t.tasks[key.ID]++
	}
}

// replaying is the strategy that follows given departures.
type replaying struct {
	turns   *turns
	given   map[point][]aio.EntryKey // what to run at a point, one after the other
	left    int                      // departures that have not come up
	stale   int                      // departures whose entry was not ready
	missing aio.EntryKey
}

func newReplaying(t *turns, given []departure) *replaying {
	r := &replaying{turns: t, given: make(map[point][]aio.EntryKey, len(given)), left: len(given)}
	for _, d := range given {
		r.given[d.at] = append(r.given[d.at], d.then)
	}
	return r
}

func (r *replaying) begin() bool { return true }

func (r *replaying) choose(ready []aio.Entry, plain int) int {
	if r.left == 0 {
		return plain
	}
	at := r.turns.point(ready[plain].EntryKey)
	next := r.given[at]
	if len(next) == 0 {
		return plain
	}
	r.given[at] = next[1:]
	r.left--
	for i := range ready {
		if ready[i].EntryKey == next[0] {
			return i
		}
	}
	r.stale++
	r.missing = next[0]
	return plain
}

func (r *replaying) end(int) {}
