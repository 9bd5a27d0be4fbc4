// Package aiolog adds the running task to the records of package log/slog.
package aiolog

import (
	"context"
	"log/slog"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/inspect"
)

// NewHandler returns a handler that adds a group "aio" to each record whose context belongs to a
// loop: "task" with the name of the task that the context is of, "id" with its number, and "loop"
// with that of the loop, counted as the command aio does. A record without a context of a loop goes
// to next as it is.
//
// Use the functions of slog that take a context, as slog.InfoContext. Any goroutine may log,
// for example a function of ToThread: the task is that of the context. asyncio: none; programs
// use a logging.Filter with current_task.
func NewHandler(next slog.Handler) slog.Handler {
	if next == nil {
		panic("aio: aiolog.NewHandler: the handler is nil; pass the one that writes")
	}
	return handler{next: next}
}

// handler writes to next, which has the attributes and groups of With. So that the group "aio" is
// not inside of one of those, the groups are kept back until a record comes.
type handler struct {
	next slog.Handler // with attributes up to the first group
	open []step       // what came from the first group on
}

// step is a call of WithGroup, or of WithAttrs.
type step struct {
	group string
	attrs []slog.Attr
}

func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	next := h.next
	if attr, found := attribute(ctx); found {
		if len(h.open) == 0 {
			r = r.Clone()
			r.AddAttrs(attr)
		} else {
			next = next.WithAttrs([]slog.Attr{attr})
		}
	}
	for _, s := range h.open {
		if s.group != "" {
			next = next.WithGroup(s.group)
		} else {
			next = next.WithAttrs(s.attrs)
		}
	}
	return next.Handle(ctx, r)
}

func attribute(ctx context.Context) (slog.Attr, bool) {
	if ctx == nil {
		return slog.Attr{}, false
	}
	e := inspect.EntryOf(ctx)
	if e == nil {
		return slog.Attr{}, false
	}
	loop := slog.Uint64("loop", e.Running())
	if t, ok := inspect.TaskOf(ctx).(aio.AnyTask); ok {
		return slog.Group(
			"aio",
			slog.String("task", t.Name()),
			slog.Uint64("id", uint64(t.ID())),
			loop,
		), true
	}
	return slog.Group("aio", loop), true // a callback
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	if len(h.open) == 0 {
		return handler{next: h.next.WithAttrs(attrs)}
	}
	return h.with(step{attrs: attrs})
}

func (h handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(step{group: name})
}

func (h handler) with(s step) handler {
	return handler{next: h.next, open: append(h.open[:len(h.open):len(h.open)], s)}
}
