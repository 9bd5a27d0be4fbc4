package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/aiotest/porcupine"
)

// model is one value: a key of the store.
var model = porcupine.Model[string, operation, string]{
	Init: func() string { return "" },
	Step: func(s string, op operation, out string) (bool, string) {
		s = after(s, op)
		return out == s, s
	},
	Done:      after,
	Partition: func(op operation) string { return op.Key },
}

func after(s string, op operation) string {
	switch op.Do {
	case "put":
		return op.Text
	case "add":
		return s + op.Text
	}
	return s
}

// thinking is how long a client waits between two operations.
const thinking = 500 * time.Millisecond

// five boots five nodes and returns their addresses.
func five(w *aiotest.World, pulse time.Duration, bug string) map[string]string {
	w.SetLink(aiotest.Link{Latency: time.Millisecond})
	nodes := map[string]string{}
	for id := range strings.SplitSeq("abcde", "") {
		nodes[id] = id + ":7000"
	}
	for id := range strings.SplitSeq("abcde", "") {
		w.Host(id).Boot(func(ctx context.Context) error {
			n := newNode(id, nodes, "/", pulse)
			n.bug = bug
			return n.run(ctx)
		})
	}
	return nodes
}

// cluster is a store of five nodes and some clients in a simulated world. The clients make
// operations; their history has to be linearizable.
func cluster(
	bug string, faults aiotest.Faults, clients, operations int, pause time.Duration,
) func(ctx context.Context, t *aiotest.T) error {
	return func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, faults)
		nodes := five(w, usualPulse, bug)
		var h aiotest.History
		err := aio.Timeout(ctx, 10*time.Minute, func(ctx context.Context) error {
			return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
				for i := range clients {
					name := fmt.Sprint("client-", i)
					host := w.Host(name)
					g.Go(func(ctx context.Context) error {
						ctx = host.Context(ctx)
						c := newClient(name, nodes)
						defer c.close()
						for n := range operations {
							op := operation{"add", "x", fmt.Sprintf("%d.%d ", i, n)}
							if i == 0 && n > 0 { // the first client mostly reads
								op = operation{"get", "x", ""}
							}
							ask := func(ctx context.Context) (string, error) { return c.do(ctx, op) }
							_, err := aiotest.Record(ctx, t, &h, op, ask)
							if err != nil {
								return err
							}
							if err := aio.Sleep(ctx, pause); err != nil {
								return err
							}
						}
						return nil
					}, aio.Name(name))
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
		porcupine.Check(t, model, &h)
		return nil
	}
}

func TestTheStoreWorksWithoutFaults(t *testing.T) {
	aiotest.Run(t, cluster("", aiotest.Faults{}, 2, 100, thinking), aiotest.MaxSteps(10_000_000))
}

// everything is what may go wrong.
var everything = aiotest.Faults{
	Resets: 2, HalfOpen: 1, SlowReaders: 1, Partitions: 2, OneWay: 2, Crashes: 3,
	LostWrites: 2, TornWrites: 2,
}

func TestTheStoreIsLinearizableWhateverGoesWrong(t *testing.T) {
	aiotest.Explore(t, cluster("", everything, 2, 4, thinking),
		aiotest.Schedules(100), aiotest.MaxSteps(1_000_000), aiotest.DocumentedOrder())
}

// recorder keeps what a test would print.
type recorder struct {
	testing.TB
	text string
}

func (r *recorder) Helper()             {}
func (r *recorder) Logf(string, ...any) {}
func (r *recorder) Errorf(format string, args ...any) {
	r.text += fmt.Sprintf(format, args...)
}

var tokenIn = regexp.MustCompile(`AIO_REPLAY='([^']*)'`)

// Three bugs that were planted are found, and found again by their tokens.
func TestPlantedBugsAreFoundAndReplayed(t *testing.T) {
	if testing.Short() {
		t.Skip("to find them takes minutes under the race detector")
	}
	for _, bug := range []struct {
		name   string // of the bug
		faults aiotest.Faults
	}{
		{"reads", aiotest.Faults{Partitions: 1}},
		{"retries", aiotest.Faults{Resets: 2, Crashes: 1}},
		{"eager", aiotest.Faults{Crashes: 1}},
	} {
		t.Run(bug.name, func(t *testing.T) {
			opts := []aiotest.Option{aiotest.Schedules(1000), aiotest.MaxSteps(1_000_000),
				aiotest.DocumentedOrder()}
			program := cluster(bug.name, bug.faults, 2, 6, thinking)
			r := &recorder{TB: t}
			aiotest.Explore(r, program, opts...)
			head, _, _ := strings.Cut(r.text, "The steps")
			t.Log(head)
			token := tokenIn.FindStringSubmatch(r.text)
			if token == nil || !strings.Contains(r.text, "no order of the operations has these results") {
				t.Fatalf("it is not found: %s", r.text)
			}
			t.Setenv("AIO_REPLAY", token[1])
			r = &recorder{TB: t}
			aiotest.Explore(r, program, opts...)
			if !strings.Contains(r.text, "the schedule of AIO_REPLAY fails") {
				t.Errorf("it is not found again: %s", r.text)
			}
		})
	}
}
