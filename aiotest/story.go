package aiotest

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/aio-go/aio"
)

// story describes a schedule, a line a step.
type story struct {
	run      *run
	lines    []string
	inside   []int    // lines that a reader does not need: what a World does between steps of tasks
	open     string   // the line of the step that is being made
	notes    []string // lines to follow it
	names    map[uint32]string
	given    map[uint32]string // the same names before they were made to differ
	ended    map[uint32]bool   // tasks whose cancellation was told
	struck   uint32            // the task that the test has cancelled, until its next step
	count    int
	callback bool // the step is no task's

	places map[place]bool // lines of the program that wait
	watch  *watch         // for goroutines of the program's own; nil: it is not looked for any

	diagram diagram // of the World
}

func newStory() *story {
	return &story{
		names: map[uint32]string{}, given: map[uint32]string{}, ended: map[uint32]bool{},
		places: map[place]bool{},
	}
}

// step begins the line of a step. plain would have been next in the plain order.
func (s *story) step(c *controller, e, plain aio.Entry, ready int) {
	s.finish()
	if c.ended {
		return
	}
	hosts := s.hosts(c.runner.Loop())
	cancelled := ""
	for _, i := range c.runner.Loop().Snapshot(false).Tasks {
		if e.Kind == aio.EntryStep && i.ID == e.ID && i.Cancel != nil && !s.ended[i.ID] {
			s.ended[i.ID] = true
			cancelled = ", cancelled" + cancelledBy(i.Cancel)
		}
		if host := hosts[i.ID]; host != "" && host != i.Name {
			i.Name += " on " + host
		}
		if s.given[i.ID] != i.Name { // a task of Map has the name of its present item
			s.given[i.ID] = i.Name
			s.names[i.ID] = s.nameApart(i.Name, i.ID)
		}
	}
	if s.watch != nil && s.count < maxWatched {
		s.watch.look()
	}
	s.count++
	s.callback = e.Kind != aio.EntryStep
	mark := " "
	if e.EntryKey != plain.EntryKey {
		mark = ">"
	}
	s.open = fmt.Sprintf("%s %3d  %-10s ", mark, s.count, s.name(e.EntryKey))
	switch {
	case e.Kind != aio.EntryStep:
		s.open += "runs"
	case e.Op == "":
		s.open += "starts"
	default:
		s.open += "goes on after " + e.Op
	}
	if e.Kind == aio.EntryStep && e.Op != "" {
		if e.ID == s.struck {
			s.open += ", cancelled"
			s.struck = 0
		} else if cancelled != "" {
			s.open += cancelled
		} else if e.By.Kind == 0 && e.Op == "Sleep" {
			s.open += ", its time has come at " + time.Duration(c.time.passed.Load()).String()
		} else if e.By.Kind == 0 {
			s.open += ", woken by the loop"
		} else if e.By != e.EntryKey && (e.By.Kind == aio.EntryStep || !s.inWorld()) {
			s.open += ", woken by " + s.name(e.By)
		}
	}
	if mark == ">" {
		s.open += ", in place of " + s.name(plain.EntryKey)
	}
}

// cancelledBy says who has cancelled a task, if that is known.
func cancelledBy(c *aio.CancelInfo) string {
	switch {
	case strings.HasPrefix(c.Cause, "aio: deadlock: "):
		return " because of the deadlock"
	case c.By == "":
		return ""
	}
	return " by " + c.By
}

// await ends the line: the task waits again.
func (s *story) await(a aio.Await) {
	text := "waits in " + a.Op
	on := a.On()
	if s.inWorld() && !strings.HasPrefix(on, "<") { // "Reader of 10.0.0.1:7" is enough
		on, _, _ = strings.Cut(on, ", ")
	}
	if on != "" {
		text += " for " + on
	}
	if at := userPlace(); at.file != "" {
		s.places[at] = true
		text += fmt.Sprintf(" at %s:%d", filepath.Base(at.file), at.line)
	}
	if s.open != "" {
		s.open += "; " + text
	}
}

// note adds a line of its own, behind that of the step.
func (s *story) note(text string) {
	s.notes = append(s.notes, "!      "+text)
	if s.open == "" {
		s.finish()
	}
}

// nameApart returns the name of a task, with its number if another one has the same name.
func (s *story) nameApart(name string, id uint32) string {
	for _, other := range s.names {
		if other == name {
			return fmt.Sprintf("%s #%d", name, id)
		}
	}
	return name
}

