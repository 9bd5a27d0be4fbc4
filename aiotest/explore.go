package aiotest

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Explore runs fn again and again, each time in another order, until it fails or the schedules are
// used up, see [Schedules]. The orders come from two levels: [DocumentedOrder], in which only what
// a program may not rely on varies, and [EveryOrder], in which any entry that is ready may take the
// next step. The default strategy uses both. At a deadline of several timers each may be first.
// What fails a run is said at [Run].
//
// The first failure is shrunk to a schedule with few departures from the plain order, in which a
// task runs until it waits. The test fails with the problems of that schedule, its story and a
// token. With the token in AIO_REPLAY the test runs that schedule only.
//
// fn is called many times and must make its state anew each time.
func Explore(t testing.TB, fn func(ctx context.Context, t *T) error, opts ...Option) {
	t.Helper()
	mustHaveFunc("Explore", fn)
	conf := newConfig(opts)
	if text := os.Getenv("AIO_EXPLORE"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("aiotest: AIO_EXPLORE is %q; give the number of schedules", text)
		}
		conf.schedules = n
	}
	mark := testMark(t.Name(), nthExplore(t))
	given, err := replayed()
	if err != nil {
		t.Fatalf("aiotest: AIO_REPLAY: %v; give the token that a failure has printed", err)
	}
	c := newController(t, conf, fn)
	defer c.close()
	if given != nil && given.test == mark {
		c.replay(t, *given)
		return
	}
	res := c.exploreTogether()
	switch {
	case res.failed:
		c.tell(t, res, mark)
	case res.covered > 0:
		t.Logf("aiotest: covered %s", c.coveredText(res.covered))
	default:
		t.Logf("aiotest: %d schedules of strategy %s", res.schedules, c.strategyName())
	}
	if !res.failed {
		c.reportUnreached(t)
	}
}

// coveredText says of how many schedules there was nothing left.
func (c *controller) coveredText(n int) string {
	text := fmt.Sprintf("all %d schedules", n)
	if n == 1 {
		text = "the only schedule"
	}
	if c.conf.level == documented {
		text += " of the documented order"
	}
	return text
}

// explores counts the calls of Explore in each test, so that tokens tell them apart.
var explores struct {
	sync.Mutex
	of map[testing.TB]int
}

func nthExplore(t testing.TB) int {
	explores.Lock()
	defer explores.Unlock()
	if explores.of == nil {
		explores.of = map[testing.TB]int{}
	}
	n := explores.of[t] + 1
	if explores.of[t] = n; n == 1 {
		t.Cleanup(func() {
			explores.Lock()
			defer explores.Unlock()
			delete(explores.of, t)
		})
	}
	return n
}

// result is what exploring came to.
type result struct {
	failed    bool
	number    int // of the schedule that failed
	kind      problemKind
	level     level
	taken     []departure
	cancelAt  int
	schedules int // run until then, shrinking not counted
	covered   int // how many schedules there are, 0: it is not known
}

func (c *controller) strategyName() string { return c.chosen().name }

func (c *controller) chosen() Strategy {
	if c.conf.strategy.make == nil {
		return Portfolio()
	}
	return c.conf.strategy
}

// explore runs schedules until one fails, or until their numbers exceed that of the first failure
// of another worker.
func (c *controller) explore(first *firstFailure) (res result) {
	next := func() (number int, goOn bool) {
		number = 1 + res.schedules*c.conf.workers + c.conf.worker
		goOn = number <= c.conf.schedules && !first.before(number)
		if goOn {
			res.schedules++
		}
		return number, goOn
	}
	if c.conf.cancels && c.conf.worker == 0 {
		for _, l := range c.levels() {
			for at := 1; ; at++ {
				number, goOn := next()
				if !goOn {
					return res
				}
				r := c.follow(nil, l, at, nil)
				if kind := r.failed(); kind != "" {
					res.fail(first, number, kind, l, nil, at)
					return res
				}
				if c.awaits < at {
					break
				}
			}
		}
	}
	s := c.withFaults(c.chosen().make(&c.conf))
	awaits := 0
	for {
		number, goOn := next()
		if !goOn {
			return res
		}
		if !s.begin() {
			res.schedules--
			if x, ok := s.(interface{ covered() (int, bool) }); ok {
				if n, all := x.covered(); all {
					res.covered = n
					first.covered.Store(true)
				}
			}
			return res
		}
		l := c.levels()[0]
		if x, ok := s.(interface{ level() level }); ok {
			l = x.level()
		}
		at := 0
		if c.conf.cancels && awaits > 0 && res.schedules%2 == 1 {
			at = 1 + res.schedules/2%awaits
		}
		r := c.schedule(s, l, at, nil)
		awaits = max(awaits, c.awaits)
		if kind := r.failed(); kind != "" {
			res.fail(first, number, kind, l, c.taken, at)
			return res
		}
	}
}

