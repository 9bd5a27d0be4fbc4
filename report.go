package aio

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
)

// Report is something that went wrong and that no caller can be told. asyncio: the context of call_exception_handler.
type Report struct {
	Message  string      // what happened
	Err      error       // nil if there is no error to show
	TaskName string      // of the task concerned, if it is one
	Site     string      // where that task or callback was made, as far as it is known
	Warning  bool        // nothing has failed yet: the default handler logs at level warning
	Attrs    []slog.Attr // more, for the log

	// Context has the values of the task concerned, such as the number of a request, for the handler to show; those that the loop was
	// started with if it is not about a task. It is never nil in a handler.
	Context context.Context
}

// report makes a report about a task.
func (t *taskCore) report(message string, err error) Report {
	return Report{Message: message, Err: err, TaskName: t.Name(), Site: t.core.site(), Context: context.WithoutCancel(t.scope.values)}
}

// SetExceptionHandler sets the function that gets the reports; nil restores the default, which logs them with [log/slog] at level error.
// The handler is called on the loop. If it panics, that is logged and the loop goes on. asyncio: set_exception_handler.
func (l *Loop) SetExceptionHandler(fn func(l *Loop, r Report)) { l.handler = fn }

// ExceptionHandler returns the function set, nil if the default is in use. asyncio: get_exception_handler.
func (l *Loop) ExceptionHandler() func(l *Loop, r Report) { return l.handler }

// CallExceptionHandler hands r to the exception handler. Loop only. asyncio: call_exception_handler.
func (l *Loop) CallExceptionHandler(r Report) { l.report(r) }

func (l *Loop) report(r Report) {
	if r.Context == nil {
		r.Context = context.WithoutCancel(*l.base.Load())
	}
	if l.handler == nil {
		logReport(r)
		return
	}
	defer func() {
		if v := recover(); v != nil {
			logReport(Report{
				Message: "the exception handler panicked; it had been called with: " + r.Message,
				Err:     &PanicError{Value: v, Stack: debug.Stack()},
				Attrs:   append(r.Attrs, slog.String("original_error", fmt.Sprint(r.Err))),
				Context: r.Context,
			})
		}
	}()
	l.handler(l, r)
}

func logReport(r Report) {
	defer func() { // a broken log handler must not stop the loop
		if v := recover(); v != nil {
			fmt.Fprintf(os.Stderr, "aio: the log handler panicked: %v; it was to log: %s: %v\n", v, r.Message, r.Err)
		}
	}()
	attrs := make([]slog.Attr, 0, 3+len(r.Attrs))
	if r.TaskName != "" {
		attrs = append(attrs, slog.String("task", r.TaskName))
	}
	if r.Site != "" {
		attrs = append(attrs, slog.String("created", r.Site))
	}
	if p, ok := r.Err.(*PanicError); ok {
		attrs = append(attrs, slog.Any("panic", p.Value), slog.String("stack", string(p.Stack)))
	} else if r.Err != nil {
		attrs = append(attrs, slog.Any("err", r.Err))
	}
	level := slog.LevelError
	if r.Warning {
		level = slog.LevelWarn
	}
	if r.Context == nil { // it does not come from the loop
		r.Context = context.Background()
	}
	slog.LogAttrs(r.Context, level, "aio: "+r.Message, append(attrs, r.Attrs...)...)
}
