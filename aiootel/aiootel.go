// Package aiootel tells OpenTelemetry of tasks, groups and loops.
//
// [WithSpans] makes a span of each task, [Group] one of a block, and [Observe] has the metrics of a
// loop. The spans nest as the code does: a task is below the span in which it was made, and what it
// starts is below the task. Without these calls a program pays nothing.
package aiootel

import (
	"context"
	"errors"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/inspect"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

const scope = "github.com/aio-go/aio/aiootel"

// Attributes of the spans.
const (
	TaskName   = attribute.Key("aio.task.name")
	TaskNumber = attribute.Key("aio.task.id") // counted by the loop
	Cancelled  = attribute.Key("aio.cancelled")
)

// Option is a setting for [WithSpans] or [Observe].
type Option interface{ apply(s *settings) }

type option func(s *settings)

func (o option) apply(s *settings) { o(s) }

type settings struct {
	tracers trace.TracerProvider
	next    aio.TaskFactory
	which   func(t aio.AnyTask) bool
	meters  meterProvider
	name    string
}

func settingsOf(opts []Option) settings {
	s := settings{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}
	for _, o := range opts {
		o.apply(&s)
	}
	return s
}

// TracerProvider sets where the spans go. Default: otel.GetTracerProvider().
func TracerProvider(p trace.TracerProvider) Option {
	return option(func(s *settings) { s.tracers = p })
}

// TaskFactory sets a task factory that is called before the span begins: a loop has only one. It
// may name the task. Default: none.
func TaskFactory(f aio.TaskFactory) Option { return option(func(s *settings) { s.next = f }) }

// Only makes spans of the tasks for which which returns true. It is called when a task is made.
// Default: all.
func Only(which func(t aio.AnyTask) bool) Option {
	return option(func(s *settings) { s.which = which })
}

// BelowSpans is for [Only]: it selects the tasks that are made below a span.
func BelowSpans(t aio.AnyTask) bool {
	return trace.SpanContextFromContext(values{context.Background(), t}).IsValid()
}

// WithSpans makes a span of each task of a loop. It begins where the task is made and ends in the
// pass after the end of the task, by the machine's clock. It has the name of the task at its end,
// and its context is that of the task's function. An error or a panic is recorded, and sets the
// status; for a cancellation there is the attribute [Cancelled] instead. An error that no task
// retrieves is still reported by the loop. The option takes the loop's place for a task factory;
// see [TaskFactory].
func WithSpans(opts ...Option) aio.Option {
	s := settingsOf(opts)
	tracer := s.tracers.Tracer(scope)
	return aio.WithTaskFactory(func(t aio.AnyTask) error {
		if s.next != nil {
			if err := s.next(t); err != nil {
				return err
			}
		}
		if s.which == nil || s.which(t) {
			begin(tracer, t)
		}
		return nil
	})
}

func begin(tracer trace.Tracer, t aio.AnyTask) {
	var span trace.Span
	inspect.Derive(t, func(ctx context.Context) context.Context {
		ctx, span = tracer.Start(ctx, t.Name(), trace.WithAttributes(
			TaskName.String(t.Name()), TaskNumber.Int64(int64(t.ID()))))
		return ctx
	})
	t.AddDoneCallback(func() {
		span.SetName(t.Name())
		span.SetAttributes(TaskName.String(t.Name()))
		end(span, t.Cancelled(), inspect.Outcome(t))
	})
}

func end(span trace.Span, cancelled bool, err error) {
	switch {
	case cancelled:
		span.SetAttributes(Cancelled.Bool(true))
	case err != nil:
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}

// Group is [aio.Group] in a span of that name, below the span of ctx. The spans of its tasks are
// below it. The span ends when the block has ended. It goes to the provider of the span of ctx, or,
// if there is none, to otel.GetTracerProvider().
//
// Cancellation: as for [aio.Group].
func Group(
	ctx context.Context, name string, body func(ctx context.Context, g *aio.TaskGroup) error,
) error {
	tracers := otel.GetTracerProvider()
	if parent := trace.SpanFromContext(ctx); parent.SpanContext().IsValid() {
		tracers = parent.TracerProvider()
	}
	ctx, span := tracers.Tracer(scope).Start(ctx, name)
	returned := false
	defer func() {
		if !returned { // a panic goes on
			span.SetStatus(codes.Error, "panic")
			span.End()
		}
	}()
	err := aio.Group(ctx, body)
	returned = true
	end(span, errors.Is(err, aio.ErrCancelled), err)
	return err
}

// values are the values of a task's context.
type values struct {
	context.Context
	task aio.AnyTask
}

func (v values) Value(key any) any { return v.task.Value(key) }
