package recorder

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"github.com/aio-go/aio/internal/safetext"
)

// WriteText writes the recording for people: a line for each event, with the time, the task and who
// woke it.
func (r Recording) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s, process %d, loop %d, from %s: %d events, %d older ones are lost\n",
		safetext.Line(r.Program), r.PID, r.Loop, r.Time.Format(time.RFC3339), len(r.Events), r.Lost)
	if r.Reason != "" {
		fmt.Fprintf(b, "taken because of %s\n", safetext.Message(r.Reason))
	}
	if r.Replay != "" {
		fmt.Fprintf(b, "to see it again: AIO_REPLAY=%s\n", safetext.Message(r.Replay))
	}
	for _, line := range r.lines() {
		fmt.Fprintln(b, line)
	}
	return b.Flush()
}

// lines describes the events.
func (r Recording) lines() []string {
	names := make(map[uint32]string, len(r.Tasks))
	for _, t := range r.Tasks {
		names[t.ID] = safetext.Message(t.Name)
	}
	events := make(map[uint64]*Event, len(r.Events))
	lines := make([]string, len(r.Events))
	for i := range r.Events {
		e := &r.Events[i]
		events[e.Number] = e
		line := fmt.Sprintf("%12.6f  %-8s", e.T.Seconds(), e.Do)
		for _, text := range []string{names[e.Task], e.Func, e.End} {
			if text != "" {
				line += "  " + safetext.Line(text)
			}
		}
		switch {
		case e.Op != "" && e.Do == Step:
			line += "  after " + safetext.Line(e.Op)
		case e.Op != "":
			line += "  " + safetext.Line(e.Op)
		case e.FD != 0:
			line += fmt.Sprintf("  descriptor %d", e.FD)
		case e.N != 0:
			line += fmt.Sprintf("  %d", e.N)
		case e.Do == Due:
			line += fmt.Sprintf("  %v late", e.For)
		}
		by := events[e.By]
		if by != nil && by.Do == Made && e.Do == Step { // who made the task
			by = events[by.By]
		}
		if by != nil {
			line += "  by " + who(by, names)
		}
		lines[i] = line
	}
	return lines
}

// who names what an event is about.
func who(e *Event, names map[uint32]string) string {
	switch {
	case e.Do == Step:
		return names[e.Task]
	case names[e.Task] != "":
		return e.Do + " " + names[e.Task]
	case e.Func != "":
		return e.Do + " " + safetext.Line(e.Func)
	}
	return e.Do
}
