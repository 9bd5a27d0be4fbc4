package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A suite is what one run measures, with its default contestants.
type suite struct {
	works      []work
	rivals     []string // the contestants besides aio, in the order of the table
	procs      []int
	rounds     int
	roundTime  time.Duration
	newEntrant func(name string) *entrant

	// prepare, if there is one, makes ready what the works need; cleanup takes
	// it away again.
	prepare func(works []work) (cleanup func(), err error)
}

// suites by name.
var suites = map[string]suite{"micro": microSuite, "net": netSuite, "aiotest": exploreSuite}

// microSuite measures contestants from inside: they time themselves.
var microSuite = suite{
	works: micro,
	rivals: []string{"goroutine", "errgroup", "conc", "ants", "tokio", "uvloop",
		"asyncio", "trio"},
	procs:      []int{2, 1},
	rounds:     9,
	roundTime:  50 * time.Millisecond,
	newEntrant: newEntrant,
}

// A work is one line of a suite: something every contestant does in the way
// that is natural to it.
type work struct {
	name  string
	unit  string // what the figures are; less is better
	about string // what one operation is

	// size is the number of operations in one repetition. Works of size 1 are
	// repeated until a round is long enough to measure; the others are too,
	// but a repetition of theirs is a whole and may be long enough alone.
	size int

	// once: a round is one repetition, however short.
	once bool

	// fresh: every round runs in a new process. One that has run a round keeps memory that the next
	// would reuse, or is too large to stay.
	fresh bool

	baseline   string // the contestant whose figure is 1.00 in the table
	baselineIs string // how the baseline does it

	aims []aim

	// Works of the suite net are loads on a server, not works of their own.
	load  string // what the load generator does
	conns int    // connections
}

// An aim is a ratio aio is meant to keep.
type aim struct {
	max   float64 // of aio's figure to the other's
	rival string  // empty: max is the figure itself
	work  string  // the other's work; empty: the same
	procs int     // for this GOMAXPROCS alone; 0: for each that no other aim names
}

const (
	nsPerOp = "ns/op"
	thread  = "goroutine + result channel"
)

// micro is the suite of what concurrent programs do most.
var micro = []work{
	{
		name: "yield", unit: nsPerOp, size: 1, about: "give way once and come back",
		baseline: "goroutine", baselineIs: "runtime.Gosched",
		aims: []aim{{max: 1.0, rival: "goroutine"}, {max: 0.05, rival: "asyncio"}},
	},
	{
		name: "yield_timer", unit: nsPerOp, size: 1, about: "the same while a timer is pending",
		baseline: "goroutine", baselineIs: "runtime.Gosched",
		aims: []aim{{max: 1.3, rival: "goroutine"}},
	},
	{
		name: "yield_among", unit: nsPerOp, size: crowd,
		about:    "give way once, each of 1,000 tasks in turn",
		baseline: "goroutine", baselineIs: "runtime.Gosched",
	},
	{
		name: "create_await", unit: nsPerOp, size: 1, about: "start a task, wait for its result",
		baseline: "goroutine", baselineIs: thread,
		aims: []aim{{max: 0.6, rival: "goroutine"}, {max: 0.85, rival: "goroutine", procs: 1},
			{max: 0.4, rival: "errgroup"}},
	},
	{
		name: "gather_100k", unit: nsPerOp, size: 100_000,
		about:    "start 100,000 tasks, wait for all results; a task",
		baseline: "goroutine", baselineIs: "goroutines + sync.WaitGroup",
		aims: []aim{{max: 0.55, rival: "goroutine"}},
	},
	{
		name: "to_thread", unit: nsPerOp, size: 1,
		about:    "run a function off the loop, wait for its result",
		baseline: "goroutine", baselineIs: thread,
		aims: []aim{{max: 2, rival: "goroutine"}},
	},
	{
		name: "to_thread_polled", unit: nsPerOp, size: 1,
		about:    "the same while the loop watches a descriptor",
		baseline: "goroutine", baselineIs: thread,
		aims: []aim{{max: 4.5, rival: "goroutine"}},
	},
	{
		name: "queue", unit: nsPerOp, size: 1,
		about:    "an item from one task to another through a queue of 100",
		baseline: "goroutine", baselineIs: "buffered channel",
		aims: []aim{{max: 0.35, rival: "goroutine"}},
	},
	{
		name: "lock", unit: nsPerOp, size: 1, about: "acquire and release a free lock",
		baseline: "goroutine", baselineIs: "sync.Mutex",
	},
	{
		name: "lock_contended", unit: nsPerOp, size: 8,
		about:    "hand a lock over among 8 tasks, each giving way while it holds it",
		baseline: "goroutine", baselineIs: "sync.Mutex, runtime.Gosched",
	},
	{
		name: "timers_1m_insert", unit: nsPerOp, size: 1_000_000, once: true,
		about:    "set a timer, a million of them pending",
		baseline: "goroutine", baselineIs: "time.AfterFunc",
		aims: []aim{{max: 0.6, rival: "goroutine"}},
	},
	{
		name: "timers_1m_fire", unit: nsPerOp, size: 1_000_000, once: true,
		about:    "run the callback of a timer, a million of them due within a millisecond",
		baseline: "goroutine", baselineIs: "time.AfterFunc",
		aims: []aim{{max: 0.4, rival: "goroutine"}},
	},
	{
		name: "cancel_100k", unit: nsPerOp, size: 100_000, once: true,
		about:    "cancel a sleeping task, 100,000 of them, and see them end",
		baseline: "goroutine", baselineIs: "context.WithCancel, select with a timer",
	},
	{
		name: "post", unit: nsPerOp, size: posters,
		about:    "hand a callback to the loop, from 4 threads at once",
		baseline: "goroutine", baselineIs: "4 goroutines, one buffered channel of functions",
	},
	{
		name: "task_memory", unit: "bytes/task", size: 100_000, once: true, fresh: true,
		about:    "memory of a waiting task, 100,000 of them",
		baseline: "goroutine", baselineIs: "goroutine in a channel receive",
		aims: []aim{{max: 1.2, rival: "goroutine"}},
	},
	{
		name: "map_limit", unit: nsPerOp, size: 10_000,
		about:    "map 10,000 items, 10 at a time, each giving way once; an item",
		baseline: "goroutine", baselineIs: "goroutines + channel as semaphore",
	},
	{
		name: "burst", unit: nsPerOp, size: 10_000,
		about:    "10,000 tasks that wait for one event, again and again; a task",
		baseline: "goroutine", baselineIs: "goroutines in a channel receive, closed",
		aims: []aim{{max: 1.1, rival: "goroutine"}},
	},
	{
		name: "sleepers_10k", unit: nsPerOp, size: 10_000, once: true,
		about:    "a task that sleeps once, 10,000 of them; idle time left out",
		baseline: "goroutine", baselineIs: "goroutine in time.Sleep",
	},
	{
		name: "sleepers_1m", unit: nsPerOp, size: 1_000_000, once: true, fresh: true,
		about:    "the same with a million of them",
		baseline: "goroutine", baselineIs: "goroutine in time.Sleep",
		aims: []aim{{max: 2.5, rival: "goroutine"}, {max: 1.2, rival: "aio", work: "sleepers_10k"}},
	},
}

