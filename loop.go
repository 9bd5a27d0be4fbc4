package aio

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio/coro"
	"github.com/aio-go/aio/internal/flight"
	"github.com/aio-go/aio/internal/inspect"
	"github.com/aio-go/aio/internal/poll"
	"github.com/aio-go/aio/internal/ring"
)

// Loop runs tasks and callbacks, one at a time, in passes. A pass runs the entries that were ready
// when it began, in order. Entries that become ready meanwhile run in the next pass. Most programs
// use [Run] and need no Loop. asyncio: the event loop.
//
// One goroutine runs a loop. While no goroutine runs it, its methods may be called anywhere, one at
// a time.
type Loop struct {
	// The schedule. Its hot path is written out in run and handOver instead of in a part: a call
	// around the switch of stacks would cost more than the switch.
	ready         ring.Ring[runnable]
	left          int     // entries of the ready queue that belong to this pass
	current       *worker // of the running task; nil: none
	currentG      uintptr // its goroutine, for any to compare with its own; 0: none
	hosted        bool    // a task that waits runs the steps of others, see handOver
	steps         uint    // entries run, ever
	breaths       breaths
	rec           recording
	pool          coro.Pool // idle workers
	stacksWatched bool      // the next garbage collection trims the pool
	heir          *Loop     // gets memory and stacks when the loop is closed; nil: nobody

	chooser    Chooser
	scheduling *scheduling // with a chooser that only stands in for it; nil: none

	// The parts, each with its methods in a file of its own.
	timers   timers
	inbox    inbox
	watches  watches
	clock    timekeeper
	deadlock deadlockWatch
	watchdog watchdog
	unseen   unseen
	ending   ending

	// The tasks.
	tasks      registry
	ids        uint32
	factory    TaskFactory
	cancelling int               // cancellations under way that count as one, see inOne
	foreign    []*foreignContext // contexts not of aio that end waits and scopes
	calls      threadCall        // the ring of running functions of ToThread
	threads    ThreadLimiter     // of ToThread; nil: no limit
	external   int               // goroutines that wait for channels on behalf of tasks
	mainTask   *taskCore         // of Run
	mainExited bool              // the main task called runtime.Goexit

	base      atomic.Pointer[context.Context] // values for callbacks
	amb       ambient
	random    *rand.Rand // of Rand; nil: not used yet
	handler   func(l *Loop, r Report)
	interrupt []os.Signal
	signals   map[os.Signal]*signalHandler

	entry    inspect.Entry // among the loops that run
	debug    atomic.Bool
	running  atomic.Bool
	g        atomic.Uintptr // the goroutine that runs the loop
	stopping bool           // the loop ends after this pass
	closed   atomic.Bool
}

// Option is a setting of a loop, for [Run], [NewRunner] and [NewLoop].
type Option interface{ loopOption(l *Loop) }

type option func(l *Loop)

func (o option) loopOption(l *Loop) { o(l) }

// WithDebug switches debug mode on or off. Default: on if the environment variable AIO_DEBUG is not
// empty.
func WithDebug(on bool) Option { return option(func(l *Loop) { l.setDebug(on) }) }

// NewLoop returns a new loop. Close it after use. Most programs use [Run] instead. Any goroutine.
// asyncio: new_event_loop.
func NewLoop(opts ...Option) *Loop {
	l := &Loop{
		pool:     coro.Pool{Max: maxIdleStacks, Min: minIdleStacks},
		inbox:    inbox{bell: make(chan struct{}, 1)},
		watches:  watches{make: poll.New},
		deadlock: deadlockWatch{silence: time.Minute},
		watchdog: watchdog{limit: 100 * time.Millisecond},
		ending:   ending{limits: defaultLimits},
	}
	l.amb.loop = l
	l.setDebug(os.Getenv("AIO_DEBUG") != "")
	l.setBase(context.Background())
	mustHaveOptions("NewLoop", opts)
	for _, o := range opts {
		o.loopOption(l)
	}
	for _, begin := range l.rec.begins { // they look at the clock, which any option may give
		begin(l)
	}
	l.rec.begins = nil
	l.clock.begun = time.Now()
	l.clock.epoch, l.clock.rested = l.clock.begun, true
	if l.clock.isGiven() {
		l.clock.epoch = l.Time()
	}
	if flight.Default != nil {
		flight.Default(l)
	}
	return l
}

// Context returns the loop's ambient context, for callbacks and adapters. Tasks and futures created
// with it belong to the loop. An await with it is an await of the running task. asyncio has no
// counterpart; there the running loop is global. Any goroutine.
func (l *Loop) Context() context.Context { return &l.amb }

// AllTasks returns the unfinished tasks of the loop of ctx, in the order of creation. asyncio:
// all_tasks.
func AllTasks(ctx context.Context) []AnyTask { return loopOf(ctx, "AllTasks").AllTasks() }

// AllTasks returns the unfinished tasks, in the order of creation.
func (l *Loop) AllTasks() []AnyTask {
	all := l.tasks.all()
	out := make([]AnyTask, len(all))
	for i, t := range all {
		out[i] = t.any()
	}
	return out
}

// IsRunning reports whether the loop is running. Any goroutine. asyncio: is_running.
func (l *Loop) IsRunning() bool { return l.running.Load() }

// IsClosed reports whether Close was called. Any goroutine. asyncio: is_closed.
func (l *Loop) IsClosed() bool { return l.closed.Load() }

// Debug reports whether the loop is in debug mode. Debug mode is switched on by the environment
// variable AIO_DEBUG (not empty), [WithDebug] or SetDebug. Any goroutine. asyncio: get_debug.
func (l *Loop) Debug() bool { return l.debug.Load() }

// SetDebug switches debug mode on or off. asyncio: set_debug.
func (l *Loop) SetDebug(on bool) { l.setDebug(on) }

// String shows whether the loop is running, closed and in debug mode. Any goroutine.
func (l *Loop) String() string {
	return fmt.Sprintf("<Loop running=%t closed=%t debug=%t>",
		l.IsRunning(), l.IsClosed(), l.Debug())
}

// setBase sets the context that has the values for callbacks. Any goroutine may read them through
// the ambient context.
func (l *Loop) setBase(ctx context.Context) { l.base.Store(&ctx) }

// Rand returns a source of random numbers for code on the loop, such as the jitter of a back-off.
// The numbers differ in each run. With a clock set by [WithClock] they are the same in each run, so
// that runs under virtual time do not differ. Do not use them for secrets.
func (l *Loop) Rand() *rand.Rand {
	if l.random == nil {
		seed := rand.Uint64()
		if l.clock.isGiven() {
			seed = 1
		}
		l.random = rand.New(rand.NewPCG(seed, seed))
	}
	return l.random
}
