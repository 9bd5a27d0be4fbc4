package recorder

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/flight"
	"github.com/aio-go/aio/internal/safetext"
)

// Version is the version of the format of [Recording.WriteJSON].
const Version = 1

// Recording is what a loop has done, as far as it remembers.
type Recording struct {
	Version int       `json:"v"`
	PID     int       `json:"pid"`
	Program string    `json:"program"` // the name of its file
	Loop    uint64    `json:"loop"`    // its number, as package monitor counts; 0: it never ran
	Time    time.Time `json:"time"`    // the time 0 of the events, by the loop's clock
	Virtual bool      `json:"virtual"` // the clock was given, see aio.WithClock
	// Reason says what went wrong, if the recording was taken for that. Replay is for a run under
	// aiotest: the value for AIO_REPLAY.
	Reason string  `json:"reason,omitempty"`
	Replay string  `json:"replay,omitempty"`
	Lost   uint64  `json:"lost"`   // older events, which were overwritten
	Tasks  []Task  `json:"tasks"`  // those in the events, in the order of their numbers
	Events []Event `json:"events"` // the oldest first
}

// Task is a task of a [Recording].
type Task struct {
	ID   uint32 `json:"task"`
	Name string `json:"name"`
	Func string `json:"func,omitempty"` // its function, if its making was recorded
}

// What an [Event] is about. Steps, turns and waits follow each other: each lasts until the next of
// them.
const (
	Made     = "made"     // a task was made
	Step     = "step"     // a task takes its first step or goes on. Turns in a row are one step
	Callback = "callback" // a function given to CallSoon, CallLater or the like is called
	Timer    = "timer"    // a timer or a sleep is over
	Deadline = "deadline" // the time of a block is over
	Ready    = "ready"    // a descriptor or a source is ready
	Internal = "internal" // the loop's own work
	Due      = "due"      // timers are due; For is how late the first is
	Posts    = "posts"    // calls of other goroutines have come; N is how many
	Wait     = "wait"     // the loop waits
	End      = "end"      // a task has ended
	Cancel   = "cancel"   // a task, or one of its blocks, was asked to end
)

// Event is something that a loop did. Which fields it has depends on Do.
type Event struct {
	Number uint64 `json:"n"`
	// T is the time since Recording.Time when the clock was last read. It is read at each step,
	// but only at each 32nd while steps take less than a microsecond.
	T    time.Duration `json:"t"`
	Do   string        `json:"do"`             // Made, Step and so on
	Task uint32        `json:"task,omitempty"` // the task concerned
	// By is the number of the event that led to this one: for a step that of who woke the task, for
	// others that during which it happened. 0: the outside world, or it is not known.
	By   uint64        `json:"by,omitempty"`
	Op   string        `json:"op,omitempty"`   // the await that is over; of Cancel: the block
	Func string        `json:"func,omitempty"` // of a callback or timer
	End  string        `json:"end,omitempty"`  // of End: ok, failed or cancelled
	FD   int           `json:"fd,omitempty"`   // of Ready: the descriptor
	For  time.Duration `json:"for,omitempty"`
	N    int           `json:"count,omitempty"`
}

// recordingOf reads the ring of a loop.
func recordingOf(l *aio.Loop, ring *flight.Recorder) Recording {
	info := flight.About(l)
	r := Recording{Version: Version, PID: os.Getpid(), Program: program(), Loop: info.Number,
		Time: info.Epoch, Virtual: info.Virtual, Replay: info.Replay,
		Tasks: []Task{}, Events: []Event{}}
	r.read(ring.Copy())
	return r
}

func program() string {
	exe, err := os.Executable()
	if err != nil && len(os.Args) > 0 {
		exe = os.Args[0]
	}
	return safetext.Line(filepath.Base(exe))
}

