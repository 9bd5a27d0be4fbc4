package aiootel_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiootel"
	"github.com/aio-go/aio/internal/looptest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func TestMain(m *testing.M) { looptest.Main(m) }

// record runs main with spans and returns those that have ended.
func record(
	t *testing.T, main func(ctx context.Context, tracer trace.Tracer) error, opts ...aiootel.Option,
) []sdk.ReadOnlySpan {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder))
	opts = append(opts, aiootel.TracerProvider(provider))
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		return main(ctx, provider.Tracer("test"))
	}, aiootel.WithSpans(opts...), aio.WithClock(aio.NewVirtualClock()), aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) {
		t.Log(r.TaskName, r.Message, r.Err)
	}))
	if err != nil {
		t.Fatal(err)
	}
	if begun, ended := len(recorder.Started()), len(recorder.Ended()); begun != ended {
		t.Errorf("%d spans have begun and %d have ended", begun, ended)
	}
	return recorder.Ended()
}

// tree writes the spans as a tree, by name.
func tree(spans []sdk.ReadOnlySpan) string {
	var b strings.Builder
	var write func(parent trace.SpanID, indent string)
	write = func(parent trace.SpanID, indent string) {
		var names []string
		ids := map[string]trace.SpanID{}
		for _, s := range spans {
			if s.Parent().SpanID() == parent {
				names = append(names, s.Name())
				ids[s.Name()] = s.SpanContext().SpanID()
			}
		}
		slices.Sort(names)
		for _, name := range names {
			fmt.Fprintln(&b, indent+name)
			write(ids[name], indent+"  ")
		}
	}
	write(trace.SpanID{}, "")
	return b.String()
}

func find(t *testing.T, spans []sdk.ReadOnlySpan, name string) sdk.ReadOnlySpan {
	t.Helper()
	i := slices.IndexFunc(spans, func(s sdk.ReadOnlySpan) bool { return s.Name() == name })
	if i < 0 {
		t.Fatalf("there is no span %q:\n%s", name, tree(spans))
	}
	return spans[i]
}

func nap(ctx context.Context) error { return aio.Sleep(ctx, time.Second) }

func TestTheSpansNestAsTheCodeDoes(t *testing.T) {
	spans := record(t, func(ctx context.Context, tracer trace.Tracer) error {
		return aiootel.Group(ctx, "requests", func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(nap, aio.Name("one"))
			g.Go(func(ctx context.Context) error {
				ctx, span := tracer.Start(ctx, "query")
				defer span.End()
				_, err := aio.Start(ctx, nap, aio.Name("inner")).Await(ctx)
				return err
			}, aio.Name("two"))
			return nap(ctx)
		})
	})
	want := "main\n  requests\n    one\n    two\n      query\n        inner\n"
	if got := tree(spans); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestTheOutcomeOfATaskIsThatOfItsSpan(t *testing.T) {
	spans := record(t, func(ctx context.Context, _ trace.Tracer) error {
		failed := aio.Start(ctx, func(ctx context.Context) error { return errors.New("no luck") }, aio.Name("failed"))
		panicked := aio.Start(ctx, func(ctx context.Context) error { panic("boo") }, aio.Name("panicked"))
		cancelled := aio.Start(ctx, nap, aio.Name("cancelled"))
		renamed := aio.Start(ctx, func(ctx context.Context) error {
			aio.CurrentTask(ctx).SetName("new name")
			return nil
		}, aio.Name("old name"))
		aio.Start(ctx, func(ctx context.Context) error { return nap(ctx) }, aio.Name("left behind"))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		cancelled.Cancel(nil)
		_, err := aio.GatherSettled[aio.None](ctx, failed, panicked, cancelled, renamed)
		return err
	})
	for name, want := range map[string]struct {
		code      codes.Code
		text      string
		cancelled bool
	}{
		"failed":      {codes.Error, "no luck", false},
		"panicked":    {codes.Error, "boo", false},
		"cancelled":   {codes.Unset, "", true},
		"left behind": {codes.Unset, "", true},
		"new name":    {codes.Unset, "", false},
		"main":        {codes.Unset, "", false},
	} {
		s := find(t, spans, name)
		if s.Status().Code != want.code || !strings.Contains(s.Status().Description, want.text) {
			t.Errorf("%s: %v", name, s.Status())
		}
		if want.code == codes.Error && len(s.Events()) != 1 {
			t.Errorf("%s: its events are %v", name, s.Events())
		}
		cancelled := slices.Contains(s.Attributes(), aiootel.Cancelled.Bool(true))
		if cancelled != want.cancelled || !slices.Contains(s.Attributes(), aiootel.TaskName.String(name)) {
			t.Errorf("%s: %v", name, s.Attributes())
		}
	}
}

// A span looks at an outcome, and does not count as a task that does.
func TestAnErrorThatNobodyRetrievesIsStillReported(t *testing.T) {
	var reports []string
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error { return errors.New("lost") }, aio.Name("loser"))
		return nap(ctx)
	}, aiootel.WithSpans(), aio.WithClock(aio.NewVirtualClock()), aio.WithPromptReports(true),
		aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) { reports = append(reports, r.TaskName) }))
	if err != nil || !slices.Equal(reports, []string{"loser"}) {
		t.Errorf("%v, the reports are of %q", err, reports)
	}
}

