package flight

import "time"

// The seam through which package recorder makes loops record. The root sets the functions, so it
// exports nothing for recorder and knows nothing of its formats. A loop is an *aio.Loop.
var (
	// Option returns an aio.Option that calls fn with the new loop, after all other options.
	Option func(fn func(loop any)) any
	// Record makes the loop record into a new ring of n events, and as the hooks say; 0 ends it.
	// Loop only, or before it runs.
	Record func(loop any, n int, hooks *Hooks)
	// Of returns the ring of a loop, nil if it has none. Any goroutine.
	Of func(loop any) *Recorder
	// About describes a loop. Any goroutine.
	About func(loop any) Info
	// Replay makes fn tell how the run of the loop can be replayed. Before it runs.
	Replay func(loop any, fn func() string)
)

// Info describes a loop.
type Info struct {
	Number  uint64    // see package inspect
	Epoch   time.Time // the time 0 of the events
	Virtual bool      // its clock is not the machine's
	Replay  string    // how to replay its run; known only on the loop
}

// Default is called with each new loop, if it is set.
var Default func(loop any)

// Hooks are functions that a loop calls while it records.
type Hooks struct {
	// Trouble is called when something has gone wrong, on the loop or its watchdog's goroutine.
	// replay says how to run this once more, if that is known.
	Trouble func(reason, replay string)
	// Began is called on the stack of a task before its first step, and the result after its end.
	Began func(id uint32, name string) (ended func())
}
