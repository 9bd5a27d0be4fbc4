package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
)

// gauge is what the process holds at a quiet moment.
type gauge struct {
	// bytes of heap and stacks in use, after a garbage collection
	Memory int `json:"memory"`
	// bytes of the process in memory; 0 where that cannot be known
	Resident    int `json:"resident"`
	Tasks       int `json:"tasks"`       // of the loop
	Descriptors int `json:"descriptors"` // open; 0 where that cannot be known
	Goroutines  int `json:"goroutines"`  //
	Connections int `json:"connections"` // of the server
}

// measures are the lines of the table.
var measures = []struct {
	name string
	of   func(gauge) int
	show func(int) string
	leak bool // there may not be more of them afterwards
}{
	{"memory in use", func(g gauge) int { return g.Memory }, kibibytes, false},
	{"resident", func(g gauge) int { return g.Resident }, kibibytes, false},
	{"tasks", func(g gauge) int { return g.Tasks }, strconv.Itoa, true},
	{"connections", func(g gauge) int { return g.Connections }, strconv.Itoa, true},
	{"descriptors", func(g gauge) int { return g.Descriptors }, strconv.Itoa, true},
	// The loop keeps a goroutine for each task that there once was at a time.
	{"goroutines", func(g gauge) int { return g.Goroutines }, strconv.Itoa, false},
}

func kibibytes(n int) string {
	if n == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// collections is how many garbage collections it takes until all garbage is gone.
const collections = 8

// passes is how many passes quiet lets the loop make before it takes the rest for left behind.
const passes = 1000

// quiet waits until the last connection has ended, and measures. What does not end shows in the
// result.
func (s *server) quiet(ctx context.Context) (gauge, error) {
	loop := aio.RunningLoop(ctx)
	// The other ends of connections that clients have closed learn of it from the system, a little
	// later.
	for range passes {
		if s.Statistics().Active == 0 && len(loop.AllTasks()) == 1 {
			break
		}
		if err := aio.Sleep(ctx, settle); err != nil {
			return gauge{}, err
		}
	}
	// Pools are emptied in two steps, and stacks shrink by half each time.
	for range collections {
		runtime.GC()
		if err := aio.Yield(ctx); err != nil {
			return gauge{}, err
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return gauge{
		Memory:      int(m.HeapAlloc + m.StackInuse),
		Resident:    resident(),
		Tasks:       len(loop.AllTasks()),
		Descriptors: descriptors(),
		Goroutines:  runtime.NumGoroutine(),
		Connections: s.Statistics().Active,
	}, nil
}

// compare returns the problems of after.
func compare(before, after gauge, growth float64) (problems []string) {
	if limit := float64(before.Memory) * (1 + growth/100); float64(after.Memory) > limit {
		problems = append(problems,
			fmt.Sprintf("memory in use has grown from %s to %s, by more than %g %%",
				kibibytes(before.Memory), kibibytes(after.Memory), growth))
	}
	for _, m := range measures {
		if was, is := m.of(before), m.of(after); m.leak && is > was {
			verb := "were"
			if is-was == 1 {
				verb = "was"
			}
			problems = append(problems, fmt.Sprintf("%s %s left behind",
				cli.Count(is-was, strings.TrimSuffix(m.name, "s")), verb))
		}
	}
	return problems
}

// resident returns the resident memory of the process, 0 where that cannot be known.
func resident() int {
	text, err := os.ReadFile("/proc/self/statm")
	if fields := bytes.Fields(text); err == nil && len(fields) > 1 {
		pages, _ := strconv.Atoi(string(fields[1]))
		return pages * os.Getpagesize()
	}
	return 0
}

// descriptors counts the open descriptors, 0 where that cannot be known.
func descriptors() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}
