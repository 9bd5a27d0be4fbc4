package monitor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/inspect"
	"github.com/aio-go/aio/internal/safetext"
)

// Version is the version of the protocol and of [Picture].
const Version = 1

// Picture is what the loops of a process do.
type Picture struct {
	Version   int       `json:"v"`
	PID       int       `json:"pid"`
	Program   string    `json:"program"` // the name of its file
	Go        string    `json:"go"`      // the version of Go that it was built with
	Time      time.Time `json:"time"`
	CanCancel bool      `json:"can_cancel"`
	Loops     []Loop    `json:"loops"` // those that run, in the order in which they began
}

// Loop is one loop of a [Picture].
type Loop struct {
	Number uint64 `json:"loop"` // in the order of first runs, from 1
	// Busy is set if the loop did not answer in time. Snapshot is then the last one that somebody
	// has asked for, if any, and Age is how old it is.
	Busy     *Busy         `json:"busy,omitempty"`
	Age      time.Duration `json:"age,omitempty"`
	Took     time.Duration `json:"took"` // for how long the loop stood still for the snapshot
	Live     int           `json:"live"` // the number of tasks in the snapshot
	Snapshot *aio.Snapshot `json:"snapshot,omitempty"`
	// NoStacks says why the snapshot has no stacks although they were asked for.
	NoStacks string `json:"no_stacks,omitempty"`
}

// Busy is the step of a loop that does not answer, seen from beside it.
type Busy struct {
	// Since is how long ago the loop last looked for events or counted its steps. A step that
	// blocks has taken at most that long.
	Since  time.Duration `json:"since"`
	Task   uint32        `json:"task,omitempty"` // 0: a callback, or unknown
	Name   string        `json:"name,omitempty"` // of the task
	State  string        `json:"state"`          // of its goroutine: running, sleep, chan receive
	Advice string        `json:"advice"`         // what blocks and what to use instead
	At     string        `json:"at"`             // the program's function and line
	Stack  []string      `json:"stack"`
}

// Question says what a picture is to show. The zero value asks for all tasks, without stacks.
type Question struct {
	Loop   uint64 // only this loop; 0: all
	Stacks bool   // with the stack of each task, if the process has at most 10,000 goroutines
	Force  bool   // with stacks even if it has more: it stops for 20 µs for each
	Brief  bool   // only numbers, without the tasks
}

const (
	// patience is how long a loop has to begin its answer before it is looked at from beside.
	patience = 60 * time.Millisecond
	// slowest is how long it may then take: a String method of the program may block.
	slowest = 2 * time.Second
	// rest is how many times as long as a picture took a loop is left alone after it.
	rest = 3
	// maxStacks is the number of goroutines up to which stacks are shown.
	maxStacks = 10_000
)

// Take returns a picture of the loops of this process. It takes about 60 ms longer if a loop does
// not answer. It returns the error of ctx if that ends first. Any goroutine. A task calls it in
// aio.ToThread, because it waits for the other loops.
func Take(ctx context.Context, q Question) (Picture, error) {
	p := Picture{Version: Version, PID: os.Getpid(), Program: program(), Go: runtime.Version(),
		Time: time.Now(), Loops: []Loop{}}
	entries := inspect.Running()
	forget(entries)
	entries = slices.DeleteFunc(entries, func(e *inspect.Entry) bool {
		return q.Loop != 0 && e.Number != q.Loop
	})
	p.Loops = make([]Loop, len(entries))
	var all sync.WaitGroup
	for i, e := range entries {
		all.Go(func() { p.Loops[i] = subjectOf(e).picture(ctx, q) })
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return Picture{}, err
	}
	return p, nil
}

func program() string {
	exe, err := os.Executable()
	if err != nil && len(os.Args) > 0 {
		exe = os.Args[0]
	}
	return safetext.Line(filepath.Base(exe))
}

// subject is a loop about which somebody has asked. However many ask, one picture at a time is
// under way, so a loop that does not answer gets one call and no more.
type subject struct {
	entry *inspect.Entry
	loop  *aio.Loop

	mu   sync.Mutex
	call *call // under way
	last shot
	free time.Time // no new picture before

	besideMu sync.Mutex // one look from beside at a time
	beside   inspect.Standstill
	nextLook time.Time

	lent    lent
	lending bool // the loop has a recorder for their sake; the loop's own
}

// shot is a snapshot as it was taken.
type shot struct {
	snapshot aio.Snapshot
	took     time.Duration
	at       time.Time // zero: there is none
	noStacks string
}

// call is a call to a loop for a shot.
type call struct {
	q     Question // what it will show
	asked time.Time
	begun atomic.Bool // the loop takes it
	room  []aio.TaskInfo
	done  chan struct{}
	shot  shot
}

func (f *call) serves(q Question) bool {
	return (!q.Stacks || f.q.Stacks) && (!q.Force || f.q.Force)
}

var (
	subjectsMu sync.Mutex
	subjects   = map[*inspect.Entry]*subject{}
)

func subjectOf(e *inspect.Entry) *subject {
	subjectsMu.Lock()
	defer subjectsMu.Unlock()
	s := subjects[e]
	if s == nil {
		s = &subject{entry: e, loop: e.Loop().(*aio.Loop)}
		subjects[e] = s
	}
	return s
}

