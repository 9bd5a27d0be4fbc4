package aiotest

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"regexp"
	"runtime"
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
// token. With the token in AIO_REPLAY the test runs that schedule only. If it has a [World], a
// diagram of the messages between hosts follows; with AIO_DIAGRAM=file.svg it is drawn as well.
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
	conf.mark = mark
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
	if given != nil && onlyTest(t) && !given.isOf(t.Name()) {
		t.Fatalf("aiotest: AIO_REPLAY is a token of another test; if this one was renamed, " +
			"run it without AIO_REPLAY to get a new token")
	}
	res := c.exploreTogether()
	switch {
	case res.failed:
		c.tell(t, res, mark)
	case res.covered > 0:
		t.Logf("aiotest: covered %s", c.coveredText(res.covered))
	default:
		t.Logf("aiotest: %d schedules of strategy %s%s",
			res.schedules, c.strategyName(), c.latenessText())
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
	return text + c.latenessText()
}

// latenessText says that timers kept an order, if more lateness would have let some of them swap.
func (c *controller) latenessText() string {
	if c.nearest == 0 {
		return ""
	}
	return fmt.Sprintf("; with aiotest.Lateness(%v) more timers swap", c.nearest)
}

// explores counts the calls of Explore in each test, so that tokens tell them apart.
var explores struct {
	sync.Mutex
	of map[testing.TB]int
}

