package aio

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio/coro"
	"github.com/aio-go/aio/internal/poll"
	"github.com/aio-go/aio/internal/ring"
	"github.com/aio-go/aio/internal/timerheap"
)

// Loop runs tasks and callbacks, one at a time, in passes. A pass runs the entries that were ready
// when it began, in order. Entries that become ready meanwhile run in the next pass. Most programs
// use [Run] and need no Loop. asyncio: the event loop.
//
// One goroutine runs a loop. While no goroutine runs it, its methods may be called anywhere, one at
// a time.
type Loop struct {
	ready   ring.Ring[runnable]
	left    int                    // entries of the ready queue that belong to this pass
	current atomic.Pointer[worker] // of the running task; nil: none. Read on any goroutine
	hosted  bool                   // a task that waits runs the steps of others, see handOver
	pool    coro.Pool              // idle workers
	keeper  *coro.Pool             // gets them when the loop is closed; nil: nobody

	timers     timerheap.Heap[*timer]
	timerSeq   uint64
	deadTimers int
	steps      uint // entries run, ever
	pollStep   uint // steps when the poller was last asked
	breaths    breaths

	tasks   registry
	foreign []*foreignContext // contexts not of aio that end waits and scopes

	cancelling int // cancellations under way that count as one, see inOne
	ids        uint32
	base       atomic.Pointer[context.Context] // values for callbacks
	amb        ambient

	epoch      time.Time
	shift      int64                    // what the wall clock has gained on the loop's, see nanos
	clock      Clock                    // nil: the machine's
	coarse     int64                    // the time when the clock was last read
	rested     bool                     // the loop has waited since, or was not run
	slow       time.Duration            // a step that takes longer is reported in debug mode
	watcher    bool                     // the watchdog is on, also outside debug mode
	watched    bool                     // the watchdog runs
	noted      atomic.Pointer[taskCore] // while it runs: the task of current
	chooser    Chooser
	scheduling *scheduling // with a chooser that only stands in for it; nil: none
	random     *rand.Rand  // of Rand; nil: not used yet
	factory    TaskFactory
	calls      threadCall    // the ring of running functions of ToThread
	threads    ThreadLimiter // of ToThread; nil: no limit
	debug      atomic.Bool

	stopping    bool   // the loop ends after this pass
	outlasting  int    // if > 0, the loop stops when this many tasks have ended
	outlastTo   uint32 // the highest id of these tasks
	closed      atomic.Bool
	closing     bool // Close is under way
	handler     func(l *Loop, r Report)
	prompt      bool // errors of tasks that nothing waits for are reported at once
	lost        []*lostOutcome
	lostLive    int
	unseenPanic *PanicError // the first panic reported as unseen: Run re-panics with it
	hooks       [2]hooks    // of shutdown and of close
	deadline    shutdownLimits
	interrupt   []os.Signal
	signals     map[os.Signal]*signalHandler
	external    int // goroutines that wait for channels on behalf of tasks

	silence    time.Duration // the real time without a post after which nothing may post any more
	mainTask   *taskCore     // of Run
	mainExited bool          // the main task called runtime.Goexit

	running  atomic.Bool
	g        atomic.Uintptr // the goroutine that runs the loop
	expected atomic.Int64   // posts that are certain to come
	sources  atomic.Int64   // goroutines whose posts may come, see MayPost

	// What other goroutines send.
	mu        sync.Mutex
	posts     []runnable
	postsShut bool
	poller    poll.Poller // made with the first descriptor; read by wake
	spare     []runnable  // loop only: the slice that posts is swapped with
	posted    atomic.Bool
	sleeping  atomic.Bool
	wake      chan struct{}
	idleTimer *time.Timer

	watches  watchTable
	files    map[uintptr]*fileWatch // of AddReader and AddWriter
	newPoll  func() (poll.Poller, error)
	parker   parker // the poller, if it can tell
	pollBuf  []poll.Event
	lastPoll int64
	deadlock deadlockWatch
}

// maxIdleWorkers is how many idle stacks a loop keeps.
const maxIdleWorkers = 1024

// NewLoop returns a new loop. Close it after use. Most programs use [Run] instead. Any goroutine.
// asyncio: new_event_loop.
func NewLoop(opts ...Option) *Loop {
	l := &Loop{
		pool:     coro.Pool{Max: maxIdleWorkers},
		wake:     make(chan struct{}, 1),
		newPoll:  poll.New,
		deadline: defaultLimits,
		silence:  time.Minute,
		slow:     100 * time.Millisecond,
	}
	l.amb.loop = l
	l.debug.Store(os.Getenv("AIO_DEBUG") != "")
	l.setBase(context.Background())
	mustHaveOptions("NewLoop", opts)
	for _, o := range opts {
		o.loopOption(l)
	}
	l.epoch, l.rested = l.Time(), true
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

func (t *taskCore) any() AnyTask { return t.self.(AnyTask) }

// IsRunning reports whether the loop is running. Any goroutine. asyncio: is_running.
func (l *Loop) IsRunning() bool { return l.running.Load() }

// IsClosed reports whether Close was called. Any goroutine. asyncio: is_closed.
func (l *Loop) IsClosed() bool { return l.closed.Load() }

// Debug reports whether the loop is in debug mode. Debug mode is switched on by the environment
// variable AIO_DEBUG (not empty), [WithDebug] or SetDebug. Any goroutine. asyncio: get_debug.
func (l *Loop) Debug() bool { return l.debug.Load() }

// SetDebug switches debug mode on or off. asyncio: set_debug.
func (l *Loop) SetDebug(on bool) { l.debug.Store(on) }

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
		if l.clock != nil {
			seed = 1
		}
		l.random = rand.New(rand.NewPCG(seed, seed))
	}
	return l.random
}