func (s *story) finish() {
	if s.open != "" {
		if !s.callback && !strings.Contains(s.open, "; waits in ") {
			s.open += "; ends"
		}
		if s.callback && s.inWorld() && s.open[0] == ' ' {
			s.inside = append(s.inside, len(s.lines))
		}
		s.lines = append(s.lines, s.open)
		s.open = ""
	}
	s.lines = append(s.lines, s.notes...)
	s.notes = s.notes[:0]
}

func (s *story) name(k aio.EntryKey) string {
	if k.Kind == aio.EntryStep || k.Kind == aio.EntryDeadline {
		name := s.names[k.ID]
		if name == "" {
			name = fmt.Sprintf("task %d", k.ID)
		}
		if k.Kind == aio.EntryDeadline {
			return "time-out of " + name
		}
		return name
	}
	return k.String()
}

// maxStory is the greatest number of lines of a story; of a longer one the middle is left out,
// except what happened in a World and what departs from the plain order, up to maxKept lines.
const (
	maxStory = 80
	maxKept  = 40
)

func (s *story) String() string {
	lines := s.untilFailure(s.shown())
	if len(lines) <= maxStory {
		return strings.Join(lines, "\n")
	}
	cut := len(lines) - maxStory
	told := slices.Clone(lines[:10])
	left, kept := 0, 0
	leave := func() {
		if left > 0 {
			told = append(told, fmt.Sprintf("       ... %d steps ...", left))
			left = 0
		}
	}
	for _, line := range lines[10 : 10+cut] {
		if line[0] == ' ' && !strings.HasPrefix(line, worldLine) || kept == maxKept {
			left++
			continue
		}
		leave()
		told = append(told, line)
		kept++
	}
	leave()
	return strings.Join(append(told, lines[10+cut:]...), "\n")
}

// hosts returns the names of the hosts of a World on which tasks run.
func (s *story) hosts(l *aio.Loop) map[uint32]string {
	if !s.inWorld() {
		return nil
	}
	on := map[uint32]string{}
	for _, t := range l.AllTasks() {
		if h, ok := t.Value(onHost{}).(*Host); ok {
			on[t.ID()] = h.name
		}
	}
	return on
}

// untilFailure leaves out what comes after the last failure, if it is much.
func (s *story) untilFailure(lines []string) []string {
	last := len(lines) - 1
	for last >= 0 && lines[last][0] != '!' {
		last--
	}
	const few = 3
	if after := len(lines) - 1 - last; last >= 0 && after > few {
		left := fmt.Sprintf("       ... %d lines after the failure ...", after)
		return append(slices.Clone(lines[:last+1]), left)
	}
	return lines
}

// pass adds a line: time passes although e is ready.
func (s *story) pass(d time.Duration, e aio.Entry) {
	s.finish()
	text := fmt.Sprintf(">      %v pass while %s is ready", d, s.name(e.EntryKey))
	s.lines = append(s.lines, text)
}

// shown returns the lines that a reader needs.
func (s *story) shown() []string {
	lines := make([]string, 0, len(s.lines))
	for i, line := range s.lines {
		if _, inside := slices.BinarySearch(s.inside, i); !inside {
			lines = append(lines, line)
		}
	}
	return lines
}

// inWorld reports whether there are hosts.
func (s *story) inWorld() bool { return s.run != nil && len(s.run.worlds) > 0 }

// userPlace returns the line of the program that the running task is in.
func userPlace() place {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		if f.Function != "" && !ours(f) {
			return place{f.File, f.Line}
		}
		if !more {
			return place{}
		}
	}
}

const module = "github.com/aio-go/aio"

// ours reports whether a frame is of this library, or of the standard library.
func ours(f runtime.Frame) bool {
	if strings.HasSuffix(f.File, "_test.go") || strings.Contains(f.Function, "/aiotest/internal/") {
		return false
	}
	rest, inside := strings.CutPrefix(f.Function, module)
	if inside {
		program := strings.HasPrefix(rest, "/examples/") || strings.HasPrefix(rest, "/bench")
		return rest != "" && (rest[0] == '.' || rest[0] == '/') && !program
	}
	first, _, _ := strings.Cut(f.Function, "/")
	pkg, _, named := strings.Cut(first, ".")
	return !named || pkg == "runtime" || pkg == "iter"
}
