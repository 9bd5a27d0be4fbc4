package recorder_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/looptest"
	"github.com/aio-go/aio/recorder"
)

// traceEvent is an event of a trace, as a reader sees it.
type traceEvent struct {
	Name, Cat, Ph, S, Bp string
	Ts                   *float64
	Dur                  *float64
	PID, TID             *uint32
	ID                   any // a number, or a string with one in hexadecimal
	Args                 struct {
		Name  string
		Event uint64
	}
}

// track is a thread of the format, which shows spans that lie in each other.
type track struct{ pid, tid uint32 }

func (e *traceEvent) track() track { return track{*e.PID, *e.TID} }

// nanos is a time of the format as Perfetto takes it: it cuts off what is below a nanosecond.
func nanos(micros float64) int64 { return int64(micros * 1000) }

// arrow tells which event of a recording leads to which.
type arrow struct{ from, to uint64 }

// flowKey is what the two ends of an arrow have in common.
type flowKey struct {
	id        any
	cat, name string
}

// traceReader follows a trace as Perfetto's reader does, and reports what that would drop.
type traceReader struct {
	t     *testing.T
	names map[track]string
	procs map[uint32]string
	open  map[track][]*traceEvent // the spans that are open, outermost first
	last  map[track]float64
	flows map[flowKey][]*traceEvent // the spans at the ends of an arrow
	spans map[string]int            // by phase and category
}

// readTrace checks the trace of a recording and returns its reader.
func readTrace(t *testing.T, r recorder.Recording) *traceReader {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteTrace(&b); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b.Bytes(), []byte(`\u`)) {
		t.Error(`the trace has an escape \u, which some readers refuse`)
	}
	var file struct {
		DisplayTimeUnit string
		TraceEvents     []*traceEvent
	}
	if err := json.Unmarshal(b.Bytes(), &file); err != nil {
		t.Fatal(err)
	}
	if file.DisplayTimeUnit != "ns" {
		t.Errorf("times are shown in %q", file.DisplayTimeUnit)
	}
	x := &traceReader{t: t, names: map[track]string{}, procs: map[uint32]string{},
		open: map[track][]*traceEvent{}, last: map[track]float64{},
		flows: map[flowKey][]*traceEvent{}, spans: map[string]int{}}
	for _, e := range file.TraceEvents {
		if e.PID == nil || e.TID == nil {
			t.Fatalf("%+v has no process or thread", e)
		}
		x.meta(e)
	}
	for _, e := range file.TraceEvents {
		x.event(e)
	}
	for key, ends := range x.flows {
		if len(ends) != 2 {
			t.Errorf("the arrow %v has %d ends", key, len(ends))
		}
	}
	return x
}

func (x *traceReader) meta(e *traceEvent) {
	if e.Ph != "M" {
		return
	}
	switch e.Name {
	case "process_name":
		x.procs[*e.PID] = e.Args.Name
	case "thread_name":
		x.names[e.track()] = e.Args.Name
	default:
		x.t.Errorf("%q is no name of the metadata that readers know", e.Name)
	}
}

func (x *traceReader) event(e *traceEvent) {
	if e.Ph == "M" {
		return
	}
	if x.procs[*e.PID] == "" || x.names[e.track()] == "" {
		x.t.Fatalf("the track of %+v has no name", e)
	}
	if e.Ts == nil || *e.Ts < 0 || e.Name == "" || e.Cat == "" {
		x.t.Fatalf("%+v has no time, name or category", e)
	}
	if *e.Ts < x.last[e.track()] {
		x.t.Errorf("%s at %v goes back behind %v", e.Name, *e.Ts, x.last[e.track()])
	}
	x.last[e.track()] = *e.Ts
	x.spans[e.Ph+" "+e.Cat]++
	switch e.Ph {
	case "X":
		x.span(e)
	case "i":
		if e.S != "t" {
			x.t.Errorf("the scope of the instant %s is %q", e.Name, e.S)
		}
		x.span(e)
	case "s", "f":
		x.end(e)
	default:
		x.t.Errorf("%s has the unknown phase %q", e.Name, e.Ph)
	}
}

// length is how long a span lasts, in nanoseconds. An instant is a span of length 0.
func (x *traceReader) length(e *traceEvent) int64 {
	switch {
	case e.Ph == "i":
		return 0
	case e.Dur == nil:
		x.t.Fatalf("the span %s has no length", e.Name)
	}
	return nanos(*e.Dur)
}

// span opens a span on its track. It closes those that have ended, and has to end with the rest.
func (x *traceReader) span(e *traceEvent) {
	begin, length := nanos(*e.Ts), x.length(e)
	if e.Ph == "X" && length <= 0 {
		x.t.Errorf("the span %s at %v lasts for %d ns", e.Name, *e.Ts, length)
	}
	open := x.open[e.track()]
	open = slices.DeleteFunc(open, func(o *traceEvent) bool {
		return nanos(*o.Ts)+x.length(o) <= begin
	})
	for _, o := range open {
		if begin+length > nanos(*o.Ts)+x.length(o) {
			x.t.Errorf("%s at %v goes on after %s, in which it begins", e.Name, *e.Ts, o.Name)
		}
	}
	x.open[e.track()] = append(open, e)
}

