package aiter_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
)

// Conformance: AG-001, AG-003.
func TestAGeneratorYieldsInOrderAndEnds(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		body := func(ctx context.Context, yield func(int) bool) error {
			if !yield(123) {
				return nil
			}
			if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
				return err
			}
			yield(456)
			return nil
		}
		for v, err := range aiter.Generate(ctx, body) {
			log.add("%d %v", v, err)
		}
		it := aiter.Pull(ctx, aiter.Generate(ctx, body)) // an object whose iterator is a generator
		for v, err := range it.All(ctx) {
			log.add("%d %v", v, err)
		}
		log.want(t, "123 <nil>", "456 <nil>", "123 <nil>", "456 <nil>")
		return nil
	})
}

// Conformance: AG-002.
func TestTheErrorOfAGeneratorComesAfterItsValuesAndOnlyOnce(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		seq := count(ctx, &log, 2, errBoom)
		for v, err := range seq {
			log.add("%d %v", v, err)
		}
		it := aiter.Pull(ctx, seq)
		for range 4 {
			v, err := it.Next(ctx)
			log.add("step %d %v", v, err)
		}
		end := aiter.ErrStopIteration
		log.want(t, "1 <nil>", "2 <nil>", "source closed: <nil>", "0 boom",
			"step 1 <nil>", "step 2 <nil>", "source closed: <nil>", "step 0 boom", "step 0 "+end.Error())
		return nil
	})
}

// Conformance: AG-004, AG-005.
func TestAnIteratorAtItsEndSaysSoEachTime(t *testing.T) {
	run(t, func(ctx context.Context) error {
		it := aiter.Pull(ctx, aiter.FromSlice([]int{7}))
		if v, err := it.NextOr(ctx, -1); v != 7 || err != nil {
			t.Errorf("the first step gives %d, %v", v, err)
		}
		for range 3 {
			if v, err := it.NextOr(ctx, -1); v != -1 || err != nil {
				t.Errorf("a step with a default at the end gives %d, %v", v, err)
			}
			if v, err := it.Next(ctx); v != 0 || err != aiter.ErrStopIteration {
				t.Errorf("a step at the end gives %d, %v", v, err)
			}
		}
		return nil
	})
}

// Conformance: AG-006.
func TestAYieldReturnsWhatIsSent(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		g := aiter.NewGenerator(ctx, func(ctx context.Context, yield func(string) (string, error)) error {
			for word := "nothing"; word != ""; {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				in, err := yield("after " + word)
				if err != nil {
					return err
				}
				word = in
			}
			return nil
		})
		wantPanic(t, func() { _, _ = g.Send(ctx, "too early") }, "Generator.Send", "call Next first")
		for i, word := range []string{"", "one", "two", "", "late"} {
			v, err := g.Next, error(nil)
			if i > 0 {
				v = func(ctx context.Context) (string, error) { return g.Send(ctx, word) }
			}
			got, err := v(ctx)
			log.add("%q %v", got, err)
		}
		end := aiter.ErrStopIteration.Error()
		log.want(t, `"after nothing" <nil>`, `"after one" <nil>`, `"after two" <nil>`, `"" `+
			end, `"" `+end)
		return nil
	})
}

// Conformance: AG-008.
func TestTheConsumerSeesTheCancellationAfterTheCleanup(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		g := aiter.NewGenerator(ctx, func(ctx context.Context, yield func(string) (string, error)) error {
			defer func() {
				log.add("cleanup %v", aio.Sleep(context.WithoutCancel(ctx), time.Second))
			}()
			helper := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
			aio.RunningLoop(ctx).CallSoon(func() { helper.Cancel(errReason) })
			_, err := helper.Await(ctx)
			return err
		})
		_, err := g.Next(ctx)
		log.add("cancelled %v, for the reason %v",
			errors.Is(err, aio.ErrCancelled), errors.Is(err, errReason))
		log.want(t, "cleanup <nil>", "cancelled true, for the reason true")
		return nil
	})
}

