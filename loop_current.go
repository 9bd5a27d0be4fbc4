package aio

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio/internal/goid"
	"github.com/aio-go/aio/internal/inspect"
	"github.com/aio-go/aio/internal/publish"
	"github.com/aio-go/aio/internal/wallclock"
)

// RunningLoop returns the loop that ctx belongs to. It panics if ctx has no loop. If another
// package calls it on behalf of its own caller, the panic names the function of that package. Any
// goroutine. asyncio: get_running_loop.
func RunningLoop(ctx context.Context) *Loop {
	if ctx != nil {
		if l := ownerOf(ctx); l != nil {
			return l
		}
	}
	return loopOf(ctx, entry("RunningLoop"))
}

// Now returns the time by the clock of the machine that a program runs on: that of the loop, or, on
// a host of a simulated world (package aiotest), the clock of the host, which a test may set wrong.
// Use it for times that other machines see, such as the end of a lease. For how long something
// takes, [Loop.Time] is right: it never goes back. Now panics if ctx is of no loop.
func Now(ctx context.Context) time.Time {
	return wallclock.Read(ctx, RunningLoop(ctx).Time())
}

// entry returns the exported function through which the program entered the package that calls op,
// as in "stream.Open". For the program's own main package and for tests it returns op.
func entry(op string) string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	path := ""
	for {
		frame, more := frames.Next()
		slash := strings.LastIndexByte(frame.Function, '/') + 1
		name, fn, _ := strings.Cut(frame.Function[slash:], ".")
		switch own := frame.Function[:slash] + name; {
		case strings.HasSuffix(frame.File, "_test.go"):
			return op
		case path == "" && name != "main":
			path = own
		case own != path:
			return op
		}
		fn = strings.NewReplacer("(*", "", ")", "", "[...]", "").Replace(fn)
		last := fn[strings.LastIndexByte(fn, '.')+1:]
		if last != "" && last[0] >= 'A' && last[0] <= 'Z' {
			op = name + "." + fn
		}
		if !more {
			return op
		}
	}
}

// CurrentTask returns the task that is running on the loop of ctx, or nil in a callback. It panics
// if ctx has no loop. asyncio: current_task.
func CurrentTask(ctx context.Context) AnyTask { return loopOf(ctx, "CurrentTask").CurrentTask() }

// CurrentTask returns the running task, or nil if none is running.
func (l *Loop) CurrentTask() AnyTask {
	w := l.current
	if w == nil {
		return nil
	}
	return w.task.any()
}

// running returns the worker on whose stack the caller runs, after checking that ctx belongs to its
// loop. It panics otherwise, because an await from elsewhere would corrupt the loop silently. On
// platforms where goroutine ids are slow to get, only debug mode checks the goroutine; otherwise
// the task of ctx must be the running one.
func running(ctx context.Context, op string) *worker {
	if s, ok := ctx.(*scope); ok {
		l := s.task.loop
		if goid.Fast {
			if atomic.LoadUintptr(&l.currentG) == goid.Get() {
				return l.current
			}
		} else if w := l.current; w != nil && !l.debug.Load() && w == s.task.worker {
			return w
		}
	}
	return runningSlow(ctx, op)
}

func runningSlow(ctx context.Context, op string) *worker {
	l := loopOf(ctx, op)
	if w := l.currentWorker(); w != nil {
		return w
	}
	if l.onLoop() {
		panic(misuse(op, "called from a callback, which cannot wait; "+
			"start a task with CreateTask(loop.Context(), ...) instead"))
	}
	if coroutine, task := callerStack(); coroutine && !task {
		if w := l.current; w != nil {
			return w // an await inside an iter.Pull of the user's own: the task is below it
		}
	}
	if l.inbox.isClosed() {
		panic(misuse(op, "the loop is closed; await before Close"))
	}
	panic(foreign(op))
}