// How some works are shaped, for all contestants alike.
const (
	crowd      = 1000 // tasks of the work yield_among
	posters    = 4    // threads of the work post
	lockers    = 8    // tasks of the work lock_contended
	queueBound = 100  // of the work queue
	mapLimit   = 10   // of the work map_limit
)

// pick returns the works of a suite that a comma-separated list names, in the
// order of the suite; an empty list names all.
func pick(suite []work, list string) ([]work, error) {
	if list == "" {
		return suite, nil
	}
	names := splitList(list)
	var picked []work
	for _, w := range suite {
		if slices.Contains(names, w.name) {
			picked = append(picked, w)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(suite, func(w work) bool { return w.name == name }) {
			return nil, fmt.Errorf("no work %q; there are: %s",
				name, strings.Join(workNames(suite), ", "))
		}
	}
	return picked, nil
}

// pickConns returns the works with one of the numbers of connections that a
// comma-separated list names.
func pickConns(works []work, list string) ([]work, error) {
	var picked []work
	numbers, err := positive("-conns", list)
	if err != nil {
		return nil, err
	}
	for _, w := range works {
		if slices.Contains(numbers, w.conns) {
			picked = append(picked, w)
		}
	}
	if len(picked) == 0 {
		return nil, fmt.Errorf("-conns: no work has %s connections", list)
	}
	return picked, nil
}

// pickProcs returns the values of GOMAXPROCS that a list names, the suite's own
// if none was given.
func (s suite) pickProcs(given bool, list string) ([]int, error) {
	if !given {
		return s.procs, nil
	}
	return positive("-procs", list)
}

// positive reads a comma-separated list of positive numbers.
func positive(flag, list string) ([]int, error) {
	var numbers []int
	for _, field := range splitList(list) {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%s: %q is not a positive number", flag, field)
		}
		numbers = append(numbers, n)
	}
	if len(numbers) == 0 {
		return nil, fmt.Errorf("%s names no value", flag)
	}
	return numbers, nil
}

// pickRivals returns the contestants besides aio that a list names.
func (s suite) pickRivals(list string) ([]string, error) {
	var picked []string
	for _, name := range splitList(list) {
		switch {
		case name == "all":
			return s.rivals, nil
		case name == "none" || name == "aio":
		case slices.Contains(s.rivals, name):
			picked = append(picked, name)
		default:
			return nil, fmt.Errorf("no rival %q in this suite; there are: %s",
				name, strings.Join(s.rivals, ", "))
		}
	}
	return picked, nil
}

// connsKept is the number of connections that scaling leaves alone.
const connsKept = 1000

// scaled returns the work with its size multiplied, for a quick look.
func (w work) scaled(factor float64) work {
	if w.size > crowd {
		w.size = max(crowd, int(float64(w.size)*factor))
	}
	if w.conns > connsKept {
		w.conns = max(connsKept, int(float64(w.conns)*factor))
	}
	return w
}

// key names the row of a work where other rows may have the same work.
func (w work) key() string {
	if w.conns == 0 {
		return w.name
	}
	return w.name + "/" + strconv.Itoa(w.conns)
}

func workNames(works []work) []string {
	names := make([]string, len(works))
	for i, w := range works {
		names[i] = w.name
	}
	return slices.Compact(names)
}

// splitList splits a comma-separated list and drops blanks.
func splitList(list string) []string {
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}
