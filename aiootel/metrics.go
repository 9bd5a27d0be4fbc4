package aiootel

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/inspect"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

type meterProvider = metric.MeterProvider

// MeterProvider sets where the metrics go. Default: otel.GetMeterProvider().
func MeterProvider(
	p metric.MeterProvider,
) Option {
	return option(func(s *settings) { s.meters = p })
}

// LoopName sets the attribute aio.loop of the metrics. Default: the number of the loop, as the
// command aio shows it.
func LoopName(name string) Option { return option(func(s *settings) { s.name = name }) }

// patience is how long a collection waits for the loop.
const patience = time.Second

// Observe reports the metrics of the running loop of ctx until the loop is closed or the returned
// function is called:
//
//	aio.tasks            tasks that have not ended
//	aio.tasks.made       tasks since the loop was made
//	aio.tasks.cancelled  those of them that ended as cancelled
//	aio.outcomes.lost    outcomes that were reported because no task saw them
//	aio.steps            steps of tasks, and callbacks
//	aio.timers.due       passes in which timers were due, by "le": how late the first was, in
//	                     seconds, at most
//
// Each collection asks the loop once, between two steps. A loop that does not answer within a
// second, because a call blocks it, is left out of that collection, which returns an error. It
// returns an error if the provider refuses an instrument; then nothing is observed.
func Observe(ctx context.Context, opts ...Option) (stop func(), err error) {
	s := settingsOf(opts)
	l := aio.RunningLoop(ctx)
	if s.name == "" {
		s.name = fmt.Sprint(inspect.EntryOf(ctx).Running())
	}
	m := &loopMetrics{loop: l, name: attribute.String("aio.loop", s.name)}
	if err := m.register(s.meters.Meter(scope)); err != nil {
		return nil, fmt.Errorf("aiootel: Observe: %w", err)
	}
	remove := l.OnClose(m.stop)
	return func() {
		remove()
		m.stop()
	}, nil
}

// loopMetrics are the instruments of a loop.
type loopMetrics struct {
	loop         *aio.Loop
	name         attribute.KeyValue
	registration metric.Registration

	tasks                              metric.Int64ObservableUpDownCounter
	made, cancelled, lost, steps, late metric.Int64ObservableCounter
}

func (m *loopMetrics) stop() { _ = m.registration.Unregister() }

func (m *loopMetrics) register(meter metric.Meter) error {
	var failures []error
	counter := func(name, unit, text string) metric.Int64ObservableCounter {
		c, err := meter.Int64ObservableCounter(
			name,
			metric.WithUnit(unit),
			metric.WithDescription(text),
		)
		failures = append(failures, err)
		return c
	}
	var err error
	m.tasks, err = meter.Int64ObservableUpDownCounter("aio.tasks",
		metric.WithUnit("{task}"), metric.WithDescription("Tasks that have not ended."))
	failures = append(failures, err)
	m.made = counter("aio.tasks.made", "{task}", "Tasks since the loop was made.")
	m.cancelled = counter("aio.tasks.cancelled", "{task}", "Tasks that ended as cancelled.")
	m.lost = counter(
		"aio.outcomes.lost",
		"{outcome}",
		"Outcomes that were reported because no task saw them.",
	)
	m.steps = counter("aio.steps", "{step}", "Steps of tasks, and callbacks.")
	m.late = counter(
		"aio.timers.due",
		"{pass}",
		"Passes in which timers were due, by how late the first was.",
	)
	if err := errors.Join(failures...); err != nil {
		return err
	}
	m.registration, err = meter.RegisterCallback(
		m.observe,
		m.tasks,
		m.made,
		m.cancelled,
		m.lost,
		m.steps,
		m.late,
	)
	return err
}

func (m *loopMetrics) observe(ctx context.Context, o metric.Observer) error {
	c, err := m.ask(ctx)
	if err != nil {
		return err
	}
	loop := metric.WithAttributes(m.name)
	o.ObserveInt64(m.tasks, int64(c.Made-c.Ended), loop)
	o.ObserveInt64(m.made, int64(c.Made), loop)
	o.ObserveInt64(m.cancelled, int64(c.Cancelled), loop)
	o.ObserveInt64(m.lost, int64(c.Lost), loop)
	o.ObserveInt64(m.steps, int64(c.Steps), loop)
	total := uint64(0)
	limit := 1e-6
	for i, n := range c.Lag {
		if i == len(c.Lag)-1 {
			limit = math.Inf(1)
		}
		total += n
		o.ObserveInt64(
			m.late,
			int64(total),
			metric.WithAttributes(m.name, attribute.Float64("le", limit)),
		)
		limit *= 4
	}
	return nil
}

// ask gets the counters of the loop. On the loop itself it just reads them.
func (m *loopMetrics) ask(ctx context.Context) (aio.Counters, error) {
	if m.loop.IsHere() {
		return inspect.Counters(m.loop).(aio.Counters), nil
	}
	got := make(chan aio.Counters, 1)
	_, err := m.loop.CallSoonThreadsafe(func() { got <- inspect.Counters(m.loop).(aio.Counters) })
	if err != nil {
		return aio.Counters{}, err
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case c := <-got:
		return c, nil
	case <-ctx.Done():
		return aio.Counters{}, context.Cause(ctx)
	case <-timer.C:
		return aio.Counters{}, fmt.Errorf(
			"aiootel: loop %s has not answered for %v; aio ps says what blocks it",
			m.name.Value.AsString(),
			patience,
		)
	}
}