// foreign is the message for an await on a goroutine that is none of the loop's. The remedy depends
// on what is below the call.
func foreign(op string) string {
	var pcs [128]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	handler := ""
	for more := true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		switch {
		case strings.HasPrefix(frame.Function, threadFrame):
			return misuse(op, "called in a function of ToThread or Blocking, "+
				"which must not await; "+
				"await before it or after it, or send the call to the loop with Submit")
		case strings.HasPrefix(frame.Function, "net/http."):
			handler = "; middleware that calls an HTTP handler on another goroutine " +
				"needs it inside aiohttp.OnLoop"
		}
	}
	return misuse(op, "called from a goroutine that is not the loop's; "+
		"wrap the blocking work in ToThread, "+
		"or send the call to the loop with Submit or CallSoonThreadsafe"+handler)
}

// threadFrame begins the names of the functions that call what ToThread was given.
const threadFrame = "github.com/aio-go/aio.(*threadJob["

// loopOf returns the loop that ctx belongs to. It panics if there is none.
func loopOf(ctx context.Context, op string) *Loop {
	if s, ok := ctx.(*scope); ok {
		return s.task.loop
	}
	if ctx == nil {
		panic(misuse(op, "the context is nil; pass the one that your function gets"))
	}
	if l := ownerOf(ctx); l != nil {
		return l
	}
	panic(misuse(op, "no running event loop: this context does not come from a task; "+
		"start with aio.Run and pass on the context that your function gets; "+
		"in a handler of net/http mount it by aiohttp.OnLoop, on other goroutines call Submit"))
}

// ownerOf returns the loop that ctx belongs to, or nil.
func ownerOf(ctx context.Context) *Loop {
	switch o := ctx.Value(ownerKey).(type) {
	case *scope:
		return o.task.loop
	case *ambient:
		return o.loop
	}
	return nil
}

// setCurrent records the worker whose task runs.
func (l *Loop) setCurrent(w *worker) {
	if l.current != w {
		l.changeCurrent(w)
	}
}

// changeCurrent lets other goroutines see only the goroutine of the worker: it costs less than half
// of an atomic pointer, and they need no more to know that they are not it.
func (l *Loop) changeCurrent(w *worker) {
	l.current = w
	if w == nil {
		publish.Uintptr(&l.currentG, 0)
	} else {
		publish.Uintptr(&l.currentG, w.g)
	}
}

// currentWorker returns the worker on whose stack the caller runs, or nil. Any goroutine may call
// it: no two living goroutines have the same id, so only the worker's own goes on to read current.
func (l *Loop) currentWorker() *worker {
	if g := atomic.LoadUintptr(&l.currentG); g != 0 && g == goid.Self() {
		return l.current
	}
	return nil
}

// onLoop reports whether the caller runs on the loop: on the goroutine that runs it, or on the
// stack of the running task.
func (l *Loop) onLoop() bool {
	return l.g.Load() == goid.Self() || l.currentWorker() != nil
}

func goroutineNumber() uint64 { return goid.Slow() }

// asNobody calls fn with no running task. It is for user code that should only print, such as a
// String method: an await there panics.
func (l *Loop) asNobody(fn func()) {
	if l == nil || !l.onLoop() {
		fn()
		return
	}
	w := l.current
	l.setCurrent(nil)
	defer l.setCurrent(w)
	fn()
}

// InTask reports whether the caller may await with ctx: it runs in a task of the loop of ctx. It is
// for functions that tasks and other goroutines both call, such as a Read method. Without a loop in
// ctx it returns false. Any goroutine.
func InTask(ctx context.Context) bool {
	l := ownerOf(ctx)
	if l == nil {
		return false
	}
	if l.currentWorker() != nil {
		return true
	}
	coroutine, task := callerStack() // like an await: it may be inside an iter.Pull of the task
	return coroutine && !task && !l.onLoop() && atomic.LoadUintptr(&l.currentG) != 0
}

// IsHere reports whether the caller runs on the loop, in a task or a callback. Elsewhere use
// [Submit] or [Loop.CallSoonThreadsafe]. Whether the caller may await is told by [InTask]. Any
// goroutine.
func (l *Loop) IsHere() bool { return l.onLoop() }

// mustBeHere is check for operations that wake tasks. On another goroutine the wake-up would be
// lost, so it panics even outside debug mode.
func (l *Loop) mustBeHere(op string) {
	l.check(op)
	if goid.Fast && l.running.Load() && !l.onLoop() && !inCoroutine() {
		panic(misuse(op, "called from a goroutine that is not the loop's; use CallSoonThreadsafe"))
	}
}

