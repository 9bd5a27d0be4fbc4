package aiootel_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiootel"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func ExampleWithSpans() {
	memory := tracetest.NewInMemoryExporter() // a program has that of OTLP
	provider := trace.NewTracerProvider(trace.WithSyncer(memory))

	fetch := func(ctx context.Context) error { return aio.Sleep(ctx, time.Millisecond) }
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aiootel.Group(ctx, "fetch all", func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(fetch, aio.Name("fetch a"))
			g.Go(fetch, aio.Name("fetch b"))
			return nil
		})
	}, aiootel.WithSpans(aiootel.TracerProvider(provider)))
	if err != nil {
		log.Fatal(err)
	}

	names := map[any]string{}
	for _, span := range memory.GetSpans() {
		names[span.SpanContext.SpanID()] = span.Name
	}
	for _, span := range memory.GetSpans() {
		fmt.Printf("%s, below %q\n", span.Name, names[span.Parent.SpanID()])
	}
	// Output:
	// fetch a, below "fetch all"
	// fetch b, below "fetch all"
	// fetch all, below "main"
	// main, below ""
}

func ExampleObserve() {
	reader := metric.NewManualReader() // a program has a periodic one
	provider := metric.NewMeterProvider(metric.WithReader(reader))

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		stop, err := aiootel.Observe(ctx, aiootel.MeterProvider(provider))
		if err != nil {
			return err
		}
		defer stop()
		for range 3 {
			aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		}
		var all metricdata.ResourceMetrics
		if err := reader.Collect(ctx, &all); err != nil {
			return err
		}
		for _, m := range all.ScopeMetrics[0].Metrics {
			if m.Name == "aio.tasks" {
				fmt.Println(m.Name, m.Data.(metricdata.Sum[int64]).DataPoints[0].Value)
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// aio.tasks 4
}
