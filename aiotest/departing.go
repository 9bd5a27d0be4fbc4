package aiotest

import "github.com/aio-go/aio"

// departing goes depth first through all schedules with at most bound departures from the plain
// order.
type departing struct {
	bound  int
	path   []branch
	depth  int
	spent  int  // departures of this schedule so far
	count  int  // schedules
	pruned bool // the bound has kept something out
	done   bool
	astray bool // the program did not repeat itself
}

// branch is a choice on the path: option 0 is the plain order.
type branch struct {
	option, options int
	spent           int // departures before it
}

func (d *departing) begin() bool {
	if d.done {
		return false
	}
	d.count++
	d.depth, d.spent = 0, 0
	return true
}

// advance moves to the next path.
func (d *departing) advance() bool {
	for len(d.path) > 0 {
		b := &d.path[len(d.path)-1]
		if b.option+1 < b.options {
			if b.spent < d.bound {
				b.option++
				return true
			}
			d.pruned = true
		}
		d.path = d.path[:len(d.path)-1]
	}
	return false
}

func (d *departing) choose(ready []aio.Entry, plain int) int {
	switch i := d.pick(len(ready)); {
	case i == 0:
		return plain
	case i <= plain:
		return i - 1
	default:
		return i
	}
}

// pick returns one of so many options, of which 0 is no departure.
func (d *departing) pick(options int) int {
	if d.depth == len(d.path) {
		d.path = append(d.path, branch{0, options, d.spent})
	}
	b := &d.path[d.depth]
	d.depth++
	if b.options != options {
		d.astray = true
		return 0
	}
	if b.option > 0 {
		d.spent++
	}
	return b.option
}

func (d *departing) end(int) {
	if d.depth < len(d.path) { // the run was cut short or did not repeat itself
		d.path = d.path[:d.depth]
	}
	d.done = !d.advance()
}

// covered reports whether all schedules there are have been run, and how many there were.
func (d *departing) covered() (n int, all bool) {
	return d.count, d.done && !d.pruned && !d.astray
}

// bounded returns how many departures a schedule may have.
func (d *departing) bounded() int { return d.bound }