// read fills in the events and tasks of a ring.
func (r *Recording) read(p flight.Picture) {
	r.Lost = p.First - p.Begin
	made := map[uint32]uint64{} // the event that made a task
	tasks := map[uint32]string{}
	funcs := map[uint32]string{}
	fn := func(place uint32) string {
		text, known := funcs[place]
		if !known {
			text = function(flight.Address(place))
			funcs[place] = text
		}
		return text
	}
	var now time.Duration
	for i, x := range p.Events {
		if x.What.Kind() == flight.Clock {
			now = time.Duration(x.Time())
			continue
		}
		e := Event{Number: p.First + uint64(i), T: now, Task: x.Task}
		e.By = causeOf(e.Number, x.Cause, p.First)
		if _, known := tasks[x.Task]; x.Task != 0 && !known {
			tasks[x.Task] = ""
		}
		switch x.What.Kind() {
		case flight.Made:
			e.Do, made[x.Task], tasks[x.Task] = Made, e.Number, fn(x.Arg)
		case flight.Start:
			e.Do, e.By = Step, made[x.Task]
		case flight.Step:
			e.Do, e.Op = Step, safetext.Line(p.Ops[x.What.Op()])
		case flight.Callback:
			e.Do, e.Func = Callback, fn(x.Arg)
		case flight.Timer:
			e.Do, e.Func = Timer, fn(x.Arg)
		case flight.Deadline:
			e.Do = Deadline
		case flight.Ready:
			e.Do, e.FD = Ready, int(x.Arg)
		case flight.Due:
			e.Do, e.For = Due, time.Duration(x.Arg)*time.Microsecond
		case flight.Posts:
			e.Do, e.N = Posts, int(x.Arg)
		case flight.Wait:
			e.Do = Wait
		case flight.Cancel:
			e.Do, e.Op = Cancel, safetext.Line(p.Ops[x.What.Op()])
		case flight.End:
			e.Do, e.End = End, [...]string{"ok", "failed", "cancelled"}[x.Arg]
		default:
			e.Do = Internal
		}
		r.Events = append(r.Events, e)
	}
	for id, fn := range tasks {
		t := Task{ID: id, Name: safetext.Message(p.Names[id]), Func: fn}
		if t.Name == "" {
			t.Name = fmt.Sprintf("Task-%d", id)
		}
		r.Tasks = append(r.Tasks, t)
	}
	slices.SortFunc(r.Tasks, func(a, b Task) int { return int(int64(a.ID) - int64(b.ID)) })
}

// causeOf returns the whole number of the event that led to event n, 0 if it is not there any more.
func causeOf(n uint64, cause uint32, first uint64) uint64 {
	if cause == 0 {
		return 0
	}
	by := n&^(1<<32-1) | uint64(cause)
	if by >= n {
		by -= 1 << 32
	}
	if by > n || by < first {
		return 0
	}
	return by
}

// function returns the name of a function of the program, "" if it is not known or is this module's
// wrapper of one.
func function(pc uintptr) string {
	if pc == 0 {
		return ""
	}
	f := runtime.FuncForPC(pc)
	if f == nil {
		return ""
	}
	name := path.Base(f.Name())
	if strings.HasPrefix(name, "aio.Bind") || strings.HasPrefix(name, "aio.Action") {
		return ""
	}
	return safetext.Line(strings.TrimSuffix(name, "-fm"))
}

// head is the first line of a recording.
type head struct {
	Is string `json:"aio"`
	Recording
	Tasks  []Task  `json:"tasks,omitempty"`
	Events []Event `json:"events,omitempty"`
}

const isRecording = "recording"

// WriteJSON writes the recording as lines of JSON. The first one has the fields of [Recording] but
// Tasks and Events, and "aio":"recording". Then follows a line for each task, and one for each
// event. New fields may come; readers ignore those that they do not know.
func (r Recording) WriteJSON(w io.Writer) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	err := e.Encode(head{Is: isRecording, Recording: r})
	for i := range r.Tasks {
		if err == nil {
			err = e.Encode(&r.Tasks[i])
		}
	}
	for i := range r.Events {
		if err == nil {
			err = e.Encode(&r.Events[i])
		}
	}
	return errors.Join(err, b.Flush())
}

// maxLine limits a line that is read.
const maxLine = 1 << 20

// Read reads a recording that [Recording.WriteJSON] has written.
func Read(in io.Reader) (Recording, error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	var h head
	number := 0
	for lines.Scan() {
		number++
		line := lines.Bytes()
		var err error
		if number == 1 {
			if err = json.Unmarshal(line, &h); err == nil && h.Is != isRecording {
				err = errors.New("this is no recording")
			}
			if err == nil && h.Version != Version {
				err = fmt.Errorf("its version is %d, known is %d", h.Version, Version)
			}
			h.Recording.Tasks, h.Recording.Events = []Task{}, []Event{}
		} else {
			err = h.Recording.add(line)
		}
		if err != nil {
			return Recording{}, fmt.Errorf("aio: recorder.Read: line %d: %w", number, err)
		}
	}
	err := lines.Err()
	if err == nil && number == 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return Recording{}, fmt.Errorf("aio: recorder.Read: %w", err)
	}
	return h.Recording, nil
}

// add adds what is in a line after the first.
func (r *Recording) add(line []byte) error {
	var e struct {
		Event
		Name *string `json:"name"`
		Func string  `json:"func"`
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return err
	}
	if e.Name != nil {
		r.Tasks = append(r.Tasks, Task{ID: e.Task, Name: *e.Name, Func: e.Func})
		return nil
	}
	e.Event.Func = e.Func
	r.Events = append(r.Events, e.Event)
	return nil
}
