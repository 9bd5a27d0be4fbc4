package aiotest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// repeats is how often a schedule is run again to see whether it stays the same. An iteration over
// a map of two entries is the same five times in a row once in 32 times.
const repeats = 6

// Deterministic runs a few schedules of fn several times each. The test fails if two runs of one
// schedule differ: in a step, in what is logged with [T.Log], or in what fails. It names the first
// difference and its likely source: the order of a map, the machine's clock, a goroutine, random
// numbers without a seed, a select statement. [Explore] can repeat failures of deterministic
// programs only.
func Deterministic(t testing.TB, fn func(ctx context.Context, t *T) error, opts ...Option) {
	t.Helper()
	mustHaveFunc("Deterministic", fn)
	c := newController(t, newConfig(opts), fn)
	defer c.close()
	if text := c.difference(result{level: documented}); text != "" {
		t.Errorf("aiotest: the function is not deterministic. %s", text)
		return
	}
	if c.conf.level == documented {
		return
	}
	r := newRandom(c.conf.seed, 0)
	for range 3 {
		c.schedule(r, every, strike{}, nil)
		taken := slices.Clone(c.taken)
		if text := c.difference(result{level: every, taken: taken}); text != "" {
			t.Errorf("aiotest: the function is not deterministic. %s", text)
			return
		}
	}
}

// difference runs a schedule a few times and says where two runs part, and what may be behind it.
// It is empty if they do not.
func (c *controller) difference(res result) string {
	first, out := c.retell(res)
	goroutines := first.watch.found
	for range repeats - 1 {
		again, outAgain := c.retell(res)
		goroutines = append(goroutines, again.watch.found...)
		if at, ok := parting(first.lines, again.lines); ok {
			return fmt.Sprintf("Two runs part at step %d:\n%s\n%s\n%s",
				at+1, lineAt(first.lines, at), lineAt(again.lines, at), c.likely(first, goroutines))
		}
		if at, ok := parting(out, outAgain); ok {
			return fmt.Sprintf("The same steps led to another result:\n%s\n%s\n%s",
				lineAt(out, at), lineAt(outAgain, at), c.likely(first, goroutines))
		}
	}
	return ""
}

// whyNotAgain says why a failure did not repeat.
func (c *controller) whyNotAgain(res result) string {
	if text := c.difference(res); text != "" {
		return text
	}
	st, _ := c.retell(res)
	return fmt.Sprintf(
		"The same steps led to another result, %d times. %s",
		repeats,
		c.likely(st, st.watch.found),
	)
}

// retell runs a schedule, and returns its story, and what was logged and failed.
func (c *controller) retell(res result) (st *story, out []string) {
	st = newStory()
	st.watch = newWatch()
	r := c.follow(res.taken, res.level, res.strike, st)
	for _, line := range r.logs {
		out = append(out, "  log: "+line)
	}
	for _, p := range r.problems {
		line, _, _ := strings.Cut(p.String(), "\n")
		out = append(out, "  "+line)
	}
	return st, out
}

// parting returns the first line in which two stories differ.
func parting(a, b []string) (int, bool) {
	for i := range max(len(a), len(b)) {
		if lineAt(a, i) != lineAt(b, i) {
			return i, true
		}
	}
	return 0, false
}

func lineAt(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "  (the run is over)"
}

// likely says what may be behind a difference.
func (c *controller) likely(st *story, goroutines []string) string {
	var found []string
	for _, g := range goroutines {
		found = append(found, g+": "+strangeText)
	}
	found = append(found, suspects(c.fn, st.places)...)
	slices.Sort(found)
	if found = slices.Compact(found); len(found) == 0 && c.posts > 0 {
		return fmt.Sprintf("%d calls came from goroutines of the program's own: "+
			"their time is the machine's. Use tasks, or aio.ToThread, which is waited for.",
			c.posts)
	}
	if len(found) == 0 {
		return "Does it use the machine's clock, random numbers of its own, the order of a map, " +
			"a goroutine, or state of the run before?"
	}
	if len(found) > maxSuspects {
		found = found[:maxSuspects]
	}
	return "Likely sources:\n  " + strings.Join(found, "\n  ")
}

const maxSuspects = 8
