package aio

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/safetext"
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
		attrs = append(attrs, slog.String("stack", string(p.Stack)))
	}
	for _, a := range r.Attrs {
		attrs = append(attrs, shownAttr(a))
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

// shownAttr returns a with text that is safe to show.
func shownAttr(a slog.Attr) slog.Attr {
	switch a.Value = a.Value.Resolve(); a.Value.Kind() {
	case slog.KindString:
		if text := a.Value.String(); a.Key == "stack" {
			a.Value = slog.StringValue(safetext.Lines(text))
		} else {
			a.Value = slog.StringValue(safetext.Message(text))
		}
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.AnyValue(shownError{err})
		} else {
			a.Value = slog.StringValue(safetext.Value(a.Value.Any(), safetext.MaxLine))
		}
	}
	return a
}
