package aiotest

import (
	"math"
	"path"
	"runtime"
	"strconv"
	"time"

	"github.com/aio-go/aio"
)

// Option is a setting for [Run] and [Explore].
type Option interface{ apply(c *config) }

type option func(c *config)

func (o option) apply(c *config) { o(c) }

// config is what the options say.
type config struct {
	schedules int
	workers   int
	worker    int // the number of this one, from 0
	steps     int
	seed      uint64
	strategy  Strategy
	level     level
	patience  int
	lateness  time.Duration
	leaks     bool
	cancels   bool
	victims   []string // patterns of their names; none: any task
	loop      []aio.Option
	mark      string // of the test, in tokens; "": it cannot be replayed
}

func newConfig(opts []Option) config {
	c := config{schedules: 4000, workers: 1, steps: 20_000, seed: 1, lateness: defaultLateness}
	for _, o := range opts {
		if o == nil {
			panic("aiotest: Option: an option is nil; leave it out")
		}
		o.apply(&c)
	}
	return c
}

// ownSeed is the seed of this worker.
func (c *config) ownSeed() uint64 { return c.seed + uint64(c.worker)*1_000_003 }

// Schedules sets how many schedules Explore runs at most. Default: 4,000. The environment variable
// AIO_EXPLORE, a number, takes its place.
func Schedules(n int) Option {
	mustBePositive("Schedules", n)
	return option(func(c *config) { c.schedules = n })
}

// Workers makes Explore run n loops at a time, each on a goroutine of its own. The function is then
// called on several goroutines at once, so it must share nothing with other calls of it. What is
// found, and its token, depend on n but not on how fast the workers are. 0 means one for each
// processor, so the result depends on the machine. Default: 1. [Exhaustive] and [Bytes] use one.
func Workers(n int) Option {
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	mustBePositive("Workers", n)
	return option(func(c *config) { c.workers = n })
}

// MaxSteps sets how many steps a schedule may have. One that has more fails, since the program
// makes no progress. Default: 20,000.
func MaxSteps(n int) Option {
	mustBePositive("MaxSteps", n)
	return option(func(c *config) { c.steps = n })
}

// Patience makes a schedule fail if a task starves: it waits for a lock, an event, a queue or a
// future while others make more than that many steps. Default: no bound, since many tasks wait for
// work as long as there is none.
func Patience(steps int) Option {
	mustBePositive("Patience", steps)
	return option(func(c *config) { c.patience = steps })
}

// Seed sets where the random numbers of the strategies begin. Default: 1.
func Seed(seed uint64) Option { return option(func(c *config) { c.seed = seed }) }

// Lateness sets for how long the clock may go on while something is ready. A timer may become due
// in that time, and come before steps that were ready earlier, also before the step of an earlier
// timer. With 0 time is exact: timers come strictly in the order of their deadlines.
//
// Default: 100 µs, and more while all that is ready are sleeps that are over and threads that have
// returned. They stand for work of the outside world. A sleep may take twice its time, and sleeps
// and threads may take 50 ms longer at most. Time-outs wait for them. With [DocumentedOrder] they
// take no longer.
//
// A test needs more than the default to find a program that relies on a sleep of a millisecond to
// let others do their work.
func Lateness(d time.Duration) Option { return option(func(c *config) { c.lateness = d }) }

// defaultLateness is less than a test's shortest usual sleep: many tests sleep for a millisecond of
// virtual time until everything else has been done.
const defaultLateness = 100 * time.Microsecond

// AllowLeaks lets the function leave tasks behind. They are cancelled, as at the end of [aio.Run].
func AllowLeaks() Option { return option(func(c *config) { c.leaks = true }) }

// CancelEachAwait makes Explore cancel one task in one of its awaits in each schedule: as soon as
// it waits, and when the wait is over but the task has not gone on yet. When all awaits of the
// plain order have had their turn, other orders follow, with and without a cancellation at some
// moment of an await. With [Exhaustive], and for small programs, each order is run with a
// cancellation at each moment of each await. The main task is left alone. An error of the function
// that is a cancellation is no failure then.
//
// If names are given, only tasks with these names are cancelled. A name may be a pattern of
// [path.Match], such as "user *". It panics if a pattern is malformed.
func CancelEachAwait(names ...string) Option {
	for _, name := range names {
		if _, err := path.Match(name, ""); err != nil {
			panic("aiotest: CancelEachAwait: the pattern " + strconv.Quote(name) +
				" is malformed; see path.Match")
		}
	}
	return option(func(c *config) { c.cancels, c.victims = true, append(c.victims, names...) })
}

// LoopOptions adds options to the loop: a poller, a task factory. Clock, scheduler and exception
// handler are set by this package.
func LoopOptions(opts ...aio.Option) Option {
	return option(func(c *config) { c.loop = append(c.loop, opts...) })
}

// Strategy is a way to go through the orders of a program.
type Strategy struct {
	name string
	make func(c *config) strategy
}

// String returns the name.
func (s Strategy) String() string { return s.name }

// With makes Explore use one strategy. Default: [Portfolio].
func With(s Strategy) Option { return option(func(c *config) { c.strategy = s }) }

// Portfolio is the default strategy. It begins with the plain order and all orders that depart from
// it once. Then random orders of several kinds take turns with orders that depart twice. It uses
// both levels, see [DocumentedOrder] and [EveryOrder], unless one of them is given.
func Portfolio() Strategy {
	return Strategy{"portfolio", func(c *config) strategy { return newPortfolio(c) }}
}

// RandomWalk chooses each step at random among all that are ready.
func RandomWalk() Strategy {
	return Strategy{"random", func(c *config) strategy { return newRandom(c.ownSeed(), 0) }}
}

// POS gives each step a random priority when it becomes ready, and lets the highest run: partial
// order sampling. It finds most bugs with the fewest schedules.
func POS() Strategy {
	return Strategy{"POS", func(c *config) strategy { return newPOS(c.ownSeed()) }}
}

// PCT gives each task a random priority and lets the highest run. At depth-1 random places the task
// that runs falls behind all others. A bug may need depth ordered events among n tasks and k steps.
// A schedule finds it with probability at least 1/(n*k^(depth-1)), if the schedules before gave a
// good estimate of k.
func PCT(depth int) Strategy {
	mustBePositive("PCT", depth)
	return Strategy{"PCT", func(c *config) strategy { return newPCT(c, depth) }}
}

// Exhaustive goes through all orders that depart from the plain order at most departures times. In
// the plain order a task runs until it waits; then comes the entry that has been ready for longest.
// With a negative number it goes through all orders, each once; no two steps are taken to be
// independent, since tasks may share any variable. Explore logs when it has covered every schedule.
func Exhaustive(departures int) Strategy {
	if departures < 0 {
		departures = math.MaxInt
	}
	return Strategy{"exhaustive", func(*config) strategy { return &departing{bound: departures} }}
}

func mustBePositive(op string, n int) {
	if n < 1 {
		panic("aiotest: " + op + ": the number is not positive; give 1 or more")
	}
}
