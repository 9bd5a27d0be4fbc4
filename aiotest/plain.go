package aiotest

import "github.com/aio-go/aio"

// The plain order is the one with the fewest switches: the task that made the last step goes on if it
// is ready, otherwise the entry that has been ready for longest. A schedule is the plain order and the
// departures from it. That makes short tokens and short stories, and dropping a departure is how a
// schedule shrinks.

// point is a place in a schedule: an entry would take its n-th turn in the plain order. That survives
// changes elsewhere in the schedule, which the number of the step would not.
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
	row   int // steps of last in a row
}

// maxRow is how long a task goes on in the plain order while others are ready: one that waits in a
// loop of yields must not keep those from running that it waits for.
const maxRow = 50

func (t *turns) reset() {
	clear(t.tasks)
	t.tasks = t.tasks[:0]
	t.last, t.row = aio.EntryKey{}, 0
}

// plain returns the index of the entry that is next in the plain order.
func (t *turns) plain(ready []aio.Entry) int {
	for i := range ready {
		if ready[i].EntryKey == t.last {
			switch {
			case t.row < maxRow || len(ready) == 1:
				return i
			case i == 0:
				return 1
			}
			return 0
		}
	}
	return 0
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

// take notes that key takes a step.
func (t *turns) take(key aio.EntryKey) {
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
	given   []departure
	used    []bool
	stale   int // departures that were due and named an entry that was not ready
	missing aio.EntryKey
}

func (r *replaying) begin() bool {
	r.used = append(r.used[:0], make([]bool, len(r.given))...)
	r.stale = 0
	return true
}

func (r *replaying) choose(ready []aio.Entry, plain int) int {
	at := r.turns.point(ready[plain].EntryKey)
	for n := range r.given {
		if r.used[n] || r.given[n].at != at {
			continue
		}
		r.used[n] = true
		for i := range ready {
			if ready[i].EntryKey == r.given[n].then {
				return i
			}
		}
		r.stale++
		r.missing = r.given[n].then
		return plain
	}
	return plain
}

func (r *replaying) end(int) {}

// unused returns how many departures never came up.
func (r *replaying) unused() (n int) {
	for _, u := range r.used {
		if !u {
			n++
		}
	}
	return n
}
