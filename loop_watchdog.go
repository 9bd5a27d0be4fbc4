package aio

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio/internal/inspect"
	"github.com/aio-go/aio/internal/publish"
	"github.com/aio-go/aio/internal/safetext"
	"github.com/aio-go/aio/internal/unclosed"
)

// SetSlowCallbackDuration sets how long a step of a task or a callback may take before it is
// reported. Default: 100 ms. asyncio: slow_callback_duration.
func (l *Loop) SetSlowCallbackDuration(d time.Duration) { l.watchdog.limit = d }

// WithSlowCallback sets how long a step may take, and starts the watchdog even outside debug mode.
// The watchdog is a goroutine that logs the call that blocks the loop, while it blocks, with its
// stack. The log names a remedy: aiosync.Lock for sync.Mutex, [Recv] for a channel, [Group] for
// sync.WaitGroup, otherwise [ToThread]. A loop that waits for events is not reported. Default: 100
// ms, and the watchdog only in debug mode.
func WithSlowCallback(d time.Duration) Option {
	return option(func(l *Loop) { l.watchdog.limit, l.watchdog.on = d, d > 0 })
}

// watchdog is the part of a loop that notices a step that takes too long.
type watchdog struct {
	limit time.Duration // of a step
	on    bool          // also outside debug mode
	steps uint          // when moved was last set for their sake
	moved atomic.Int64  // when the loop last looked for events or breathed, see timekeeper.real

	notes   bool     // workers note their tasks: others may ask
	workers sync.Map // by goroutine: those that have noted one
}

// workerAt returns the worker of a goroutine, or nil. Any goroutine.
func (d *watchdog) workerAt(g uintptr) *worker {
	w, _ := d.workers.Load(g)
	found, _ := w.(*worker)
	return found
}

// noted is what others may know about the task on a worker. They cannot ask the worker itself,
// which serves one task after another.
type noted struct {
	id    uint32                   // of the task; written by publish.Uint32
	named atomic.Pointer[taskCore] // the last task that has a name of its own

	in    *watchdog // that lists the worker
	ended func()    // of the recorder's hooks, see Loop.begin; nil: none
}

// lookedAt returns what others may know about w.
func (w *worker) lookedAt() *noted {
	if w.noted == nil {
		w.noted = new(noted)
	}
	return w.noted
}

// note lets others know that t runs on w. It costs each task a store, and those with names more.
func (w *worker) note(t *taskCore) {
	n := w.lookedAt()
	if d := &w.loop.watchdog; n.in != d {
		n.in = d
		d.workers.Store(w.g, w)
	}
	if t.scope.name() != "" {
		n.named.Store(t)
	}
	publish.Uint32(&n.id, t.id)
}

// unnote is called after the end of the task on w.
func (w *worker) unnote() {
	if n := w.noted; n != nil && n.named.Load() != nil {
		n.named.Store(nil)
	}
}

// task returns the number of the task, and its name. Any goroutine.
func (n *noted) task() (id uint32, name string) {
	id = atomic.LoadUint32(&n.id)
	t := n.named.Load()
	switch {
	case id == 0:
		return 0, ""
	case t != nil && t.id == id:
		return id, safetext.Message(t.Name())
	case atomic.LoadUint32(&n.id) != id: // it has changed, and so may have the name
		return 0, ""
	}
	return id, defaultName(id)
}

// timedStep runs an entry of the ready queue in debug mode.
func (l *Loop) timedStep(r runnable) {
	begin := time.Now()
	if _, ok := r.(*taskCore); !ok && l.rec.ring != nil {
		l.recordEntry(r)
	}
	r.run()
	if d := time.Since(begin); l.watchdog.limit > 0 && d >= l.watchdog.limit {
		l.report(Report{
			Message: fmt.Sprintf("%s blocked the loop for %v%s",
				describe(r), d.Round(time.Millisecond), moveToThread),
			Warning: true,
		})
	}
}

func describe(r runnable) string {
	if s, ok := r.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", r)
}