// onlyTest reports whether this is the one test that the command asks for.
func onlyTest(t testing.TB) bool {
	f := flag.Lookup("test.run")
	return f != nil && f.Value.String() == "^"+patternOf(t.Name())+"$"
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
	strike    strike
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

// search is how one worker explores.
type search struct {
	*controller
	first *firstFailure
	res   result
	uncut int // how many schedules there are without a cancellation, 0: it is not known
}

// explore runs schedules until one fails, or until their numbers exceed that of the first failure
// of another worker.
func (c *controller) explore(first *firstFailure) result {
	x := &search{controller: c, first: first}
	if c.conf.cancels && c.conf.worker == 0 && !x.cancelEach() {
		return x.res
	}
	s := c.chosen().make(&c.conf)
	if !x.use(c.withFaults(s)) || !c.conf.cancels || c.conf.worker > 0 {
		return x.res
	}
	if d, ok := s.(interface{ bounded() int }); ok {
		x.cancelInEach(d.bounded())
	}
	return x.res
}

// next returns the number of the next schedule, and whether it is to be run.
func (x *search) next() (number int, goOn bool) {
	number = 1 + x.res.schedules*x.conf.workers + x.conf.worker
	if number > x.conf.schedules || x.first.before(number) {
		return number, false
	}
	x.res.schedules++
	return number, true
}

// look runs a schedule, and reports whether to go on.
func (x *search) look(number int, s strategy, l level, cut strike) (goOn bool) {
	r := x.schedule(s, l, cut, nil)
	if kind := r.failed(); kind != "" {
		x.res.fail(x.first, number, kind, l, x.taken, cut)
		return false
	}
	return true
}

// cancelEach runs the plain order again and again, and each time cancels a task in another await:
// at once, and when the await is over.
func (x *search) cancelEach() (goOn bool) {
	for _, l := range x.levels() {
		for at := 1; ; at++ {
			for _, after := range []int{0, whenReady} {
				number, goOn := x.next()
				if !goOn || !x.look(number, newReplaying(&x.turns, nil), l, strike{at, after}) {
					return false
				}
				if x.strikes.atReady { // it has been ready at once
					break
				}
			}
			if x.strikes.awaits < at {
				break
			}
		}
	}
	return true
}

// use runs the schedules of a strategy. It returns true if the strategy has no more, and notes how
// many there were if these are all.
func (x *search) use(s strategy) (over bool) {
	awaits := 0
	for {
		number, goOn := x.next()
		if !goOn {
			return false
		}
		if !s.begin() {
			x.res.schedules--
			if all, ok := s.(interface{ covered() (int, bool) }); ok {
				if n, all := all.covered(); all && x.conf.cancels {
					x.uncut = n
				} else if all {
					x.res.covered = n
					x.first.covered.Store(true)
				}
			}
			return true
		}
		l := x.levels()[0]
		if p, ok := s.(interface{ level() level }); ok {
			l = p.level()
		}
		var cut strike
		if x.conf.cancels && awaits > 0 && !repeatsItself(s) {
			cut = x.anyStrike(number, awaits)
		}
		if !x.look(number, s, l, cut) {
			return false
		}
		awaits = max(awaits, x.strikes.awaits)
	}
}

// anyStrike returns a moment to cancel a task, or none, for the schedule of a number.
func (x *search) anyStrike(number, awaits int) strike {
	r := rand.New(rand.NewPCG(x.conf.seed, uint64(number)))
	cut := strike{at: 1 + r.IntN(awaits)}
	switch r.IntN(4) {
	case 0:
		return strike{}
	case 1:
		cut.after = whenReady
	case 2:
		cut.after = 1 + r.IntN(maxAfter)
	}
	return cut
}

// maxAfter is how many steps after the beginning of an await a task is cancelled at most, if the
// await is not over before.
const maxAfter = 12

// cancelInEach goes through all orders of at most bound departures, with a cancellation at each
// moment of each await.
func (x *search) cancelInEach(bound int) {
	l := x.levels()[len(x.levels())-1]
	all, count := x.uncut > 0, 0
	for at, reached := 1, true; reached; at++ {
		reached = false
		for after, later := 0, true; later; after++ {
			later = false
			d := &departing{bound: bound}
			for d.begin() {
				number, goOn := x.next()
				if !goOn || !x.look(number, d, l, strike{at, after}) {
					return
				}
				reached = reached || x.strikes.awaits >= at
				later = later || x.strikes.struck && !x.strikes.atReady
			}
			n, covered := d.covered()
			count += n
			all = all && covered
		}
	}
	if all {
		x.res.covered = x.uncut + count
		x.first.covered.Store(true)
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
	first *firstFailure, number int, kind problemKind, l level, taken []departure, x strike,
) {
	first.note(number)
	res.failed, res.number, res.kind, res.level, res.strike = true, number, kind, l, x
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
	r := c.follow(res.taken, res.level, res.strike, st)
	draw(t, st)
	k := token{mark, res.level, res.strike, res.taken}
	head := fmt.Sprintf("aiotest: schedule %d fails; the shortest found has %s\n",
		res.number, takenText(res.taken))
	t.Errorf("%s", describe(r, st, head)+c.levelText(res.level)+
		fmt.Sprintf("To run it again: AIO_REPLAY='%s' go test -run '^%s$'%s",
			k.save(t.Name()), patternOf(t.Name()), testedPackage()))
}

// testedPackage returns the import path of the test that calls, with a space before it. It is empty
// if that is not known.
func testedPackage() string {
	var pcs [100]uintptr
	found := ""
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for more := true; more; {
		var f runtime.Frame
		if f, more = frames.Next(); strings.HasSuffix(f.File, "_test.go") {
			found = f.Function
		}
	}
	slash := strings.LastIndexByte(found, '/') + 1
	name, _, _ := strings.Cut(found[slash:], ".")
	path, err := url.PathUnescape(found[:slash] + name) // the linker escapes dots
	path = strings.TrimSuffix(path, "_test")
	if err != nil || path == "" || path == "main" || path == "command-line-arguments" {
		return ""
	}
	return " " + path
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

// draw writes the diagram of a World to the file that AIO_DIAGRAM names.
func draw(t testing.TB, st *story) {
	t.Helper()
	name := os.Getenv("AIO_DIAGRAM")
	if name == "" || len(st.diagram.hosts()) == 0 {
		return
	}
	if err := os.WriteFile(name, []byte(st.diagram.SVG(t.Name())), 0o644); err != nil {
		t.Errorf("aiotest: AIO_DIAGRAM: %v", err)
	}
}

// describe prints the problems, the story and the log of a run.
func describe(r *run, st *story, head string) string {
	var b strings.Builder
	b.WriteString(head)
	for _, p := range r.problems {
		fmt.Fprintf(&b, "  %s\n", p)
	}
	about := "> marks a departure"
	if st.inWorld() {
		about += " or a fault; steps of the network itself are left out"
	}
	fmt.Fprintf(&b, "The steps (%s):\n%s\n", about, st)
	if between := st.diagram.String(); between != "" {
		fmt.Fprintf(&b, "The messages:\n%s", between)
	}
	if len(r.logs) > 0 {
		fmt.Fprintf(&b, "The log:\n  %s\n", strings.Join(r.logs, "\n  "))
	}
	text := b.String()
	for _, w := range r.worlds {
		text = w.plainly(text)
	}
	return text
}

// replay runs the schedule of a token.
func (c *controller) replay(t testing.TB, k token) {
	t.Helper()
	st := newStory()
	p := newReplaying(&c.turns, k.taken)
	r := c.schedule(p, k.level, k.strike, st)
	draw(t, st)
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
