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

// Loop runs tasks and callbacks, one at a time, in passes: each pass runs what was ready when it began, in order; what becomes ready
// meanwhile waits for the next one. Most programs use [Run] and never see a Loop. asyncio: the event loop.
//
// A loop is run by one goroutine. Its methods are for that goroutine, that is for tasks and callbacks of the loop, or for anybody while it
// does not run; CallSoonThreadsafe, Submit, IsRunning, ExpectPosts and MayPost may be called from anywhere, and so
// may String, Debug and Time (if the clock's Now may, as those of this package).
type Loop struct {
	ready   ring.Ring[runnable]
	left    int                    // entries of the ready queue that belong to this pass
	current atomic.Pointer[worker] // whose task runs; nil while a callback runs. Written by the loop, read anywhere
	hosted  bool                   // a task that waits makes the steps of others, see handOver
	pool    coro.Pool              // idle workers

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

	epoch   time.Time
	shift   int64                    // what the wall clock has gained on the loop's time since epoch, see nanos
	clock   Clock                    // nil: the machine's
	coarse  int64                    // the time when the clock was last read
	rested  bool                     // the loop has waited since, or was not run
	slow    time.Duration            // a step that takes longer is reported in debug mode
	watcher bool                     // the watchdog is on, also outside debug mode
	watched bool                     // it looks
	noted   atomic.Pointer[taskCore] // while it looks: the task of current
	chooser Chooser
	random  *rand.Rand // of Rand; nil: not used yet
	factory TaskFactory
	calls   threadCall    // the ring of functions of ToThread that are under way
	threads ThreadLimiter // of ToThread; nil: no limit
	debug   atomic.Bool

	stopping    bool // the loop ends after this pass
	outlasting  int  // the loop ends when so many tasks with numbers up to outlastTo have ended; 0: it does not
	outlastTo   uint32
	closed      atomic.Bool
	closing     bool // Close is under way
	handler     func(l *Loop, r Report)
	prompt      bool // errors that nobody waits for are reported at once
	lost        []*lostOutcome
	lostLive    int
	unseenPanic *PanicError // the first panic of a task that was reported because nobody had seen it: Run raises it
	hooks       [2]hooks    // of shutdown and of close
	deadline    shutdownLimits
	interrupt   []os.Signal
	signals     map[os.Signal]*signalHandler
	external    int // goroutines that wait for channels in the place of tasks

	silence    time.Duration // for how long, in real time, goroutines that may post can be silent before they count as stuck
	mainTask   *taskCore     // of Run
	mainExited bool          // it called runtime.Goexit

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

// NewLoop makes a loop. Close it when it is not needed any more. Most programs use [Run] instead. asyncio: new_event_loop.
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

// Context returns the loop's ambient context, for callbacks and adapters: what is created with it belongs to the loop, and an await with it
// is an await of whatever task runs. asyncio has no counterpart; there the running loop is a global.
func (l *Loop) Context() context.Context { return &l.amb }

// AllTasks returns the unfinished tasks of the loop of ctx, in the order of creation. asyncio: all_tasks.
func AllTasks(ctx context.Context) []AnyTask { return loopOf(ctx, "AllTasks").AllTasks() }

// AllTasks returns the unfinished tasks, in the order of creation. Loop only.
func (l *Loop) AllTasks() []AnyTask {
	all := l.tasks.all()
	out := make([]AnyTask, len(all))
	for i, t := range all {
		out[i] = t.any()
	}
	return out
}

func (t *taskCore) any() AnyTask { return t.self.(AnyTask) }

// IsRunning reports whether the loop is being run. Any goroutine. asyncio: is_running.
func (l *Loop) IsRunning() bool { return l.running.Load() }

// IsClosed reports whether Close was called. asyncio: is_closed.
func (l *Loop) IsClosed() bool { return l.closed.Load() }

// Debug reports whether the loop is in debug mode: the environment variable AIO_DEBUG is set and not empty, or [WithDebug] or SetDebug.
// asyncio: get_debug.
func (l *Loop) Debug() bool { return l.debug.Load() }

// SetDebug switches debug mode. asyncio: set_debug.
func (l *Loop) SetDebug(on bool) { l.debug.Store(on) }

// String shows whether the loop is running, closed and in debug mode.
func (l *Loop) String() string {
	return fmt.Sprintf("<Loop running=%t closed=%t debug=%t>", l.IsRunning(), l.IsClosed(), l.Debug())
}

// setBase sets the context that has the values for callbacks. They can be asked for on any goroutine, through the ambient context.
func (l *Loop) setBase(ctx context.Context) { l.base.Store(&ctx) }

// Rand returns random numbers for what runs on the loop, such as the jitter of a back-off. They differ from run to run,
// except with a clock of [WithClock]: then they are the same in each run, so that runs under a virtual clock do not
// differ. They are not for secrets. Loop only.
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