// check panics if the loop is closed, and in debug mode if the caller is on another goroutine.
func (l *Loop) check(op string) {
	if l.closed.Load() {
		panic(misuse(op, "the loop is closed; make a new one"))
	}
	l.MustBeHere(op)
}

// MustBeHere panics in debug mode, with op in the message, if the loop runs and the caller is on a
// goroutine that is not the loop's. Outside of debug mode it does nothing. Methods that are for the
// loop only, and have no context that would tell, begin with it. Any goroutine. asyncio checks
// call_soon in this way.
func (l *Loop) MustBeHere(op string) {
	if l.debug.Load() {
		l.mustBeOnLoop(op)
	}
}

func (l *Loop) mustBeOnLoop(op string) {
	if l.running.Load() && !l.onLoop() && !inCoroutine() {
		problem := "called from a goroutine that is not the loop's (goroutine %d); " +
			"use CallSoonThreadsafe or Submit"
		panic(misuse(op, fmt.Sprintf(problem, goroutineNumber())))
	}
}

// debugging is the number of loops in debug mode. While it is 0, what has no loop yet pays no more
// than a load.
var debugging atomic.Int32

func (l *Loop) setDebug(on bool) {
	switch {
	case l.debug.Swap(on) == on || l.closed.Load():
	case on:
		debugging.Add(1)
	default:
		debugging.Add(-1)
	}
}

// loopHere returns the loop on which the caller runs, or nil. Only debug mode and panics can afford
// it.
func loopHere() *Loop {
	for _, e := range inspect.Running() {
		if l := e.Loop().(*Loop); l.onLoop() {
			return l
		}
	}
	return nil
}

// inCoroutine reports whether the caller's stack is that of a coroutine.
func inCoroutine() bool {
	coroutine, _ := callerStack()
	return coroutine
}

// callerStack reports whether the caller's stack is that of a coroutine, and whether it is that of
// a task, of any loop. Awaits in iterators that are stepped by hand call it each time. So it
// compares the entry addresses of functions: names and lines of inlined calls would take ten times
// as long.
func callerStack() (coroutine, task bool) {
	var pcs [64]uintptr
	// The bottom frame is runtime.goexit; the frame before it is where the goroutine began.
	var last, before uintptr
	for skip := 0; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		for _, pc := range pcs[:n] {
			before, last = last, pc
			if f := runtime.FuncForPC(pc - 1); f != nil && f.Entry() == taskEntry {
				task = true
			}
		}
		if n < len(pcs) {
			return startsCoroutine(before) || startsCoroutine(last), task
		}
	}
}

func startsCoroutine(pc uintptr) bool {
	f := runtime.FuncForPC(pc - 1)
	return f != nil && f.Name() == "runtime.corostart"
}

// runningLoops counts the loops of the process that are running. Package inspect knows which.
var runningLoops atomic.Int32

// insideLoop reports whether a loop is below the caller on its stack.
func insideLoop() bool {
	if runningLoops.Load() == 0 {
		return false
	}
	var pcs [64]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		for _, pc := range pcs[:n] {
			if f := runtime.FuncForPC(pc - 1); f != nil && slices.Contains(loopEntries, f.Entry()) {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

// loopEntries are the entry addresses of the functions that call everything else on a loop.
var loopEntries = []uintptr{
	reflect.ValueOf((*Loop).run).Pointer(),
	reflect.ValueOf((*Loop).runRest).Pointer(),
	reflect.ValueOf((*hooks).call).Pointer(),
	taskEntry,
}

// ambient is the context of the loop itself, whatever task runs.
type ambient struct{ loop *Loop }

func (*ambient) Deadline() (time.Time, bool) { return time.Time{}, false }
func (*ambient) Done() <-chan struct{}       { return nil }
func (*ambient) Err() error                  { return nil }
func (a *ambient) String() string            { return "aio ambient context" }
func (a *ambient) Value(key any) any {
	if key == any(ownerKey) {
		return a
	}
	return (*a.loop.base.Load()).Value(key)
}
