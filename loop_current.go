package aio

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/aio-go/aio/internal/goid"
)

// RunningLoop returns the loop that ctx belongs to. It panics if there is none; if a package calls it
// for its own caller, the panic names the function of the package. asyncio: get_running_loop.
func RunningLoop(ctx context.Context) *Loop {
	if ctx != nil {
		if l := ownerOf(ctx); l != nil {
			return l
		}
	}
	return loopOf(ctx, entry("RunningLoop"))
}

// entry returns the exported function through which a program has entered the package that calls op, as
// in "stream.Open". A program's own main package and tests have no entry: then it returns op.
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
		if last := fn[strings.LastIndexByte(fn, '.')+1:]; last != "" && last[0] >= 'A' && last[0] <= 'Z' {
			op = name + "." + fn
		}
		if !more {
			return op
		}
	}
}

// CurrentTask returns the task that is running on the loop of ctx, nil in a callback. It panics if ctx has no loop. asyncio: current_task.
func CurrentTask(ctx context.Context) AnyTask { return loopOf(ctx, "CurrentTask").CurrentTask() }

// CurrentTask returns the task that is running, nil if none is. Loop only.
func (l *Loop) CurrentTask() AnyTask {
	w := l.current.Load()
	if w == nil {
		return nil
	}
	return w.task.any()
}