// end binds an end of an arrow to the innermost span of its track.
func (x *traceReader) end(e *traceEvent) {
	key := flowKey{e.ID, e.Cat, e.Name}
	switch n := len(x.flows[key]); {
	case e.ID == nil:
		x.t.Errorf("an arrow has no number: %+v", e)
	case e.Ph == "s" && n != 0 || e.Ph == "f" && n != 1:
		x.t.Errorf("the end %q of the arrow %v comes after %d others", e.Ph, key, n)
	case e.Ph == "f" && e.Bp != "e":
		x.t.Errorf("the arrow %v ends at the next span, not at the one around it", key)
	}
	open := x.open[e.track()]
	if len(open) == 0 || nanos(*open[len(open)-1].Ts) != nanos(*e.Ts) || open[len(open)-1].Ph != "X" {
		x.t.Errorf("the end %q of the arrow %v is not at a span that begins then", e.Ph, key)
		return
	}
	x.flows[key] = append(x.flows[key], open[len(open)-1])
}

// arrows returns the arrows in the order of the steps that they lead to.
func (x *traceReader) arrows() (all []arrow) {
	for _, ends := range x.flows {
		if len(ends) == 2 {
			all = append(all, arrow{ends[0].Args.Event, ends[1].Args.Event})
		}
	}
	slices.SortFunc(all, func(a, b arrow) int { return int(int64(a.to) - int64(b.to)) })
	return all
}

// wantedArrows returns those that a recording asks for: to each step from the event that woke its
// task, or from that in which the task was made.
func wantedArrows(r recorder.Recording) (all []arrow) {
	known := map[uint64]recorder.Event{}
	for _, e := range r.Events {
		known[e.Number] = e
		by := known[e.By]
		if by.Do == recorder.Made {
			by = known[by.By]
		}
		if e.Do == recorder.Step && by.Number != 0 {
			all = append(all, arrow{by.Number, e.Number})
		}
	}
	return all
}

// busyLoop has tasks that hand items over, are cancelled, sleep, and are made inside each other.
func busyLoop(ctx context.Context, items int, post func()) error {
	queue := aiosync.NewQueue[int](2)
	var lock aiosync.Lock
	err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		g.Go(func(ctx context.Context) error {
			for n := range items {
				if err := queue.Put(ctx, n); err != nil {
					return err
				}
			}
			return nil
		}, aio.Name("producer <1>"))
		g.Go(func(ctx context.Context) error {
			for range items {
				if _, err := queue.Get(ctx); err != nil {
					return err
				}
			}
			return nil
		}, aio.Name("consumer"))
		for range 2 {
			g.Go(func(ctx context.Context) error {
				return lock.With(ctx, func(ctx context.Context) error {
					return aio.Sleep(ctx, time.Microsecond)
				})
			})
		}
		aio.RunningLoop(ctx).CallSoon(func() {})
		post()
		return nil
	})
	if err != nil {
		return err
	}
	victim := aio.Start(ctx, looptest.Forever, aio.Name("victim"), aio.Eager())
	victim.Cancel(nil)
	if _, err := victim.Await(ctx); !victim.Cancelled() {
		return err
	}
	err = aio.Timeout(ctx, time.Microsecond, looptest.Forever)
	if !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the block ended with %w", err)
	}
	return nil
}

// loopsThatPost runs two busy loops at a time, each of which posts to the other.
func loopsThatPost(t *testing.T, items int, opts func() []aio.Option) (both [2]recorder.Recording) {
	t.Helper()
	var all, begun sync.WaitGroup
	begun.Add(2)
	var loops [2]*aio.Loop
	for n := range 2 {
		all.Go(func() {
			err := aio.Run(t.Context(), func(ctx context.Context) error {
				loops[n] = aio.RunningLoop(ctx)
				begun.Done()
				begun.Wait() // both run now
				err := busyLoop(ctx, items, func() { _, _ = loops[1-n].CallSoonThreadsafe(func() {}) })
				if err != nil {
					return err
				}
				both[n], err = recorder.Take(loops[n])
				return err
			}, opts()...)
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	return both
}

// The rules are those of Chrome's format of trace events and of Perfetto's reader: it drops spans
// that overlap, and arrows with an end outside of any span.
func TestATraceIsOneThatPerfettoReadsWithoutALoss(t *testing.T) {
	for name, c := range map[string]struct {
		items int
		lost  bool
		opts  func() []aio.Option
	}{
		"real time": {100, false, func() []aio.Option { return []aio.Option{recorder.On()} }},
		"virtual time": {100, false, func() []aio.Option {
			return []aio.Option{recorder.On(), aio.WithClock(aio.NewVirtualClock())}
		}},
		"a full ring": {2000, true, func() []aio.Option {
			return []aio.Option{recorder.On(recorder.Events(512))}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			both := loopsThatPost(t, c.items, c.opts)
			procs := map[uint32]string{}
			flows := map[flowKey]bool{}
			for _, r := range both {
				if (r.Lost > 0) != c.lost {
					t.Errorf("%d events are lost", r.Lost)
				}
				x := readTrace(t, r)
				got, want := x.arrows(), wantedArrows(r)
				if !slices.Equal(got, want) || len(want) == 0 {
					t.Errorf("the arrows are\n%v\nwant\n%v", got, want)
				}
				for pid, name := range x.procs {
					if want := fmt.Sprintf("loop %d of %s (%d)", r.Loop, r.Program, r.PID); name != want {
						t.Errorf("the process is called %q, want %q", name, want)
					}
					if procs[pid] != "" {
						t.Errorf("%s and %s have the same number", name, procs[pid])
					}
					procs[pid] = name
				}
				for key := range x.flows {
					if flows[key] {
						t.Errorf("two loops have the arrow %v", key)
					}
					flows[key] = true
				}
				if c.lost {
					continue
				}
				for _, kind := range []string{"X step", "X timer", "X deadline", "X callback", "i made",
					"i cancel", "i end"} {
					if x.spans[kind] == 0 {
						t.Errorf("the trace has no %s: %v", kind, x.spans)
					}
				}
			}
			if len(procs) != 2 {
				t.Errorf("the loops are %v", procs)
			}
		})
	}
}