// Conformance: AG-009.
func TestAnErrorCanBeThrownIntoAGenerator(t *testing.T) {
	catches := func(ctx context.Context, yield func(string) (string, error)) error {
		_, err := yield("first")
		if !errors.Is(err, errBoom) {
			return err
		}
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		_, err = yield("caught " + err2text(err))
		return err
	}
	for _, c := range []struct {
		name, value string
		err         error
		body        func(ctx context.Context, yield func(string) (string, error)) error
	}{
		{"it is handled and a value yielded", "caught", nil, catches},
		{"it is handled and the body ends", "", aiter.ErrStopIteration,
			func(_ context.Context, yield func(string) (string, error)) error {
				_, _ = yield("first")
				return nil
			}},
		{"it is not handled", "", errBoom,
			func(_ context.Context, yield func(string) (string, error)) error {
				_, err := yield("first")
				return err
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				g := aiter.NewGenerator(ctx, c.body)
				if v, err := g.Next(ctx); v != "first" || err != nil {
					t.Errorf("the first step gives %q, %v", v, err)
				}
				if v, err := g.Throw(ctx, errBoom); len(v) < len(c.value) || v[:len(c.value)] != c.value ||
					err != c.err {
					t.Errorf("Throw gives %q, %v", v, err)
				}
				return g.Close(ctx)
			})
		})
	}
	run(t, func(ctx context.Context) error { // a body that has not begun never does
		g := aiter.NewGenerator(ctx, catches)
		if _, err := g.Throw(ctx, errBoom); err != errBoom {
			t.Errorf("Throw gives %v", err)
		}
		if _, err := g.Next(ctx); err != aiter.ErrStopIteration {
			t.Errorf("Next gives %v", err)
		}
		wantPanic(t, func() { _, _ = g.Throw(ctx, nil) }, "Generator.Throw", "use Next")
		return nil
	})
}

func err2text(err error) string {
	if err == nil {
		return "it"
	}
	return err.Error()
}

// Conformance: AG-010.
func TestACancellationWhileAThrownErrorIsHandledComesAfterTheCleanup(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		task := started(ctx, func(ctx context.Context) error {
			g := aiter.NewGenerator(ctx,
				func(ctx context.Context, yield func(string) (string, error)) error {
					defer func() { log.add("cleanup %v", aio.Sleep(context.WithoutCancel(ctx), time.Second)) }()
					if _, err := yield("first"); errors.Is(err, errBoom) {
						return aio.Sleep(ctx, time.Hour)
					}
					return nil
				})
			if _, err := g.Next(ctx); err != nil {
				return err
			}
			_, err := g.Throw(ctx, errBoom)
			log.add("thrown, cancelled %v", errors.Is(err, aio.ErrCancelled))
			return err
		})
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		log.add("%v", errors.Is(err, errReason))
		log.want(t, "cleanup <nil>", "thrown, cancelled true", "true")
		return nil
	})
}

// Conformance: AG-011.
func TestAGeneratorThatYieldsWhileItIsClosedIsEndedAndToldOn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		g := aiter.NewGenerator(ctx, func(ctx context.Context, yield func(string) (string, error)) error {
			defer log.add("deferred")
			for {
				_, err := yield("again")
				log.add("%v", err == aiter.ErrClosed)
			}
		})
		_, _ = g.Next(ctx)
		if err := g.Close(ctx); err != aiter.ErrIgnoredClose {
			t.Errorf("Close returned %v", err)
		}
		if err := g.Close(ctx); err != nil {
			t.Errorf("a second Close returned %v", err)
		}
		log.want(t, "true", "deferred")

		it := aiter.Pull(ctx, func(yield func(int, error) bool) {
			yield(1, nil)
			yield(2, nil)
		})
		_, _ = it.Next(ctx)
		wantPanic(t, func() { _ = it.Close(ctx) }, "continued iteration")
		seq := aiter.Generate(ctx, func(_ context.Context, yield func(int) bool) error {
			yield(1)
			yield(2)
			return nil
		})
		wantPanic(t, func() {
			for range seq {
				break
			}
		}, "Generate", "must return")
		return nil
	})
}