// startWatchdog starts the goroutine that notices a step that blocks the loop. The returned
// function ends it.
func (l *Loop) startWatchdog() (stop func()) {
	if l.watchdog.limit <= 0 {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	limit := l.watchdog.limit
	go func() {
		defer close(ended)
		tick := time.NewTicker(max(limit/4, time.Millisecond))
		defer tick.Stop()
		var probe *beat
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			switch {
			case probe != nil && probe.came.Load():
				probe = nil
			case probe == nil:
				if !l.inbox.sleeping.Load() {
					probe = &beat{sent: time.Now()}
					probe.warn = probe.sent.Add(limit)
					l.inbox.put(probe)
				}
			case time.Now().After(probe.warn):
				l.logBlocked(time.Since(probe.sent))
				// Warn again if the step takes much longer.
				probe.warn = time.Now().Add(4 * time.Since(probe.sent))
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// beat is posted to the loop to see whether the loop still makes passes.
type beat struct {
	sent, warn time.Time
	came       atomic.Bool
}

func (b *beat) run() { b.came.Store(true) }

// logBlocked logs the call that blocks the loop. It runs on the watchdog's goroutine, because the
// loop cannot answer.
func (l *Loop) logBlocked(d time.Duration) {
	held, _, name := l.held()
	attrs := []slog.Attr{slog.Duration("for", d.Round(time.Millisecond))}
	message := "the loop is blocked"
	if held == nil {
		message += moveToThread
	} else {
		message += held.remedy()
		if frames := held.user(); len(frames) > 0 {
			attrs = append(attrs,
				slog.String("at", placeOf(frames)),
				slog.String("stack", joinFrames(frames)))
		}
		attrs = append(attrs, slog.String("state", held.state))
	}
	logReport(Report{Message: message, Warning: true, Attrs: attrs, TaskName: name})
	l.troubleBeside("a step blocks the loop")
}

// held returns the stack of the step that the loop is in, nil if it is not found, and the task
// whose step it is: 0 if there is none or it has changed meanwhile. Any goroutine.
func (l *Loop) held() (g *goroutineStack, id uint32, name string) {
	current := atomic.LoadUintptr(&l.currentG)
	w := l.watchdog.workerAt(current)
	if w != nil {
		id, name = w.noted.task()
	} else if current != 0 { // it has run since before somebody asked
		return nil, 0, ""
	}
	// A coroutine that is suspended waits, or has resumed what runs.
	for _, g := range dumpStacks(false) {
		switch {
		case w != nil && g.stack == pointerOf(w.stack):
			same := atomic.LoadUintptr(&l.currentG) == current &&
				atomic.LoadUint32(&w.noted.id) == id
			if same && g.task != 0 {
				return &g, id, name
			}
			return &g, 0, ""
		case g.loop == pointerOf(l):
			return &g, 0, ""
		}
	}
	return nil, 0, ""
}

func init() {
	inspect.Beside = func(loop any) inspect.Standstill { return loop.(*Loop).beside() }
	inspect.Note = func(loop any) { loop.(*Loop).note() }
}

// note makes the loop tell from now on which task runs. Any goroutine.
func (l *Loop) note() {
	if !l.onLoop() {
		l.inbox.put(noting{l})
		return
	}
	l.noteAll()
}

// noteAll makes workers note their tasks from now on.
func (l *Loop) noteAll() {
	if l.watchdog.notes {
		return
	}
	l.watchdog.notes = true
	l.watchBegins()
	for _, t := range l.tasks.slots {
		if t != nil && t.worker != nil {
			t.worker.note(t)
		}
	}
}

// noting is note's entry in the ready queue.
type noting struct{ l *Loop }

func (n noting) run() { n.l.note() }

// beside describes the step that the loop is in. Any goroutine.
func (l *Loop) beside() (s inspect.Standstill) {
	s.Since = max(0, time.Duration(l.clock.real()-l.watchdog.moved.Load()))
	s.Waits = l.inbox.sleeping.Load()
	g, id, name := l.held()
	s.Task, s.Name = id, name
	if g != nil {
		s.State, s.Remedy = g.state, g.remedy()
		frames := g.user()
		s.Stack, s.At = frameTexts(frames), placeOf(frames)
	}
	return s
}

func joinFrames(frames []stackFrame) string {
	return strings.Join(frameTexts(frames), " < ")
}

// remedies say which call blocks the loop and what to use instead. They are found by a prefix of a
// function's name on the stack. The first entry found in the step that blocks counts.
var remedies = []struct{ fn, text string }{
	{"net/http.(*Client).", "a request; use a Client of aiohttp"},
	{"net/http.(*Transport).", "a request; use a Client of aiohttp"},
	{"database/sql.", "a query; use package aiosql"},
	{"os/exec.(*Cmd).", "a child process; use package subprocess"},
	{"net.", "a connection; use package stream"},
	{"os.(*File).", "a file; use package aiofile, or ToThread"},
	{"sync.(*Once).", "sync.Once; move what it runs into ToThread"},
	{"sync.(*Mutex).", "sync.Mutex.Lock; use aiosync.Lock, so other tasks run" + orLibrary},
	{"sync.(*RWMutex).", "sync.RWMutex; use aiosync.RWLock, so other tasks run" + orLibrary},
	{"sync.(*WaitGroup).", "sync.WaitGroup.Wait; start the tasks in an aio.Group" + orLibrary},
	{"sync.(*Cond).", "sync.Cond.Wait; use aiosync.Condition" + orLibrary},
	{"time.Sleep", "time.Sleep; use aio.Sleep" + orLibrary},
}

// stateRemedies are those for channels, found by a prefix of the goroutine's state.
var stateRemedies = []struct{ state, text string }{
	{"chan receive", "a receive from a channel; use aio.Recv" + orLibrary},
	{"chan send", "a send to a channel; use aio.Send" + orLibrary},
	{"select", "a select; use aio.Select" + orLibrary},
}

const (
	orLibrary    = ", or ToThread if a library makes the call"
	moveToThread = "; move blocking calls and long computations into ToThread"
)

// remedy returns the end of the message "the loop is blocked".
func (g *goroutineStack) remedy() string {
	step := g.frames
	for i, f := range step {
		if strings.HasPrefix(f.fn, "github.com/aio-go/aio.(") {
			step = step[:i] // below it is what made the step
			break
		}
	}
	for _, r := range remedies {
		for _, f := range step {
			if strings.HasPrefix(f.fn, r.fn) {
				return " by " + r.text
			}
		}
	}
	for _, r := range stateRemedies {
		if strings.HasPrefix(g.state, r.state) {
			return " by " + r.text
		}
	}
	return moveToThread
}

// goroutineStack is one goroutine of a stack dump.
type goroutineStack struct {
	state  string // as the runtime shows it: running, coroutine, chan receive ...
	frames []stackFrame
	task   uintptr // the task that runs or waits on it, 0 if none does
	stack  uintptr // the coro.Stack that it is, 0 if it is none
	loop   uintptr // the loop that it runs, 0 if none
}

type stackFrame struct {
	fn   string
	site string // file:line, or file
	std  bool   // of the standard library
}

func (f stackFrame) String() string { return f.fn + " " + f.site }

// maxDump limits a stack dump; further stacks are missing.
const maxDump = 128 << 20

// dumpStacks returns the stacks of all goroutines, without the coroutines that are suspended if
// idle is false. The world stops while it runs, for about 10 µs for each goroutine.
func dumpStacks(idle bool) (out []goroutineStack) {
	buf := make([]byte, min(maxDump, 64<<10+2<<10*runtime.NumGoroutine()))
	n := runtime.Stack(buf, true)
	for n == len(buf) && n < maxDump {
		buf = make([]byte, min(maxDump, 4*len(buf)))
		n = runtime.Stack(buf, true)
	}
	for text := range bytes.SplitSeq(buf[:n], []byte("\n\n")) {
		head, _, _ := bytes.Cut(text, []byte("\n"))
		if idle || !bytes.Contains(head, []byte("[coroutine")) {
			out = append(out, parseStack(string(text)))
		}
	}
	return out
}

func parseStack(text string) (g goroutineStack) {
	lines := strings.Split(text, "\n")
	if _, rest, ok := strings.Cut(lines[0], "["); ok {
		g.state, _, _ = strings.Cut(rest, "]")
		g.state, _, _ = strings.Cut(g.state, ",")
	}
	for i := 1; i+1 < len(lines); i += 2 {
		call, place := lines[i], strings.TrimSpace(lines[i+1])
		if strings.HasPrefix(call, "created by ") {
			break
		}
		open := strings.LastIndexByte(call, '(')
		if open < 0 {
			break
		}
		fn, args := call[:open], call[open+1:]
		place = withoutNoLine(place)
		g.frames = append(g.frames, stackFrame{fn, filepath.Base(place), isStandard(fn, place)})
		switch fn {
		case taskFrame:
			g.task = firstPointer(args)
		case stackFrameFn:
			g.stack = firstPointer(args)
		case "github.com/aio-go/aio.(*Loop).run":
			g.loop = firstPointer(args)
			return g // below are the callers of Run
		}
	}
	return g
}

// withoutNoLine returns a place of a stack dump as "file:line". The jump of an endless loop without
// a body has no line: the compiler gives it 1, and for a test with -cover 0. Then it is "file".
func withoutNoLine(place string) string {
	place, _, _ = strings.Cut(place, " +0x")
	for _, none := range []string{":0", ":1"} {
		place = strings.TrimSuffix(place, none)
	}
	return place
}

// stackFrameFn is the function at the bottom of every coro.Stack.
const stackFrameFn = "github.com/aio-go/aio/coro.(*Stack).serve"

// isStandard reports whether a function is one of the standard library: its file stands in the
// folder src of Go, or with -trimpath in the folder of the package.
func isStandard(fn, place string) bool {
	slash := strings.LastIndexByte(fn, '/') + 1
	name, _, _ := strings.Cut(fn[slash:], ".")
	pkg, dir := fn[:slash]+name, filepath.ToSlash(filepath.Dir(place))
	first, _, _ := strings.Cut(pkg, "/")
	return !strings.Contains(first, ".") && (dir == pkg || strings.HasSuffix(dir, "/src/"+pkg))
}

// placeOf returns the innermost frame of the program's own code, "main.serve main.go:12": not one
// of this module or the standard library, if there is another.
func placeOf(frames []stackFrame) string {
	for _, f := range frames {
		file, _, _ := strings.Cut(f.site, ":")
		if !f.std && !unclosed.Ours(runtime.Frame{Function: f.fn, File: file}) {
			return f.String()
		}
	}
	if len(frames) > 0 {
		return frames[0].String()
	}
	return ""
}

func frameTexts(frames []stackFrame) []string {
	out := make([]string, len(frames))
	for i, f := range frames {
		out[i] = f.String()
	}
	return out
}

func firstPointer(args string) uintptr {
	first, _, _ := strings.Cut(strings.TrimSuffix(args, ")"), ",")
	n, _ := strconv.ParseUint(strings.TrimSuffix(first, "?"), 0, 64)
	return uintptr(n)
}

// user returns the frames of user code, innermost first: not those of the runtime, of waits in the
// standard library or of this package.
func (g *goroutineStack) user() []stackFrame {
	var out []stackFrame
	for _, f := range g.frames {
		if !ownFrame(f.fn) {
			out = append(out, f)
		}
	}
	return out
}

var ownPrefixes = []string{
	"runtime.", "runtime/", "internal/", "sync.", "time.", "syscall.", "iter.",
	"github.com/aio-go/aio.", "github.com/aio-go/aio/coro.", "github.com/aio-go/aio/aiosync.",
}

func ownFrame(fn string) bool {
	for _, prefix := range ownPrefixes {
		if strings.HasPrefix(fn, prefix) {
			return true
		}
	}
	return false
}

func pointerOf[T any](p *T) uintptr {
	n, _ := strconv.ParseUint(fmt.Sprintf("%p", p), 0, 64)
	return uintptr(n)
}