// isSystematic reports whether a strategy cannot be shared by several workers.
func isSystematic(s strategy) bool {
	switch s.(type) {
	case *departing, *bytes:
		return true
	}
	return false
}

// usesBoth reports whether the orders of both levels are tried.
func (c *controller) usesBoth() bool {
	return c.conf.level == bothLevels && c.strategyName() == Portfolio().name
}

// levels are those whose orders are tried.
func (c *controller) levels() []level {
	switch {
	case c.usesBoth():
		return []level{documented, every}
	case c.conf.level == documented:
		return []level{documented}
	}
	return []level{every}
}

func (res *result) fail(
	first *firstFailure, number int, kind problemKind, l level, taken []departure, cancelAt int,
) {
	first.note(number)
	res.failed, res.number, res.kind, res.level, res.cancelAt = true, number, kind, l, cancelAt
	res.taken = slices.Clone(taken)
}

// tell shrinks a failure and fails the test with it.
func (c *controller) tell(t testing.TB, res result, mark string) {
	t.Helper()
	res, repeats := c.shrink(res)
	if !repeats {
		t.Errorf("aiotest: schedule %d failed (%s), but not when it was run again: "+
			"the function depends on more than the order of its steps.\n%s",
			res.number, res.kind, c.whyNotAgain(res))
		return
	}
	st := newStory()
	r := c.follow(res.taken, res.level, res.cancelAt, st)
	k := token{mark, res.level, res.cancelAt, res.taken}
	head := fmt.Sprintf("aiotest: schedule %d fails; the shortest found has %s\n",
		res.number, takenText(res.taken))
	t.Errorf("%s", describe(r, st, head)+c.levelText(res.level)+
		fmt.Sprintf("To run it again: AIO_REPLAY='%s' go test -run '^%s$'",
			k.save(t.Name()), patternOf(t.Name())))
}

// levelText says which level a schedule needs.
func (c *controller) levelText(l level) string {
	switch {
	case l == documented:
		return "Level: the documented order allows this schedule\n"
	case c.usesBoth():
		return "Level: this schedule needs every order; a program that relies on the " +
			"documented one takes aiotest.DocumentedOrder\n"
	}
	return "Level: every order\n"
}

// patternOf returns what -run needs to find the test, without the outer ^ and $.
func patternOf(name string) string {
	return strings.ReplaceAll(regexp.QuoteMeta(name), "/", "$/^")
}

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what + " from the plain order"
	}
	return fmt.Sprintf("%d %ss from the plain order", n, what)
}

// describe prints the problems, the story and the log of a run.
func describe(r *run, st *story, head string) string {
	var b strings.Builder
	b.WriteString(head)
	for _, p := range r.problems {
		fmt.Fprintf(&b, "  %s\n", p)
	}
	fmt.Fprintf(&b, "The steps (> marks a departure):\n%s\n", st)
	if len(r.logs) > 0 {
		fmt.Fprintf(&b, "The log:\n  %s\n", strings.Join(r.logs, "\n  "))
	}
	return b.String()
}

// replay runs the schedule of a token.
func (c *controller) replay(t testing.TB, k token) {
	t.Helper()
	st := newStory()
	p := newReplaying(&c.turns, k.taken)
	r := c.schedule(p, k.level, k.cancelAt, st)
	const unfit = "aiotest: the token does not fit the program any more: "
	stale := ""
	switch {
	case p.stale > 0:
		stale = fmt.Sprintf("%s%v was to run, but it was not ready\n", unfit, p.missing)
	case p.left > 0:
		stale = fmt.Sprintf("%s%s did not come up\n", unfit, countOf(p.left, "departure"))
	}
	if r.failed() == "" {
		t.Logf("%s", describe(r, st, stale+"aiotest: the schedule of AIO_REPLAY does not fail\n"))
		return
	}
	t.Errorf("%s", describe(r, st, stale+"aiotest: the schedule of AIO_REPLAY fails\n"))
}

// reportUnreached fails the test for each Sometimes that never held.
func (c *controller) reportUnreached(t testing.TB) {
	t.Helper()
	var names []string
	for name, reached := range c.prior {
		if !reached {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		t.Errorf("aiotest: no schedule reached %q", name)
	}
}