// Conformance: AG-012, AG-013, AG-014.
func TestCloseRunsTheCleanupToItsEnd(t *testing.T) {
	for name, cleanup := range map[string]func(ctx context.Context) error{
		"that awaits": func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) },
		"that handles the failure of a task it awaits": func(ctx context.Context) error {
			_, err := aio.Start(ctx, func(context.Context) error { return errBoom }).Await(ctx)
			if !errors.Is(err, errBoom) {
				return errors.New("the task did not fail")
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				var log journal
				g := aiter.NewGenerator(ctx, func(ctx context.Context, yield func(int) (int, error)) error {
					defer func() { log.add("cleanup %v", cleanup(ctx)) }()
					if _, err := yield(1); err != nil {
						return nil // swallowed
					}
					log.add("never")
					return nil
				})
				_, err := g.Next(ctx)
				log.add("%v", err)
				log.add("closed %v", g.Close(ctx))
				_, err = g.Next(ctx)
				log.add("%v", err)
				log.want(t, "<nil>", "cleanup <nil>", "closed <nil>", aiter.ErrStopIteration.Error())
				return nil
			})
		})
	}
}

// Conformance: AG-015.
func TestClosingIsHarmlessTwiceAfterTheEndAndBeforeTheBeginning(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		for range 2 {
			it := aiter.Pull(ctx, count(ctx, &log, 1, nil))
			if err := it.Close(ctx); err != nil {
				t.Errorf("Close before the beginning: %v", err)
			}
			if _, err := it.Next(ctx); err != aiter.ErrStopIteration {
				t.Errorf("Next after that: %v", err)
			}
		}
		log.want(t) // it never began

		it := aiter.Pull(ctx, count(ctx, &log, 2, nil))
		for range 3 {
			_, _ = it.Next(ctx)
		}
		if err := errors.Join(it.Close(ctx), it.Close(ctx)); err != nil {
			t.Errorf("Close after the end: %v", err)
		}
		half := aiter.Pull(ctx, count(ctx, &log, 2, nil))
		_, _ = half.Next(ctx)
		if err := errors.Join(half.Close(ctx), half.Close(ctx)); err != nil {
			t.Errorf("Close twice: %v", err)
		}
		log.want(t, "source closed: <nil>", "source closed: <nil>")
		return nil
	})
}

func TestCloseReturnsTheErrorOfTheCleanup(t *testing.T) {
	run(t, func(ctx context.Context) error {
		g := aiter.NewGenerator(ctx, func(_ context.Context, yield func(int) (int, error)) error {
			_, _ = yield(1)
			return errBoom
		})
		_, _ = g.Next(ctx)
		if err := g.Close(ctx); err != errBoom {
			t.Errorf("Close returned %v", err)
		}
		return nil
	})
}

func TestAnErrorOfAGeneratorThatWasLeftIsReported(t *testing.T) {
	cancelled := &aio.CancelledError{Cause: errReason}
	for _, c := range []struct {
		end      error
		reported bool
	}{
		{errBoom, true},
		{errors.Join(cancelled, errBoom), true},
		{fmt.Errorf("while closing: %w", cancelled), false},
		{context.Canceled, false},
		{nil, false},
	} {
		seen, err := runReports(t, func(ctx context.Context) error {
			for range aiter.Generate(ctx, func(_ context.Context, yield func(int) bool) error {
				yield(1)
				return c.end
			}) {
				break
			}
			return nil
		})
		if err != nil || (len(*seen) == 1) != c.reported || c.reported && (*seen)[0].Err != c.end {
			t.Errorf("%v: got %v, reports %v", c.end, err, *seen)
		}
	}
}

// Conformance: AG-026.
func TestEveryRangeOverAnIteratorGoesOnWhereTheOneBeforeStopped(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		it := aiter.Pull(ctx, count(ctx, &log, 5, nil))
		first, second := it.All(ctx), it.All(ctx)
		for v := range first {
			log.add("first %d", v)
			break
		}
		for v := range second {
			log.add("second %d", v)
			if v == 3 {
				break
			}
		}
		again := aiter.Pull(ctx, it.All(ctx)) // an iterator of an iterator
		v, _ := again.Next(ctx)
		log.add("again %d", v)
		_ = again.Close(ctx)
		v, _ = it.Next(ctx)
		log.add("it %d", v)
		_ = it.Close(ctx)
		log.want(t, "first 1", "second 2", "second 3", "again 4", "it 5", "source closed: <nil>")
		return nil
	})
}