func TestTheOwnTaskFactoryIsCalledFirstAndMayRefuse(t *testing.T) {
	spans := record(t, func(ctx context.Context, tracer trace.Tracer) error {
		_, _ = aio.Start(ctx, nap, aio.Name("refused")).Await(ctx)
		if _, err := aio.Start(ctx, nap, aio.Name("outside")).Await(ctx); err != nil {
			return err
		}
		ctx, span := tracer.Start(ctx, "request")
		defer span.End()
		_, err := aio.Start(ctx, nap, aio.Name("below")).Await(ctx)
		return err
	}, aiootel.Only(aiootel.BelowSpans), aiootel.TaskFactory(func(task aio.AnyTask) error {
		if task.Name() == "refused" {
			return errors.New("not today")
		}
		task.SetName("named " + task.Name())
		return nil
	}))
	if got, want := tree(spans), "request\n  named below\n"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestAGroupThatFailsOrPanicsEndsItsSpan(t *testing.T) {
	spans := record(t, func(ctx context.Context, tracer trace.Tracer) error {
		ctx, span := tracer.Start(ctx, "all")
		defer span.End()
		_ = aiootel.Group(ctx, "fails", func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error { return errors.New("no luck") })
			return nil
		})
		func() {
			defer func() { _ = recover() }()
			_ = aiootel.Group(ctx, "panics", func(context.Context, *aio.TaskGroup) error { panic("boo") })
		}()
		task := aio.Start(ctx, func(ctx context.Context) error {
			return aiootel.Group(ctx, "is cancelled", func(ctx context.Context, _ *aio.TaskGroup) error { return nap(ctx) })
		})
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		task.Cancel(nil)
		_, _ = task.Await(ctx)
		return aiootel.Group(ctx, "succeeds", func(context.Context, *aio.TaskGroup) error { return nil })
	})
	for name, code := range map[string]codes.Code{
		"fails": codes.Error, "panics": codes.Error, "is cancelled": codes.Unset, "succeeds": codes.Unset,
	} {
		if s := find(t, spans, name); s.Status().Code != code {
			t.Errorf("%s: %v", name, s.Status())
		}
	}
}

func collect(t *testing.T, reader metric.Reader) (map[string]int64, error) {
	t.Helper()
	var all metricdata.ResourceMetrics
	err := reader.Collect(t.Context(), &all)
	values := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			sum := m.Data.(metricdata.Sum[int64])
			for _, p := range sum.DataPoints {
				name := m.Name
				if le, ok := p.Attributes.Value("le"); ok && !math.IsInf(le.AsFloat64(), 1) {
					continue
				}
				if loop, _ := p.Attributes.Value("aio.loop"); loop != attribute.StringValue("test") {
					t.Errorf("%s is of loop %q", name, loop.AsString())
				}
				values[name] = p.Value
			}
		}
	}
	return values, err
}

func TestTheMetricsOfALoopAreItsCounters(t *testing.T) {
	reader := metric.NewManualReader()
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		stop, err := aiootel.Observe(ctx, aiootel.MeterProvider(provider), aiootel.LoopName("test"))
		if err != nil {
			return err
		}
		cancelled := aio.Start(ctx, looptest.Forever)
		aio.Start(ctx, looptest.Forever)
		if err := aio.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
		cancelled.Cancel(nil)
		_, _ = cancelled.Await(ctx)
		for _, from := range []func() (map[string]int64, error){
			func() (map[string]int64, error) { return collect(t, reader) }, // on the loop itself
			func() (map[string]int64, error) {
				return aio.ToThread(ctx, func(context.Context) (map[string]int64, error) { return collect(t, reader) })
			},
		} {
			got, err := from()
			if err != nil {
				return err
			}
			if got["aio.tasks"] != 2 || got["aio.tasks.made"] != 3 || got["aio.tasks.cancelled"] != 1 ||
				got["aio.outcomes.lost"] != 0 || got["aio.steps"] < 5 || got["aio.timers.due"] < 1 {
				t.Errorf("%v", got)
			}
		}
		stop()
		if got, err := collect(t, reader); len(got) != 0 || err != nil {
			t.Errorf("after stop: %v, %v", got, err)
		}
		_, err = aiootel.Observe(ctx, aiootel.MeterProvider(provider), aiootel.LoopName("test"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := collect(t, reader); len(got) != 0 || err != nil {
		t.Errorf("after the loop: %v, %v", got, err)
	}
}

func TestALoopThatIsBlockedIsLeftOut(t *testing.T) {
	reader := metric.NewManualReader()
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		if _, err := aiootel.Observe(ctx, aiootel.MeterProvider(provider), aiootel.LoopName("test")); err != nil {
			return err
		}
		type answer struct {
			values map[string]int64
			err    error
		}
		got := make(chan answer)
		go func() {
			values, err := collect(t, reader)
			got <- answer{values, err}
		}()
		a := <-got // while the loop is blocked
		if len(a.values) != 0 || a.err == nil || !strings.Contains(a.err.Error(), "loop test has not answered for 1s") {
			t.Errorf("%v, %v", a.values, a.err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
