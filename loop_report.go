package aio

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/safetext"
	"github.com/aio-go/aio/internal/stacktext"
)

// Report is an error that no caller can be told. asyncio: the context of call_exception_handler.
type Report struct {
	Message  string      // what happened
	Err      error       // nil if there is no error to show
	TaskName string      // of the task concerned, if any; safe to print
	Site     string      // where that task or callback was made, as far as it is known
	Warning  bool        // nothing has failed yet: the default handler logs at level warning
	Attrs    []slog.Attr // more, for the log

	// Context has the values of the task concerned, such as a request id. If the report is not
	// about a task, it has the values the loop was started with. It is never nil in a handler.
	Context context.Context
}

// report returns a report about a task.
func (t *taskCore) report(message string, err error) Report {
	return Report{
		Message:  message,
		Err:      err,
		TaskName: t.shownName(),
		Site:     t.core.site(),
		Context:  context.WithoutCancel(t.scope.values),
	}
}

// SetExceptionHandler sets the function that gets the reports. With nil the default logs them with
// [log/slog] at level error, or warn if Warning is set. The handler is called on the loop. If it
// panics, that is logged and the loop continues. asyncio: set_exception_handler.
func (l *Loop) SetExceptionHandler(fn func(l *Loop, r Report)) { l.handler = fn }

// WithExceptionHandler sets the function that gets the reports. Default: they are logged. See
// [Loop.SetExceptionHandler].
func WithExceptionHandler(fn func(l *Loop, r Report)) Option {
	return option(func(l *Loop) { l.handler = fn })
}

// WithPromptReports makes the loop report the error of a task soon after the task has ended, if
// nothing waits for the task then. This finds background tasks that failed while their handles were
// kept. A task that is awaited only later is reported too; its Await still returns the error. No
// error is reported twice. Default: off. An error is then reported when no task can retrieve it any
// more: the handle was collected, or the loop closes. A panic is always reported promptly.
func WithPromptReports(on bool) Option { return option(func(l *Loop) { l.unseen.prompt = on }) }

// ExceptionHandler returns the handler, or nil if the default is in use. asyncio:
// get_exception_handler.
func (l *Loop) ExceptionHandler() func(l *Loop, r Report) { return l.handler }

// CallExceptionHandler passes r to the exception handler. asyncio: call_exception_handler.
func (l *Loop) CallExceptionHandler(r Report) { l.report(r) }

func (l *Loop) report(r Report) {
	if r.Context == nil {
		r.Context = context.WithoutCancel(*l.base.Load())
	}
	if l.handler == nil {
		l.asNobody(func() { logReport(r) })
		return
	}
	defer func() {
		if v := recover(); v != nil {
			p := &PanicError{Value: v, Stack: debug.Stack()}
			l.asNobody(func() {
				logReport(Report{
					Message: "the exception handler panicked; the report was: " + r.Message,
					Err:     p,
					Attrs:   append(r.Attrs, slog.String("original_error", safetext.Error(r.Err))),
					Context: r.Context,
				})
			})
		}
	}()
	l.handler(l, r)
}

// logReport is the default handler. It logs only text that is safe to show, even if the slog
// handler escapes little.
func logReport(r Report) {
	defer func() { // a broken log handler must not stop the loop
		if v := recover(); v != nil {
			reason, message := safetext.Value(v, safetext.MaxLine), safetext.Message(r.Message)
			fmt.Fprintf(os.Stderr, "aio: the log handler panicked: %s; the report was: %s: %s\n",
				reason, message, safetext.Error(r.Err))
		}
	}()
	attrs := make([]slog.Attr, 0, 4+len(r.Attrs))
	if r.TaskName != "" {
		attrs = append(attrs, slog.String("task", safetext.Message(r.TaskName)))
	}
	if r.Site != "" {
		attrs = append(attrs, slog.String("created", r.Site))
	}
	p, panicked := r.Err.(*PanicError)
	if panicked {
		attrs = append(attrs, slog.String("panic", safetext.Value(p.Value, safetext.MaxLine)))
	} else if r.Err != nil {
		attrs = append(attrs, slog.Any("err", shownError{r.Err}))
		p, panicked = errtree.As[*PanicError](r.Err)
	}
	if panicked {
		attrs = append(attrs, slog.String("stack", stacktext.Brief(string(p.Stack))))
	}
	left := maxAttrs
	for _, a := range r.Attrs {
		attrs = append(attrs, shownAttr(a, &left))
	}
	level := slog.LevelError
	if r.Warning {
		level = slog.LevelWarn
	}
	if r.Context == nil { // it does not come from the loop
		r.Context = context.Background()
	}
	slog.LogAttrs(r.Context, level, "aio: "+safetext.Message(r.Message), attrs...)
}

// shownError is an error whose message is safe to show.
type shownError struct{ error }

func (e shownError) Error() string { return safetext.Error(e.error) }
func (e shownError) Unwrap() error { return e.error }

// maxAttrs is the number of attributes that a report shows at most: a group may contain itself.
const maxAttrs = 200