// Conformance: AG-024.
func TestWrongArgumentsPanicAndSaySo(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for _, fn := range []func(){
			func() { aiter.Pull[int](ctx, nil) },
			func() { aiter.NewGenerator[int, int](ctx, nil) },
			func() { aiter.Generate[int](ctx, nil) },
			func() { aiter.Map[int, int](ctx, nil, nil) },
			func() { aiter.Filter(ctx, aiter.FromSlice([]int{1}), nil) },
			func() { aiter.Batch(aiter.FromSlice([]int{1}), 0) },
			func() { aiter.Prefetch(ctx, aiter.FromSlice([]int{1}), 0) },
			func() { aiter.Merge(ctx, aiter.FromSlice([]int{1}), nil) },
			func() { aiter.Tick(ctx, 0) },
			func() { aiter.Values(aiter.FromSlice([]int{1}), nil) },
		} {
			wantPanic(t, fn, "aiter: ")
		}
		wantPanic(t, func() {
			_, _ = aiter.Pull(ctx,
				aiter.FromSlice([]int{1})).Next(context.Background())
		}, "no running event loop")
		return nil
	})
}

func TestAStepFromElsewhereThanATaskOfTheLoopPanics(t *testing.T) {
	run(t, func(ctx context.Context) error {
		it := aiter.Pull(ctx, aiter.FromSlice([]int{1}))
		_, err := aio.ToThread(ctx, func(context.Context) (int, error) {
			wantPanic(t, func() { _, _ = it.Next(ctx) }, "must not await")
			return 0, nil
		})
		callback := aio.NewFuture[int](ctx)
		aio.RunningLoop(ctx).CallSoon(func() {
			wantPanic(t, func() { _, _ = it.Next(ctx) }, "callback")
			_ = callback.SetResult(0)
		})
		_, _ = callback.Await(ctx)
		return errors.Join(err, it.Close(ctx))
	})
}

func TestTwoTasksCannotMakeAStepAtTheSameTime(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		it := aiter.Pull(ctx, count(ctx, &log, 3, nil))
		other := started(ctx, func(ctx context.Context) error {
			_, err := it.Next(ctx)
			return err
		})
		wantPanic(t, func() { _, _ = it.Next(ctx) }, "Generator.Next", "of another task")
		wantPanic(t, func() { _ = it.Close(ctx) }, "Generator.Close", "of another task")
		_, err := other.Await(ctx)
		if v, err := it.Next(ctx); v != 2 || err != nil {
			t.Errorf("after that the next step gives %d, %v", v, err)
		}
		return errors.Join(err, it.Close(ctx))
	})
}

func TestTwoTasksMayCloseAGeneratorAtTheSameTime(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		it := aiter.Pull(ctx, count(ctx, &log, 3, nil))
		_, _ = it.Next(ctx)
		other := started(ctx, func(ctx context.Context) error {
			defer log.add("the first is done")
			return it.Close(ctx)
		})
		err := it.Close(ctx)
		log.add("the second is done")
		_, err2 := other.Await(ctx)
		log.want(t, closed, "the first is done", "the second is done")
		return errors.Join(err, err2)
	})
}

func TestAGeneratorCannotCloseOrStepItself(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var g *aiter.Generator[int, int]
		g = aiter.NewGenerator(ctx, func(ctx context.Context, yield func(int) (int, error)) error {
			wantPanic(t, func() { _, _ = g.Next(ctx) }, "of the body itself")
			wantPanic(t, func() { _ = g.Close(ctx) }, "of the body itself")
			_, err := yield(1)
			wantPanic(t, func() { _ = g.Close(ctx) }, "of the body itself")
			return err
		})
		_, err := g.Next(ctx)
		return errors.Join(err, g.Close(ctx))
	})
}