// running returns the worker on whose stack the caller runs, after checking that ctx belongs to its loop. It panics otherwise: an await
// from elsewhere would corrupt the loop silently. Where it takes long to tell goroutines apart only debug mode does; otherwise it has to do
// that the task of ctx is the one that runs.
func running(ctx context.Context, op string) *worker {
	if s, ok := ctx.(*scope); ok {
		l := s.task.loop
		w := l.current.Load()
		if w != nil && (goid.Fast && w.g == goid.Get() || !goid.Fast && !l.debug.Load() && w == s.task.worker) {
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
		panic(misuse(op, "called from a callback, which cannot wait; start a task with CreateTask(loop.Context(), ...) instead"))
	}
	if coroutine, task := callerStack(); coroutine && !task {
		if w := l.current.Load(); w != nil {
			return w // an await inside an iter.Pull of the user's own: the task is below it
		}
	}
	l.mu.Lock()
	over := l.postsShut
	l.mu.Unlock()
	if over {
		panic(misuse(op, "the loop is closed; nothing waits there any more"))
	}
	panic(foreign(op))
}

func foreign(op string) string {
	return misuse(op, "called from a goroutine that is not the loop's; wrap the blocking work in ToThread, "+
		"or send the call to the loop with Submit or CallSoonThreadsafe; "+
		"middleware that calls an HTTP handler on another goroutine needs it inside aiohttp.OnLoop")
}

// loopOf finds the loop that ctx belongs to.
func loopOf(ctx context.Context, op string) *Loop {
	if s, ok := ctx.(*scope); ok {
		return s.task.loop
	}
	if ctx == nil {
		panic(misuse(op, "the context is nil; pass the one your task function was given"))
	}
	if l := ownerOf(ctx); l != nil {
		return l
	}
	panic(misuse(op, "no running event loop: this context does not come from a task; start with aio.Run and pass on the context that your function gets; "+
		"in a handler of net/http mount it by aiohttp.OnLoop, on other goroutines call Submit"))
}

// ownerOf is the loop that ctx belongs to, nil if there is none.
func ownerOf(ctx context.Context) *Loop {
	switch o := ctx.Value(ownerKey).(type) {
	case *scope:
		return o.task.loop
	case *ambient:
		return o.loop
	}
	return nil
}

// setCurrent notes whose task runs.
func (l *Loop) setCurrent(w *worker) {
	if l.current.Load() != w {
		l.current.Store(w)
	}
	if l.watched {
		l.noteTask(w)
	}
}

// noteTask notes the task itself, for the watchdog: it cannot ask the worker, which goes from task to task.
func (l *Loop) noteTask(w *worker) {
	if w == nil {
		l.noted.Store(nil)
	} else {
		l.noted.Store(w.task)
	}
}

// currentWorker returns the worker on whose stack the caller runs, nil if the caller runs elsewhere. Any goroutine: what it reads of
// a worker never changes, and no two goroutines that are alive have the same number.
func (l *Loop) currentWorker() *worker {
	if w := l.current.Load(); w != nil && w.g == goid.Self() {
		return w
	}
	return nil
}

// onLoop reports whether the caller runs on the loop: on the goroutine that runs it, or on the stack of the task that runs.
func (l *Loop) onLoop() bool {
	return l.g.Load() == goid.Self() || l.currentWorker() != nil
}

func goroutineNumber() uint64 { return goid.Slow() }

// asNobody calls fn with no task running. User code that is only to print something, such as a String method, cannot await there: that panics.
func (l *Loop) asNobody(fn func()) {
	if l == nil || !l.onLoop() {
		fn()
		return
	}
	w := l.current.Load()
	l.setCurrent(nil)
	defer l.setCurrent(w)
	fn()
}

// InTask reports whether the caller may await with ctx: whether it runs in a task of the loop that ctx belongs to. It is for what both tasks
// and other goroutines call, such as a Read method, and works on any goroutine. Without a loop in ctx it is false.
func InTask(ctx context.Context) bool {
	l := ownerOf(ctx)
	if l == nil {
		return false
	}
	if l.currentWorker() != nil {
		return true
	}
	coroutine, task := callerStack() // as an await does: it may be inside an iter.Pull of the task's
	return coroutine && !task && !l.onLoop() && l.current.Load() != nil
}

// IsHere reports whether the caller runs on the loop: in one of its tasks or callbacks. Only there may what belongs to the loop be used
// without [Submit] or [Loop.CallSoonThreadsafe]. It works on any goroutine. A task may also await, see [InTask].
func (l *Loop) IsHere() bool { return l.onLoop() }

// mustBeHere is check for what wakes tasks: a call from another goroutine would be lost on a loop that waits, so it always panics.
func (l *Loop) mustBeHere(op string) {
	l.check(op)
	if goid.Fast && l.running.Load() && !l.onLoop() && !inCoroutine() {
		panic(misuse(op, "called from a goroutine that is not the loop's; use CallSoonThreadsafe"))
	}
}

// check panics if the loop is closed, and in debug mode if the caller is on another goroutine.
func (l *Loop) check(op string) {
	if l.closed.Load() {
		panic(misuse(op, "the loop is closed; it runs nothing any more"))
	}
	if l.debug.Load() && l.running.Load() && !l.onLoop() && !inCoroutine() {
		panic(misuse(op, fmt.Sprintf("called from a goroutine that is not the loop's (goroutine %d); use CallSoonThreadsafe or Submit", goroutineNumber())))
	}
}

// inCoroutine reports whether the caller's stack is that of a coroutine.
func inCoroutine() bool {
	coroutine, _ := callerStack()
	return coroutine
}

// callerStack reports whether the caller's stack is that of a coroutine, and whether it is the stack of a task, of whichever loop. Awaits in
// iterators that are stepped by hand ask this each time, so frames are told apart by where their functions begin: names of inlined calls
// and lines would make it ten times as dear.
func callerStack() (coroutine, task bool) {
	var pcs [64]uintptr
	var last, before uintptr // the bottom frame is runtime.goexit; the one before it is where the goroutine began
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

// runningLoops counts the loops of the process that are running.
var runningLoops atomic.Int32

// insideLoop reports whether the caller runs, directly or not, on a loop.
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

// loopEntries are where the functions begin from which a loop calls everything else.
var loopEntries = []uintptr{
	reflect.ValueOf((*Loop).run).Pointer(), reflect.ValueOf((*Loop).runRest).Pointer(), reflect.ValueOf((*hooks).call).Pointer(), taskEntry,
}
