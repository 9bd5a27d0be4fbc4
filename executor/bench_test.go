package executor_test

import (
	"context"
	"io"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/executor"
)

// What it costs to have a function of no cost run elsewhere.
func BenchmarkRun(b *testing.B) {
	measure := func(ctx context.Context, b *testing.B) error {
		for b.Loop() {
			if _, err := square.Run(ctx, 7); err != nil {
				return err
			}
		}
		return nil
	}
	b.Run("on=thread", func(b *testing.B) {
		err := aio.Run(b.Context(), func(ctx context.Context) error { return measure(ctx, b) })
		if err != nil {
			b.Fatal(err)
		}
	})
	b.Run("on=thread/value=struct", func(b *testing.B) {
		err := aio.Run(b.Context(), func(ctx context.Context) error {
			for b.Loop() {
				if _, err := none.Run(ctx, &order{Item: "tea", Count: 1}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	})
	b.Run("on=process", func(b *testing.B) {
		err := aio.Run(b.Context(), func(ctx context.Context) error {
			return executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) error {
				if _, err := square.Run(ctx, 7); err != nil { // starts the worker
					return err
				}
				return measure(ctx, b)
			}, executor.Workers(1), executor.Stderr(io.Discard))
		})
		if err != nil {
			b.Fatal(err)
		}
	})
}

// What it costs to start a worker, have it do one job, and end it.
func BenchmarkWorker(b *testing.B) {
	err := aio.Run(b.Context(), func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) error {
			for b.Loop() {
				if _, err := square.Run(ctx, 7); err != nil {
					return err
				}
			}
			return nil
		}, executor.Workers(1), executor.JobsPerWorker(1), executor.Stderr(io.Discard))
	})
	if err != nil {
		b.Fatal(err)
	}
}
