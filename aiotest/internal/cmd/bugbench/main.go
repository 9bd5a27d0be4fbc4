// Command bugbench measures how soon package aiotest finds the bugs of aiotest/internal/bugs:
//
//	go run ./aiotest/internal/cmd/bugbench [-seeds 20] [-schedules 4000] [-bug name]
//
// For each bug it prints the schedules until it was found, the departures of the shrunk schedule
// and the time, all as medians over the seeds, for the default strategy and beside it the schedules
// for others. A dash says that it was not found for most seeds. At last it runs the twins and says
// which were accused.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/aiotest/internal/bugs"
)

// recorder is a test that only takes notes.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper()                         {}
func (r *recorder) Name() string                    { return "bugbench" }
func (r *recorder) Cleanup(func())                  {}
func (r *recorder) Logf(format string, args ...any) {}
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

var found = regexp.MustCompile(`schedule (\d+) fails; the shortest found has (\d+) departure`)

// figures are those of one bug and one strategy, over all seeds.
type figures struct {
	schedules  []int // a miss is a large number
	departures []int
	times      []time.Duration
	misses     int
}

const miss = 1 << 30

func measure(b bugs.Bug, s aiotest.Strategy, seeds, schedules int) (f figures) {
	for seed := range seeds {
		r := &recorder{}
		begun := time.Now()
		opts := append(b.Options(),
			aiotest.With(s), aiotest.Seed(uint64(seed+1)), aiotest.Schedules(schedules))
		aiotest.Explore(r, b.Buggy, opts...)
		f.times = append(f.times, time.Since(begun))
		if len(r.errors) > 0 {
			if m := found.FindStringSubmatch(r.errors[0]); m != nil {
				n, _ := strconv.Atoi(m[1])
				d, _ := strconv.Atoi(m[2])
				f.schedules = append(f.schedules, n)
				f.departures = append(f.departures, d)
				continue
			}
			fmt.Fprintln(os.Stderr, b.Name+": "+r.errors[0])
		}
		f.misses++
		f.schedules = append(f.schedules, miss)
	}
	return f
}

func median[T int | time.Duration](all []T) T {
	if len(all) == 0 {
		return 0
	}
	all = slices.Clone(all)
	slices.Sort(all)
	return all[len(all)/2]
}

func (f figures) median() string {
	if m := median(f.schedules); m != miss {
		return strconv.Itoa(m)
	}
	return "-"
}

func main() {
	seeds := flag.Int("seeds", 20, "how many seeds")
	schedules := flag.Int("schedules", 4000, "schedules at most")
	only := flag.String("bug", "", "a regular expression for the names of the bugs")
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bugbench: -bug:", err)
		os.Exit(2)
	}
	others := []aiotest.Strategy{
		aiotest.RandomWalk(), aiotest.POS(), aiotest.PCT(2), aiotest.PCT(3), aiotest.Exhaustive(1),
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "BUG\tKIND\tMISSED\tSCHEDULES\tSHRUNK\tTIME\tRANDOM\tPOS\tPCT 2\tPCT 3\tNEAR")
	failed := false
	for _, b := range bugs.All {
		if !wanted.MatchString(b.Name) {
			continue
		}
		f := measure(b, aiotest.Portfolio(), *seeds, *schedules)
		failed = failed || f.misses > 0
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d\t%s", b.Name, b.Kind, f.misses, f.median(),
			median(f.departures), median(f.times).Round(100*time.Microsecond))
		for _, s := range others {
			g := measure(b, s, *seeds, *schedules)
			fmt.Fprintf(w, "\t%s", g.median())
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	for _, b := range bugs.All {
		if !wanted.MatchString(b.Name) {
			continue
		}
		r := &recorder{}
		aiotest.Explore(r, b.Fixed, append(b.Options(), aiotest.Schedules(*schedules))...)
		if len(r.errors) > 0 {
			failed = true
			fmt.Printf("the twin of %s is accused:\n%s\n", b.Name, r.errors[0])
		}
	}
	if failed {
		os.Exit(1)
	}
}
