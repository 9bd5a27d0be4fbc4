package aiotest

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/simfs"
	"github.com/aio-go/aio/internal/unclosed"
)

// problemKind is what went wrong in a run. Shrinking keeps the kind.
type problemKind string

const (
	problemCheck    problemKind = "check"
	problemAlways   problemKind = "invariant"
	problemError    problemKind = "error"
	problemPanic    problemKind = "panic"
	problemDeadlock problemKind = "deadlock"
	problemReport   problemKind = "report"
	problemLeak     problemKind = "leak"
	problemSteps    problemKind = "no progress"
	problemStarved  problemKind = "starvation"
	problemNever    problemKind = "never"
	problemOpen     problemKind = "not closed"
)

type problem struct {
	kind problemKind
	text string
}

func (p problem) String() string { return string(p.kind) + ": " + p.text }

// run is one run of the function.
type run struct {
	mu         sync.Mutex // for problems and logs: functions given to ToThread may add some
	problems   []problem
	logs       []string
	helpers    map[string]bool // names of functions
	cleanups   []func()
	always     []invariant
	eventually []invariant // those that have not come true
	steps      *int
	sometimes  map[string]bool                   // shared by all runs of a test
	story      *story                            // nil: it is not told
	decide     func(place uint32, m *menu) fault // what goes wrong in a World
	worlds     []*World
	forgiving  bool // a cancellation is no failure: the run makes some itself
}

func (r *run) helps(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.helpers == nil {
		r.helpers = map[string]bool{}
	}
	r.helpers[name] = true
}

func (r *run) isHelper(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.helpers[name]
}

const maxLogs = 200

func (r *run) log(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.logs) < maxLogs {
		r.logs = append(r.logs, line)
	}
}

func (r *run) fail(kind problemKind, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := problem{kind, text}
	r.problems = append(r.problems, p)
	if r.story != nil {
		line, _, _ := strings.Cut(p.String(), "\n")
		r.story.note(line)
		if len(r.worlds) > 0 {
			at := r.worlds[0].loop.Time().Sub(epoch)
			r.story.diagram.add(event{at: at, text: line, mark: '!'})
		}
	}
}

// failed returns the first problem's kind, empty if there is none.
func (r *run) failed() problemKind {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.problems) == 0 {
		return ""
	}
	return r.problems[0].kind
}

// body is the main task of a run.
func (r *run) body(ctx context.Context, t *T, fn program, leaks bool) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		r.endWorlds()
		if v := recover(); v != nil {
			r.panicked(v, debug.Stack())
		} else {
			r.fail(problemError, "the function called runtime.Goexit")
		}
	}()
	err = fn(ctx, t)
	returned = true
	r.endWorlds()
	if err == nil || !isDeadlock(err) {
		r.over()
	}
	if !leaks {
		r.findLeaks(ctx)
	}
	return err
}

func (r *run) panicked(v any, stack []byte) {
	p, ok := v.(*aio.PanicError)
	if !ok {
		p = &aio.PanicError{Value: v, Stack: stack}
	}
	if _, ok := p.Value.(failNow); ok {
		return // what failed is noted
	}
	r.fail(problemPanic, strings.TrimPrefix(fmt.Sprintf("%+v", p), "panic: "))
}

// returned looks at the error of the main task.
func (r *run) returned(err error) {
	if err == nil {
		return
	}
	switch {
	case isDeadlock(err):
		text := strings.TrimPrefix(err.Error(), "aio: deadlock: ")
		for _, e := range r.eventually {
			text += "; " + e.name + " never came true"
		}
		r.fail(problemDeadlock, text)
	case isFailNow(err):
	case r.forgiving && errtree.Is(err, context.Canceled):
	default:
		r.fail(problemError, err.Error())
	}
}

func isDeadlock(err error) bool {
	_, deadlock := errtree.As[*aio.DeadlockError](err)
	return deadlock
}

func isFailNow(err error) bool {
	if p, ok := errtree.As[*aio.PanicError](err); ok {
		_, failed := p.Value.(failNow)
		return failed
	}
	return false
}

// reported is the exception handler.
func (r *run) reported(_ *aio.Loop, rep aio.Report) {
	if isFailNow(rep.Err) || errtree.Is(rep.Err, simfs.ErrLost) {
		return
	}
	text := rep.Message
	if rep.Warning {
		if about := leftOpen(rep); about != "" {
			r.fail(problemOpen, text+": "+about)
		}
		return
	}
	if rep.TaskName != "" {
		text += ", task " + rep.TaskName
	}
	if rep.Site != "" {
		text += ", made at " + rep.Site
	}
	if rep.Err != nil {
		text += ": " + rep.Err.Error()
	}
	kind := problemReport
	if _, panicked := errtree.As[*aio.PanicError](rep.Err); panicked {
		kind = problemPanic
	}
	r.fail(kind, text)
}

// leftOpen says what was not closed, and by which line it was opened. It is empty for warnings
// about other things.
func leftOpen(rep aio.Report) string {
	var about []string
	sited := false
	for _, a := range rep.Attrs {
		sited = sited || a.Key == "opened" || a.Key == "requested_at"
		about = append(about, fmt.Sprintf("%s %s", strings.ReplaceAll(a.Key, "_", " "), a.Value))
	}
	if !sited {
		return ""
	}
	return strings.Join(about, ", ")
}

// findLeaks looks for tasks that are left when the function returns. Those that were cancelled are
// on their way out.
func (r *run) findLeaks(ctx context.Context) {
	loop := aio.RunningLoop(ctx)
	for _, call := range loop.PendingCalls() {
		if len(r.worlds) > 0 {
			break // those of hosts that have ended
		}
		r.fail(problemLeak, "the function has returned, but a timer still runs: "+call.String())
	}
	if len(loop.AllTasks()) == 1 {
		return
	}
	self := aio.CurrentTask(ctx).ID()
	servers := map[uint32]string{}
	for _, t := range loop.AllTasks() {
		servers[t.ID()] = unclosed.ServerOf(t)
	}
	for _, i := range loop.Snapshot(false).Tasks {
		if i.ID == self || i.Cancel != nil {
			continue
		}
		remedy := ""
		if at := servers[i.ID]; at != "" && strings.HasPrefix(i.Name, "stream handler") {
			i.Site = at // the line of the library would help nobody
			remedy = "; call Server.Shutdown, or Close and WaitClosed"
		}
		text := "the function has returned, but task " + i.Name
		if i.Site != "" {
			text += ", made at " + i.Site + ","
		}
		text += " has not ended"
		if i.Op != "" {
			text += "; it is in " + i.Op
		}
		text += remedy
		r.fail(problemLeak, text)
	}
}

// checkConditions checks the invariants and reports whether they hold. It drops what has come true.
func (r *run) checkConditions() bool {
	for _, a := range r.always {
		if !a.check() {
			r.fail(problemAlways, a.name+" does not hold")
			r.always = nil
			return false
		}
	}
	r.eventually = slices.DeleteFunc(r.eventually, func(e invariant) bool { return e.check() })
	return true
}

// over checks the conditions for the last time.
func (r *run) over() {
	if r.checkConditions() {
		for _, e := range r.eventually {
			r.fail(problemNever, e.name+" never came true")
		}
	}
	r.always, r.eventually = nil, nil
}

// end runs the cleanups.
func (r *run) end() {
	for len(r.cleanups) > 0 {
		last := len(r.cleanups) - 1
		fn := r.cleanups[last]
		r.cleanups = r.cleanups[:last]
		fn()
	}
}
