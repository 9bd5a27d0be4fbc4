package recorder

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/aio-go/aio/internal/safetext"
)

// WriteTrace writes the recording in Chrome's format of trace events, which ui.perfetto.dev and
// chrome://tracing open. A process of the format is a loop: its number is that of the process, with
// the loop's as the last three digits, so traces of several loops can be put together. The loop has
// a track that shows who runs, and so has each task. Arrows lead from the step that made or woke a
// task to the step that follows.
//
// Steps between two readings of the clock share its time in the recording. In the trace they stand
// side by side.
func (r Recording) WriteTrace(w io.Writer) error {
	t := tracer{Recording: r, out: bufio.NewWriter(w), names: map[uint32]string{},
		pid: uint32(r.PID)*1000 + uint32(r.Loop%1000)}
	t.json = json.NewEncoder(t.out)
	t.json.SetEscapeHTML(false) // not all readers know \u003c
	for _, x := range r.Tasks {
		t.names[x.ID] = safetext.Message(x.Name)
	}
	t.spread()
	t.link()
	t.write()
	return errors.Join(t.err, t.out.Flush())
}

// tracer writes a trace.
type tracer struct {
	Recording
	out   *bufio.Writer
	json  *json.Encoder
	err   error
	some  bool
	pid   uint32
	names map[uint32]string
	at    []int64     // of each event, in nanoseconds, and of the end
	cause []int       // of each event: the span from which an arrow leads to it, or -1
	leads map[int]ids // by span: the events to which arrows lead
}

// ids are numbers of events.
type ids []uint64

// traceEvent is an object of Chrome's format. Times are in microseconds.
type traceEvent struct {
	Name string         `json:"name"`
	Cat  string         `json:"cat,omitempty"`
	Ph   string         `json:"ph"`
	Ts   float64        `json:"ts"`
	Dur  float64        `json:"dur,omitempty"`
	PID  uint32         `json:"pid"`
	TID  uint32         `json:"tid"`
	ID   string         `json:"id,omitempty"`
	Bp   string         `json:"bp,omitempty"`
	S    string         `json:"s,omitempty"`
	Args map[string]any `json:"args,omitempty"`
}

// micros converts to the unit of the format. Readers cut off what is below a nanosecond, so the
// result must not be the least bit too small: spans would overlap, and be dropped.
func micros(nanos int64) float64 {
	us := float64(nanos) / 1e3
	if int64(us*1e3) < nanos {
		us = math.Nextafter(us, math.Inf(1))
	}
	return us
}

// spans reports whether an event lasts until the next one that spans.
func spans(do string) bool {
	switch do {
	case Made, Due, Posts, End, Cancel:
		return false
	}
	return true
}

// spread gives each event a time of its own. Those that share one are spread over the time until
// the next reading of the clock.
func (t *tracer) spread() {
	t.at = make([]int64, 0, len(t.Events)+1)
	share, last := 0.0, int64(-1)
	for i := 0; i < len(t.Events); {
		j := i
		for j < len(t.Events) && t.Events[j].T == t.Events[i].T {
			j++
		}
		begin := int64(t.Events[i].T)
		if share = 0; j < len(t.Events) {
			share = float64(int64(t.Events[j].T)-begin) / float64(j-i)
		} else if !t.Virtual {
			share = 100
		}
		if t.Events[j-1].Do == Wait { // the wait has the rest
			share = min(share, 1000)
		}
		for k := range j - i {
			last = max(last+1, begin+int64(share*float64(k)))
			t.at = append(t.at, last)
		}
		i = j
	}
	t.at = append(t.at, last+max(1, int64(share)))
}

// link finds out which arrows there are: to each step from what woke its task, or for the first
// one from what made the task. Both ends have to be known.
func (t *tracer) link() {
	place := make(map[uint64]int, len(t.Events)) // of an event, by its number
	t.cause, t.leads = make([]int, len(t.Events)), map[int]ids{}
	for i, e := range t.Events {
		place[e.Number] = i
		from, known := place[e.By]
		if known && t.Events[from].Do == Made {
			from, known = place[t.Events[from].By]
		}
		if t.cause[i] = -1; known && e.Do == Step && spans(t.Events[from].Do) {
			t.cause[i] = from
			t.leads[from] = append(t.leads[from], e.Number)
		}
	}
}

func (t *tracer) write() {
	t.raw(`{"displayTimeUnit":"ns","otherData":`)
	about := t.Recording
	about.Tasks, about.Events = nil, nil
	t.value(about)
	t.raw(`,"traceEvents":[`)
	t.meta(0, "process_name", fmt.Sprintf("loop %d of %s (%d)", t.Loop, t.Program, t.Recording.PID))
	t.meta(0, "thread_name", "loop")
	for _, x := range t.Tasks {
		t.meta(x.ID, "thread_name", fmt.Sprintf("%s #%d", t.names[x.ID], x.ID))
	}
	for i, e := range t.Events {
		args := map[string]any{"event": e.Number}
		if e.By != 0 {
			args["by"] = e.By
		}
		for name, v := range map[string]string{"await": e.Op, "func": e.Func, "end": e.End} {
			if v != "" {
				args[name] = v
			}
		}
		x := traceEvent{Name: t.title(e), Cat: e.Do, Ts: micros(t.at[i]), Args: args}
		if !spans(e.Do) {
			x.Ph, x.TID, x.S = "i", e.Task, "t"
			t.event(x)
			continue
		}
		x.Ph, x.Dur = "X", micros(t.until(i)-t.at[i])
		t.event(x)
		if e.Do == Step {
			x.Name, x.TID = stepTitle(e), e.Task
			t.event(x)
		}
		t.arrows(i, x.TID)
	}
	t.raw("]}\n")
}

// until returns when the span that begins with event i ends.
func (t *tracer) until(i int) int64 {
	for j := i + 1; j < len(t.Events); j++ {
		if spans(t.Events[j].Do) {
			return t.at[j]
		}
	}
	return t.at[len(t.Events)]
}

// arrows writes the ends of arrows at the span of event i on a track. Readers bind an end to the
// innermost span that has begun before it in the file, so they stand right behind it.
func (t *tracer) arrows(i int, tid uint32) {
	x := traceEvent{Name: "wakes", Cat: "wakes", Ts: micros(t.at[i]), TID: tid}
	if t.cause[i] >= 0 {
		x.Ph, x.Bp, x.ID = "f", "e", t.id(t.Events[i].Number)
		t.event(x)
	}
	for _, to := range t.leads[i] {
		x.Ph, x.Bp, x.ID = "s", "", t.id(to)
		t.event(x)
	}
}

// id returns the number of the arrow to an event. Arrows of all processes share their numbers.
func (t *tracer) id(event uint64) string {
	return fmt.Sprintf("0x%x", uint64(t.pid)<<32|event&(1<<32-1))
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

func (t *tracer) meta(tid uint32, what, name string) {
	t.event(traceEvent{Name: what, Ph: "M", TID: tid, Args: map[string]any{"name": name}})
}

func (t *tracer) event(e traceEvent) {
	if t.some {
		t.raw(",")
	}
	t.some, e.PID = true, t.pid
	t.value(e)
}

// value writes a value and the end of its line.
func (t *tracer) value(v any) {
	if t.err == nil {
		t.err = t.json.Encode(v)
	}
}

func (t *tracer) raw(text string) {
	if t.err == nil {
		_, t.err = t.out.WriteString(text)
	}
}
