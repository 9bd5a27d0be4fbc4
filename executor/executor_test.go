package executor_test

import (
	"context"
	"testing"

	"github.com/aio-go/aio/executor"
)

// Conformance: TH-008 (the default is the context's).
func TestTheDefaultExecutorIsTheContextsAndABadOneIsRefused(t *testing.T) {
	run(t, func(ctx context.Context) error {
		before := executor.From(ctx)
		var noPool *executor.Pool
		var noBroker *broker
		wantPanic(t, func() { ctx = executor.With(ctx, nil) }, "With", "the executor is nil",
			"pass one that works")
		wantPanic(t, func() { ctx = executor.With(ctx, noPool) }, "With", "nil *executor.Pool")
		wantPanic(t, func() { ctx = executor.With(ctx, noBroker) }, "With", "nil *executor_test.broker")
		wantPanic(t, func() { executor.On(nil) }, "On", "the executor is nil")
		if executor.From(ctx) != before {
			t.Error("a refused executor has changed the default")
		}

		b := new(broker)
		inner := executor.With(ctx, b)
		if got, err := square.Run(inner, 4); got != 16 || err != nil || len(b.seen) != 1 {
			t.Errorf("%d, %v; the default executor had %d jobs", got, err, len(b.seen))
		}
		if executor.From(inner) != executor.Executor(b) || executor.From(ctx) != before {
			t.Error("With has changed another context than the one it returns")
		}
		return nil
	})
}

func TestAPoolThatIsClosedIsNoExecutor(t *testing.T) {
	run(t, func(ctx context.Context) error {
		p := executor.NewPool(ctx)
		if err := p.Shutdown(ctx); err != nil {
			return err
		}
		wantPanic(t, func() { executor.With(ctx, p) }, "the pool is closed")
		return nil
	})
}