// shownAttr returns a with text that is safe to show. It counts down how many are left.
func shownAttr(a slog.Attr, left *int) slog.Attr {
	if *left--; *left < 0 {
		return slog.String(a.Key, "…")
	}
	switch a.Value = a.Value.Resolve(); a.Value.Kind() {
	case slog.KindString:
		if text := a.Value.String(); a.Key == "stack" {
			a.Value = slog.StringValue(safetext.Lines(text))
		} else {
			a.Value = slog.StringValue(safetext.Message(text))
		}
	case slog.KindGroup:
		var group []slog.Attr
		for _, in := range a.Value.Group() {
			group = append(group, shownAttr(in, left))
		}
		a.Value = slog.GroupValue(group...)
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.AnyValue(shownError{err})
		} else {
			a.Value = slog.StringValue(safetext.Value(a.Value.Any(), safetext.MaxLine))
		}
	}
	return a
}

// unseen is the part of a loop that keeps the outcomes that no task has seen.
type unseen struct {
	prompt   bool // errors of tasks that nothing waits for are reported at once
	outcomes []*lostOutcome
	live     int         // of the outcomes, after the last sweep
	panic    *PanicError // the first one reported as unseen: Run re-panics with it
	told     uint64      // outcomes that were reported
}

func (u *unseen) add(x *lostOutcome) {
	u.outcomes = append(u.outcomes, x)
	if len(u.outcomes) > 2*u.live+64 {
		u.sweep()
	}
}

// sweep drops the outcomes that were seen or reported.
func (u *unseen) sweep() {
	live := u.outcomes[:0]
	for _, x := range u.outcomes {
		if !x.done.Load() {
			live = append(live, x)
		}
	}
	clear(u.outcomes[len(live):])
	u.outcomes, u.live = live, len(live)
}

// keep keeps p, if it is not nil and the first, for Run to re-panic.
func (u *unseen) keep(p *PanicError) {
	if u.panic == nil {
		u.panic = p
	}
}

// reportAll reports the outcomes, at the end of the loop.
func (u *unseen) reportAll() {
	for _, x := range u.outcomes {
		x.run()
	}
	u.outcomes = nil
}

// lostOutcome stands for an error that was not seen yet. It does not refer to its core. When the
// core is collected, or the loop is closed, the error is reported.
type lostOutcome struct {
	loop   *Loop
	what   string // for the report
	values context.Context
	name   string
	site   string
	err    error
	told   bool        // it was reported
	turned bool        // its prompt report has had its first turn
	done   atomic.Bool // it was seen, or cannot be seen any more

	panic *PanicError // for Run to raise
}

// notice starts to track an error that was not seen. If nothing waits for it (forlorn) and it
// deserves a prompt report, it gets a turn in the ready queue for that.
func (c *core) notice(forlorn bool) {
	panicked := c.rare != nil && c.rare.panic != nil
	switch {
	case c.state == cancelled && (c.flags&isTask == 0 || c.requested()):
		return // this outcome was requested
	case c.flags&dismissed != 0 && !panicked:
		return
	case c.state == cancelled && isDeadlock(c.err):
		return // Run returns it, or it was reported
	}
	if c.rare == nil || c.rare.lost == nil {
		c.watchOver(panicked)
	}
	prompt := c.flags&isTask != 0 && (panicked || c.loop.unseen.prompt)
	if lost := c.rare.lost; forlorn && prompt && !lost.told && !lost.turned {
		c.loop.ready.Push((*promptReport)(lost))
	}
}

// watchOver creates the lostOutcome of c.
func (c *core) watchOver(panicked bool) {
	err := c.err
	lost := &lostOutcome{loop: c.loop, err: err, site: c.site()} // a future has no name
	if t := c.self.asTask(); t != nil {
		lost.name = t.shownName()
		lost.values = t.scope.values // not the scope: it must not keep the task
	}
	switch {
	case c.flags&isTask == 0:
		lost.what = "a future failed and its error was never retrieved"
	case c.state == cancelled:
		lost.what = "a task ended as cancelled without a request"
	case panicked:
		lost.what = "a task panicked and was never awaited"
		lost.panic = c.rare.panic
	default:
		lost.what = "a task failed and its error was never retrieved"
	}
	c.extra().lost = lost
	c.loop.unseen.add(lost)
	runtime.AddCleanup(c.rare, func(lost *lostOutcome) { lost.loop.inbox.putQuietly(lost) }, lost)
}

func (l *lostOutcome) found() { l.done.Store(true) }

// run is called when the outcome cannot be seen any more, because its core was collected.
func (l *lostOutcome) run() {
	if l.done.Swap(true) {
		return
	}
	l.loop.unseen.keep(l.panic)
	l.tell()
}

// promptReport is the turn in the ready queue of an outcome that nothing waited for. It takes a
// second turn, so that done callbacks and tasks that are about to look come first, whatever the
// chooser does. If the outcome is seen later still, a panic is re-panicked then.
type promptReport lostOutcome

func (r *promptReport) run() {
	l := (*lostOutcome)(r)
	switch {
	case l.done.Load():
	case !l.turned:
		l.turned = true
		l.loop.ready.Push(r)
	default:
		l.tell()
	}
}

// tell reports the outcome, once.
func (l *lostOutcome) tell() {
	if l.told {
		return
	}
	l.told = true
	l.loop.unseen.told++
	r := Report{Message: l.what, Err: l.err, TaskName: l.name, Site: l.site}
	if l.values != nil {
		r.Context = context.WithoutCancel(l.values)
	}
	l.loop.report(r)
}