// forget drops what is known about loops that do not run any more.
func forget(running []*inspect.Entry) {
	subjectsMu.Lock()
	defer subjectsMu.Unlock()
	for e := range subjects {
		if !slices.Contains(running, e) {
			delete(subjects, e)
		}
	}
}

func (s *subject) picture(ctx context.Context, q Question) Loop {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	l := Loop{Number: s.entry.Number}
	shot, err := s.ask(ctx, q)
	for range 20 {
		if err == nil || !s.look().Waits {
			break
		}
		shot, err = s.ask(ctx, q) // it is woken, and the machine has much else to do
	}
	if err != nil {
		s.mu.Lock()
		shot = s.last
		s.mu.Unlock()
		b := s.look()
		l.Busy = &Busy{Since: b.Since, Task: b.Task, Name: b.Name, State: b.State,
			Advice: "the loop is blocked" + b.Remedy, At: b.At, Stack: b.Stack}
		if !shot.at.IsZero() {
			l.Age = time.Since(shot.at)
		}
	}
	if shot.at.IsZero() {
		return l
	}
	l.Took, l.Live, l.NoStacks = shot.took, len(shot.snapshot.Tasks), shot.noStacks
	snapshot := shot.snapshot
	if q.Brief {
		snapshot.Tasks = []aio.TaskInfo{}
	}
	l.Snapshot = &snapshot
	return l
}

var errBusy = errors.New("the loop does not answer")

// ask returns a new shot, or errBusy if the loop has not answered in time.
func (s *subject) ask(ctx context.Context, q Question) (shot, error) {
	if s.loop.IsHere() { // nobody else could answer
		f := &call{q: q, asked: time.Now(), done: make(chan struct{})}
		s.take(f)
		return f.shot, nil
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		f, wait := s.board(q)
		if f == nil { // the loop has a rest
			select {
			case <-time.After(wait):
				limit.Reset(patience)
				continue
			case <-ctx.Done():
				return shot{}, context.Cause(ctx)
			}
		}
		select {
		case <-f.done:
			if f.serves(q) {
				return f.shot, nil
			}
		case <-ctx.Done():
			return shot{}, context.Cause(ctx)
		case <-limit.C:
			if !f.begun.Load() {
				return shot{}, errBusy
			}
			if time.Since(f.asked) > slowest {
				return shot{}, errBusy
			}
			limit.Reset(patience) // a picture of many tasks takes its time
		}
	}
}

// board returns the call that is under way, or a new one, or how long the loop has a rest.
func (s *subject) board(q Question) (f *call, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.call != nil {
		return s.call, 0
	}
	if wait := time.Until(s.free); wait > 0 {
		return nil, wait
	}
	f = &call{q: q, asked: time.Now(), done: make(chan struct{})}
	s.call = f
	_, err := s.loop.CallSoonThreadsafe(func() { s.prepare(f) })
	if err != nil { // it is closed
		s.call = nil
	}
	return f, 0
}

// many is the number of tasks for which the memory is made elsewhere: the loop would stand still
// for longer, and help the garbage collector in proportion to what it takes.
const many = 5000

// prepare takes the picture, on the loop. If there are many tasks it has memory made for it first.
func (s *subject) prepare(f *call) {
	f.begun.Store(true)
	n := inspect.Live(s.loop)
	if n < many {
		s.take(f)
		return
	}
	go func() {
		room := make([]aio.TaskInfo, n+n/8)
		for i := range room {
			room[i].ID = 1 // so that the system gives the memory now
		}
		f.room = room[:0]
		if _, err := s.loop.CallSoonThreadsafe(func() { s.take(f) }); err != nil { // it is closed
			s.end(f)
		}
	}()
}

// take is the call, on the loop.
func (s *subject) take(f *call) {
	f.begun.Store(true)
	stacks := f.q.Stacks
	if n := runtime.NumGoroutine(); stacks && n > maxStacks && !f.q.Force {
		stacks = false
		f.shot.noStacks = fmt.Sprintf("the process has %d goroutines; it would stop for %v",
			n, (time.Duration(n) * 20 * time.Microsecond).Round(time.Millisecond))
	}
	begin := time.Now()
	f.shot.snapshot = inspect.Snapshot(s.loop, stacks, f.room).(aio.Snapshot)
	f.shot.at = time.Now()
	f.shot.took = f.shot.at.Sub(begin)
	f.room = nil
	s.mu.Lock()
	s.last, s.free = f.shot, f.shot.at.Add(rest*f.shot.took)
	s.mu.Unlock()
	s.end(f)
}

// end ends a call.
func (s *subject) end(f *call) {
	s.mu.Lock()
	if s.call == f {
		s.call = nil
	}
	s.mu.Unlock()
	close(f.done)
}

// look looks at the loop from beside, at most ten times a second. The process stops meanwhile, so
// with many goroutines it looks less often.
func (s *subject) look() inspect.Standstill {
	s.besideMu.Lock()
	defer s.besideMu.Unlock()
	if now := time.Now(); now.After(s.nextLook) {
		s.beside = inspect.Beside(s.loop)
		s.nextLook = time.Now().Add(max(patience, 10*time.Since(now)))
	}
	return s.beside
}