func TestStepsMayBeMadeByOneTaskAfterTheOther(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		it := aiter.Pull(ctx, count(ctx, &log, 4, nil))
		for range 3 {
			v, err := aio.CreateTask(ctx, it.Next).Await(ctx)
			log.add("%d %v", v, err)
		}
		_, err := aio.Start(ctx, it.Close).Await(ctx)
		log.want(t, "1 <nil>", "2 <nil>", "3 <nil>", "source closed: <nil>")
		return err
	})
}

func TestTheContextOfAStepInterruptsTheAwaitInTheBody(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		patient := aiter.NewGenerator(ctx, func(ctx context.Context, yield func(int) (int, error)) error {
			for i := 0; ; i++ {
				if err := aio.Sleep(ctx, time.Hour); err != nil {
					log.add("caught %v", errors.Is(err, context.DeadlineExceeded) ||
						errors.Is(err, aio.ErrCancelled))
				}
				if _, err := yield(i); err != nil {
					return err
				}
			}
		})
		within := func(d time.Duration) context.Context {
			limited, cancel := aio.WithTimeout(ctx, d)
			t.Cleanup(cancel)
			return limited
		}
		v, err := patient.Next(within(time.Second))
		log.add("%d %v", v, err)
		v, err = aio.WaitFor(ctx, time.Second, patient.Next)
		log.add("%d %v", v, err)
		log.add("%v", elapsed(ctx, func() { _, _ = patient.Next(ctx) }))
		log.want(t, "caught true", "0 <nil>", "caught true", "1 <nil>", "1h0m0s")
		return patient.Close(ctx)
	})
}

func TestAPanicOfABodyIsRaisedInTheStep(t *testing.T) {
	run(t, func(ctx context.Context) error {
		it := aiter.Pull(ctx, aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
			yield(1)
			_ = aio.Yield(ctx)
			panic("in the body")
		}))
		_, _ = it.Next(ctx)
		wantPanic(t, func() { _, _ = it.Next(ctx) }, "in the body", "TestAPanicOfABody")
		if _, err := it.Next(ctx); err != aiter.ErrStopIteration {
			t.Errorf("after that: %v", err)
		}
		return nil
	})
}

func TestAGoexitInABodyEndsTheTaskThatMakesTheStep(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		task := aio.Start(ctx, func(ctx context.Context) error {
			defer log.add("the task's")
			it := aiter.Pull(ctx, aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
				defer log.add("the body's")
				runtime.Goexit()
				return nil
			}))
			_, _ = it.Next(ctx)
			log.add("never")
			return nil
		})
		_, err := task.Await(ctx)
		var exit *aio.GoexitError
		if !errors.As(err, &exit) {
			t.Errorf("the task ended with %v", err)
		}
		log.want(t, "the body's", "the task's")
		return nil
	})
}

func TestABodyThatReturnsErrStopIterationEndsWell(t *testing.T) {
	run(t, func(ctx context.Context) error {
		inner := aiter.Pull(ctx, aiter.FromSlice([]int{1, 2}))
		wantItems(t, aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
			for {
				v, err := inner.Next(ctx)
				if err != nil {
					return err
				}
				if !yield(v * 10) {
					return nil
				}
			}
		}), 10, 20)
		return nil
	})
}

func TestAGeneratorMayCloseOverABlockThatIsOpenAcrossItsYield(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		it := aiter.Pull(ctx, aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
			return aio.Timeout(ctx, time.Minute, func(ctx context.Context) error {
				yield(1)
				return nil
			})
		}))
		task := started(ctx, func(ctx context.Context) error {
			_ = aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
				v, err := it.Next(ctx)
				log.add("%d %v", v, err)
				return nil
			})
			defer func() { log.add("closed %v", it.Close(ctx)) }()
			return aio.Sleep(ctx, time.Hour)
		})
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		log.add("%v", errors.Is(err, errReason))
		log.want(t, "1 <nil>", "closed <nil>", "true")
		return nil
	})
}
