// Package inspect is the seam through which package monitor looks at loops from outside: which of
// them run, and what holds one up that does not answer. The root registers its loops here. So it
// need not know monitor, and exports nothing for it.
package inspect

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Standstill describes the step that a loop is in, seen from another goroutine.
type Standstill struct {
	Since  time.Duration // how long ago the loop last waited for events, or looked for them
	Waits  bool          // the loop waits for events, or is about to
	Task   uint32        // the task whose step it is; 0: a callback, or unknown
	Name   string        // of the task; safe to print
	State  string        // of the goroutine, as the runtime shows it: running, sleep, chan receive
	Remedy string        // what the call is and what to use instead
	Stack  []string      // frames that are not the runtime's, innermost first
	At     string        // the program's own function among them, and its line
}

// Beside describes the step that a loop, an *aio.Loop, is in. The process stops for a moment. Any
// goroutine. The root sets it.
var Beside func(loop any) Standstill

// Snapshot returns an aio.Snapshot whose tasks stand in room, a []aio.TaskInfo, if that is large
// enough. Loop only. The root sets it.
var Snapshot func(loop any, stacks bool, room any) any

// Live returns the number of tasks. Loop only. The root sets it.
var Live func(loop any) int

// Note lets Beside name the task of a loop that runs already. Any goroutine. The root sets it.
var Note func(loop any)

// What bridges to other libraries need and nobody else should use. The root sets them.
var (
	// TaskOf returns the aio.AnyTask that a context belongs to, or nil. Any goroutine.
	TaskOf func(ctx context.Context) any
	// EntryOf returns the entry of the loop that a context belongs to, or nil. Any goroutine.
	EntryOf func(ctx context.Context) *Entry
	// Derive replaces the values of the context of a task that has not started. Loop only.
	Derive func(task any, derive func(ctx context.Context) context.Context)
	// EndContext ends the context of a task that is about to return, for those who keep it. The
	// outcome of the task does not change. In the task only.
	EndContext func(ctx context.Context)
	// Outcome returns the error of a task that has ended. It does not count as seen. Loop only.
	Outcome func(task any) error
	// Counters returns the aio.Counters of a loop. Loop only.
	Counters func(loop any) any
)

// Entry is the place of a loop among those that run.
type Entry struct {
	Number uint64 // in the order of the first runs, from 1; 0: it has not run yet
	loop   any
}

// Running returns the number. Any goroutine.
func (e *Entry) Running() uint64 {
	mu.Lock()
	defer mu.Unlock()
	return e.Number
}

// Loop returns the loop, an *aio.Loop.
func (e *Entry) Loop() any { return e.loop }

var (
	mu      sync.Mutex
	running []*Entry
	last    uint64
	watcher atomic.Pointer[Watcher]
	wanted  atomic.Bool
)

// Watcher is told that loops begin to run and are closed, on their goroutines.
type Watcher struct {
	Began  func()
	Closed func(left int) // how many run still
}

// Watch sets the watcher of the process; nil removes it.
func Watch(w *Watcher) { watcher.Store(w) }

// Want lets Beside name the tasks of all loops, those that run already and those to come.
func Want() {
	wanted.Store(true)
	for _, e := range Running() {
		Note(e.loop)
	}
}

// Watched reports whether somebody may ask for a loop from beside.
func Watched() bool { return watcher.Load() != nil || wanted.Load() }

// Begin records that the loop of e runs.
func Begin(e *Entry, loop any) {
	mu.Lock()
	if e.Number == 0 {
		last++
		e.Number, e.loop = last, loop
	}
	running = append(running, e)
	mu.Unlock()
	if w := watcher.Load(); w != nil {
		w.Began()
	}
}

// End records that the loop of e does not run any more.
func End(e *Entry) {
	mu.Lock()
	defer mu.Unlock()
	if i := slices.Index(running, e); i >= 0 {
		running = slices.Delete(running, i, i+1)
	}
}

// Close records that the loop of e is closed.
func Close(e *Entry) {
	End(e)
	if w := watcher.Load(); w != nil {
		mu.Lock()
		left := len(running)
		mu.Unlock()
		w.Closed(left)
	}
}

// Running returns the loops that run, in the order in which they began.
func Running() []*Entry {
	mu.Lock()
	defer mu.Unlock()
	return slices.Clone(running)
}
