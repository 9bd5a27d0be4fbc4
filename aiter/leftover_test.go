package aiter_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
)

// closes makes a generator whose cleanup awaits.
func closes(
	ctx context.Context, log *journal, name string, failure error,
) *aiter.Generator[int, int] {
	return aiter.NewGenerator(ctx, func(ctx context.Context, yield func(int) (int, error)) error {
		if _, err := yield(1); err != aiter.ErrClosed {
			return err
		}
		log.add("%s: %v", name, aio.Sleep(context.WithoutCancel(ctx), time.Second))
		return failure
	})
}

// Conformance: AG-017, AG-020.
func TestAGeneratorThatIsLeftInTheMiddleIsClosedWhenTheLoopShutsDown(t *testing.T) {
	var log journal
	seen, err := runReports(t, func(ctx context.Context) error {
		_, err := closes(ctx, &log, "dropped", nil).Next(ctx)
		it := aiter.Pull(ctx, count(ctx, &log, 3, nil))
		_, _ = it.Next(ctx)
		aiter.Pull(ctx, count(ctx, &log, 3, nil)) // never begun
		log.add("end of main")
		return err
	})
	if err != nil || len(*seen) != 0 {
		t.Fatalf("got %v, reports %v", err, *seen)
	}
	log.want(t, "end of main", "source closed: <nil>", "dropped: <nil>")
}

// Conformance: AG-019.
func TestGeneratorsOfCancelledConsumersAreClosedWithTheirCleanup(t *testing.T) {
	var log journal
	seen, err := runReports(t, func(ctx context.Context) error {
		for _, name := range []string{"first", "second"} {
			task := started(ctx, func(ctx context.Context) error {
				if _, err := closes(ctx, &log, name, nil).Next(ctx); err != nil {
					return err
				}
				return aio.Sleep(ctx, time.Hour)
			})
			task.Cancel(errReason)
			_, err := task.Await(ctx)
			log.add("%v", errors.Is(err, errReason))
		}
		return nil
	})
	if err != nil || len(*seen) != 0 {
		t.Fatalf("got %v, reports %v", err, *seen)
	}
	log.want(t, "true", "true", "first: <nil>", "second: <nil>")
}

// Conformance: AG-021, AG-022.
func TestACleanupThatFailsDuringTheShutdownIsReportedOnce(t *testing.T) {
	var log journal
	seen, err := runReports(t, func(ctx context.Context) error {
		_, err := closes(ctx, &log, "failing", errBoom).Next(ctx)
		return err
	})
	if err != nil {
		t.Fatalf("Run returned %v", err)
	}
	if len(*seen) != 1 || (*seen)[0].Err != errBoom ||
		(*seen)[0].Message != "an error occurred while a generator was being closed" {
		t.Fatalf("the reports are %+v", *seen)
	}
	log.want(t, "failing: <nil>")
}

func TestTheCleanupAtShutdownMayAwaitWithThePlainContextOfATaskThatEndedWell(t *testing.T) {
	var log journal
	seen, err := runReports(t, func(ctx context.Context) error {
		it := aiter.Pull(ctx, aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
			defer func() { log.add("%v", aio.Sleep(ctx, time.Second)) }()
			yield(1)
			return nil
		}))
		_, err := it.Next(ctx)
		aio.Start(ctx, func(ctx context.Context) error { // outlived by the generators
			defer log.add("a task ended")
			return aio.Sleep(ctx, time.Hour)
		})
		return errors.Join(err, aio.Yield(ctx))
	})
	if err != nil || len(*seen) != 0 {
		t.Fatalf("got %v, reports %v", err, *seen)
	}
	log.want(t, "a task ended", "<nil>")
}

func TestAGeneratorWhoseTaskIsEndedByForceIsEndedWithIt(t *testing.T) {
	var log journal
	seen, _ := runReports(t, func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			defer log.add("the task's")
			it := aiter.Pull(ctx, aiter.Generate(ctx, func(ctx context.Context, _ func(int) bool) error {
				defer log.add("the body's")
				return aio.Sleep(context.WithoutCancel(ctx), 1000*time.Hour) // heeds no cancellation
			}))
			_, _ = it.Next(ctx)
			log.add("never")
			return nil
		}, aio.Name("stubborn"))
		return aio.Yield(ctx)
	})
	log.want(t, "the body's", "the task's")
	if len(*seen) == 0 {
		t.Error("the straggler was not reported")
	}
}

func TestGeneratorsOfALoopThatIsOnlyClosedAreEnded(t *testing.T) {
	var log journal
	var seen []aio.Report
	l := aio.NewLoop(aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) {
		seen = append(seen, r)
	}))
	_, err := aio.RunUntilComplete(l, func(ctx context.Context) (int, error) {
		g := aiter.NewGenerator(ctx, func(ctx context.Context, yield func(int) (int, error)) error {
			defer log.add("deferred")
			_, err := yield(1)
			return err
		})
		return g.Next(ctx)
	})
	l.Close()
	if err != nil || len(seen) != 0 {
		t.Fatalf("got %v, reports %+v", err, seen)
	}
	log.want(t, "deferred")
}

// An iterator that was left open and steps another one that is open as well: shutdown finds both,
// and each is closed once.
func TestNestedIteratorsThatAreLeftOpenAreClosedOnce(t *testing.T) {
	for _, innerFirst := range []bool{false, true} {
		var log journal
		seen, err := runReports(t, func(ctx context.Context) error {
			inner := aiter.Pull(ctx, count(ctx, &log, 9, nil))
			if innerFirst {
				_, _ = inner.Next(ctx)
			}
			outer := aiter.Pull(ctx, aiter.Generate(ctx,
				func(ctx context.Context, yield func(int) bool) error {
					defer func() {
						_ = aio.Yield(context.WithoutCancel(ctx))
						log.add("inner: %v", inner.Close(ctx))
					}()
					for v, err := range inner.All(ctx) {
						if err != nil || !yield(v) {
							return err
						}
					}
					return nil
				}))
			zipped := aiter.Pull(ctx, aiter.Zip(ctx, outer.All(ctx),
				aiter.Zip(ctx, count(ctx, &log, 9, nil), count(ctx, &log, 9, nil))))
			_, err := zipped.Next(ctx)
			return err
		})
		if err != nil || len(*seen) != 0 {
			t.Fatalf("got %v, reports %v", err, *seen)
		}
		closings := 0
		for _, line := range log {
			if line == closed {
				closings++
			}
		}
		if closings != 3 || len(log) != 4 {
			t.Errorf("inner first: %v: %v", innerFirst, log)
		}
	}
}
