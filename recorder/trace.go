package recorder

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aio-go/aio/internal/safetext"
)

// WriteTrace writes the recording in Chrome's format of trace events, which ui.perfetto.dev and
// chrome://tracing open. The loop has a track that shows who runs, and so has each task. Arrows
// lead from who made or woke a task to the step that follows.
//
// Steps between two readings of the clock share its time in the recording. In the trace they stand
// side by side.
func (r Recording) WriteTrace(w io.Writer) error {
	t := tracer{Recording: r, out: bufio.NewWriter(w), names: map[uint32]string{}}
	for _, x := range r.Tasks {
		t.names[x.ID] = safetext.Message(x.Name)
	}
	t.spread()
	t.write()
	return errors.Join(t.err, t.out.Flush())
}

// tracer writes a trace.
type tracer struct {
	Recording
	out   *bufio.Writer
	err   error
	some  bool
	names map[uint32]string
	at    []float64 // of each event, in microseconds
}

// traceEvent is an object of Chrome's format. Times are in microseconds.
type traceEvent struct {
	Name string         `json:"name,omitempty"`
	Cat  string         `json:"cat,omitempty"`
	Ph   string         `json:"ph"`
	Ts   float64        `json:"ts"`
	Dur  *float64       `json:"dur,omitempty"`
	PID  uint64         `json:"pid"`
	TID  uint32         `json:"tid"`
	ID   uint64         `json:"id,omitempty"`
	Bp   string         `json:"bp,omitempty"`
	S    string         `json:"s,omitempty"`
	Args map[string]any `json:"args,omitempty"`
}

// spans reports whether an event lasts until the next one that spans.
func spans(do string) bool {
	switch do {
	case Made, Due, Posts, End, Cancel:
		return false
	}
	return true
}

// spread gives each event a time. Those that share one are spread over the time until the next
// reading of the clock.
func (t *tracer) spread() {
	t.at = make([]float64, len(t.Events))
	micros := func(d time.Duration) float64 { return float64(d) / 1e3 }
	for i := 0; i < len(t.Events); {
		j := i
		for j < len(t.Events) && t.Events[j].T == t.Events[i].T {
			j++
		}
		begin, share := micros(t.Events[i].T), 0.0
		if j < len(t.Events) {
			share = (micros(t.Events[j].T) - begin) / float64(j-i)
		} else if !t.Virtual {
			share = 0.1
		}
		if t.Events[j-1].Do == Wait { // the wait has the rest
			share = min(share, 1)
		}
		for k := i; k < j; k++ {
			t.at[k] = begin + share*float64(k-i)
		}
		i = j
	}
}

func (t *tracer) write() {
	pid := max(t.Loop, 1)
	t.raw(`{"displayTimeUnit":"ns","otherData":`)
	about := t.Recording
	about.Tasks, about.Events = nil, nil
	t.value(about)
	t.raw(`,"traceEvents":[`)
	t.meta(pid, 0, "process_name", fmt.Sprintf("loop %d of %s (%d)", pid, t.Program, t.PID))
	t.meta(pid, 0, "thread_name", "loop")
	for _, x := range t.Tasks {
		t.meta(pid, x.ID, "thread_name", fmt.Sprintf("%s #%d", t.names[x.ID], x.ID))
	}
	place := make(map[uint64]int, len(t.Events)) // of an event, by its number
	for i, e := range t.Events {
		place[e.Number] = i
		args := map[string]any{"event": e.Number}
		if e.By != 0 {
			args["by"] = e.By
			if at, ok := place[e.By]; ok && e.Do == Step {
				t.flow(pid, at, i)
			}
		}
		for name, v := range map[string]string{"await": e.Op, "func": e.Func, "end": e.End} {
			if v != "" {
				args[name] = v
			}
		}
		if !spans(e.Do) {
			t.event(traceEvent{Name: t.title(e), Cat: e.Do, Ph: "i", Ts: t.at[i], PID: pid,
				TID: e.Task, S: "t", Args: args})
			continue
		}
		dur := t.until(i) - t.at[i]
		t.event(traceEvent{Name: t.title(e), Cat: e.Do, Ph: "X", Ts: t.at[i], Dur: &dur, PID: pid,
			Args: args})
		if e.Do == Step {
			t.event(traceEvent{Name: stepTitle(e), Cat: e.Do, Ph: "X", Ts: t.at[i], Dur: &dur,
				PID: pid, TID: e.Task, Args: args})
		}
	}
	t.raw("]}\n")
}

// until returns when the span that begins with event i ends.
func (t *tracer) until(i int) float64 {
	for j := i + 1; j < len(t.Events); j++ {
		if spans(t.Events[j].Do) {
			return t.at[j]
		}
	}
	return t.at[len(t.at)-1]
}

// flow draws an arrow from the span during which event from happened to the step at to.
func (t *tracer) flow(pid uint64, from, to int) {
	src := t.Events[from]
	tid := src.Task
	if src.Do == Made { // the maker's span
		tid = 0
	} else if src.Do != Step {
		tid = 0
	}
	id := t.Events[to].Number
	t.event(traceEvent{Name: "wakes", Cat: "wakes", Ph: "s", Ts: t.at[from], PID: pid, TID: tid,
		ID: id})
	t.event(traceEvent{Name: "wakes", Cat: "wakes", Ph: "f", Bp: "e", Ts: t.at[to], PID: pid,
		TID: t.Events[to].Task, ID: id})
}

func stepTitle(e Event) string {
	if e.Op == "" {
		return "first step"
	}
	return "after " + e.Op
}

// title names an event on the loop's track.
func (t *tracer) title(e Event) string {
	name := t.names[e.Task]
	switch e.Do {
	case Step:
		return name
	case Callback, Timer:
		if e.Func != "" {
			return e.Do + " " + e.Func
		}
	case Ready:
		if e.FD != 0 {
			return fmt.Sprintf("descriptor %d", e.FD)
		}
	case Posts:
		return fmt.Sprintf("%d posts", e.N)
	case Due:
		return fmt.Sprintf("timers, %v late", e.For)
	case End:
		return "end: " + e.End
	}
	if name != "" {
		return e.Do + " " + name
	}
	return e.Do
}

func (t *tracer) meta(pid uint64, tid uint32, what, name string) {
	t.event(traceEvent{Name: what, Ph: "M", PID: pid, TID: tid, Args: map[string]any{"name": name}})
}

func (t *tracer) event(e traceEvent) {
	if t.some {
		t.raw(",\n")
	}
	t.some = true
	t.value(e)
}

func (t *tracer) value(v any) {
	text, err := json.Marshal(v)
	if t.err == nil {
		t.err = err
	}
	t.raw(string(text))
}

func (t *tracer) raw(text string) {
	if t.err == nil {
		_, t.err = t.out.WriteString(text)
	}
}
