package aio_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// The contexts in these tests come from anywhere: an outer block, another task, the standard library. An await takes them all, and ends when
// the context does or the innermost block around the await, unless the context was freed.

// awaits are the ways to wait that have to treat contexts alike.
var awaits = map[string]func(ctx context.Context) error{
	"Sleep": func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) },
	"Future.Await": func(ctx context.Context) error {
		_, err := aio.NewFuture[int](aio.RunningLoop(ctx)).Await(ctx)
		return err
	},
	"Task.Await": func(ctx context.Context) error {
		_, err := aio.Start(ctx, forever).Await(ctx)
		return err
	},
	"Gather": func(ctx context.Context) error {
		_, err := aio.Gather(ctx, aio.Start(ctx, forever), aio.Start(ctx, forever))
		return err
	},
	"Wait": func(ctx context.Context) error {
		_, _, err := aio.Wait(ctx, aio.AllCompleted, aio.NewFuture[int](aio.RunningLoop(ctx)))
		return err
	},
	"AsCompleted": func(ctx context.Context) error {
		for _, err := range aio.AsCompleted(ctx, aio.NewFuture[int](aio.RunningLoop(ctx))) {
			return err
		}
		return nil
	},
	"Shield": func(ctx context.Context) error {
		_, err := aio.Shield(ctx, aio.NewFuture[int](aio.RunningLoop(ctx)))
		return err
	},
	"Waiter": forever,
	"Group": func(ctx context.Context) error {
		return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			g.Go(forever)
			return nil
		})
	},
	"Timeout": func(ctx context.Context) error {
		return aio.Timeout(ctx, 2*time.Hour, forever)
	},
	"All": func(ctx context.Context) error {
		_, err := aio.All(ctx, aio.Action(forever), aio.Action(forever))
		return err
	},
}

func eachAwait(t *testing.T, test func(t *testing.T, ctx context.Context, await func(ctx context.Context) error)) {
	for name, await := range awaits {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				test(t, ctx, await)
				return nil
			})
		})
	}
}

func TestAnAwaitInATimeoutBlockWithTheContextFromOutsideIsInterrupted(t *testing.T) {
	eachAwait(t, func(t *testing.T, outer context.Context, await func(ctx context.Context) error) {
		begin := aio.RunningLoop(outer).Time()
		err := aio.Timeout(outer, time.Second, func(context.Context) error { return await(outer) })
		if d := aio.RunningLoop(outer).Time().Sub(begin); !errors.Is(err, context.DeadlineExceeded) || d != time.Second {
			t.Errorf("got %v after %v", err, d)
		}
	})
}

func TestAnAwaitWithTheContextOfAnotherTaskEndsWithEither(t *testing.T) {
	eachAwait(t, func(t *testing.T, ctx context.Context, await func(ctx context.Context) error) {
		for _, cancelLender := range []bool{true, false} {
			var lent context.Context
			lender := started(ctx, func(ctx context.Context) error {
				lent = ctx
				return forever(ctx)
			})
			borrower := started(ctx, func(context.Context) error { return await(lent) })
			passes(ctx, 2)
			if cancelLender {
				lender.Cancel(errReason)
			} else {
				borrower.Cancel(errReason)
			}
			_, err := borrower.Await(ctx)
			wantCancelled(t, err, errReason)
			if lender.Done() != cancelLender {
				t.Errorf("the lender is %v", lender)
			}
			lender.Cancel(nil)
			lender.Await(ctx)
			borrower.Err()
		}
	})
}

func TestAFreedContextIsNotInterrupted(t *testing.T) {
	free := map[string]func(ctx context.Context) (context.Context, func()){
		"WithoutCancel": func(ctx context.Context) (context.Context, func()) { return context.WithoutCancel(ctx), func() {} },
		"a value on top": func(ctx context.Context) (context.Context, func()) {
			return context.WithValue(context.WithoutCancel(ctx), key("k"), 1), func() {}
		},
		"std WithTimeout on top": func(ctx context.Context) (context.Context, func()) {
			c, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Hour)
			return c, cancel
		},
		"std WithCancel and a value on top": func(ctx context.Context) (context.Context, func()) {
			c, cancel := context.WithCancel(context.WithoutCancel(ctx))
			return context.WithValue(c, key("k"), 1), cancel
		},
		"WithTimeout on top": func(ctx context.Context) (context.Context, func()) {
			c, cancel := aio.WithTimeout(context.WithoutCancel(ctx), time.Hour)
			return c, cancel
		},
		"WithTimeout on std WithCancel on top": func(ctx context.Context) (context.Context, func()) {
			std, stop := context.WithCancel(context.WithoutCancel(ctx))
			c, cancel := aio.WithTimeout(std, time.Hour)
			return c, func() { cancel(); stop() }
		},
		"WithCancelCause twice on top": func(ctx context.Context) (context.Context, func()) {
			c1, cancel1 := aio.WithCancelCause(context.WithoutCancel(ctx))
			c2, cancel2 := aio.WithCancelCause(c1)
			return c2, func() { cancel2(nil); cancel1(nil) }
		},
	}
	for name, free := range free {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				task := started(ctx, func(outer context.Context) error {
					return aio.Timeout(outer, time.Second, func(inner context.Context) error {
						for _, ctx := range []context.Context{outer, inner} {
							ctx, cancel := free(ctx)
							if err := aio.Sleep(ctx, time.Minute); err != nil {
								t.Errorf("a sleep over the deadline: %v", err)
							}
							if err := aio.Timeout(ctx, time.Minute, func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) }); err != nil {
								t.Errorf("a block made from it: %v", err)
							}
							cancel()
						}
						return nil
					})
				})
				aio.Sleep(ctx, 30*time.Second)
				task.Cancel(nil) // the task's own cancellation does not reach it either
				task.Await(ctx)
				return nil
			})
		})
	}
}

func TestAnAwaitInAFreedBlockWithTheContextFromOutsideIsInterrupted(t *testing.T) {
	eachAwait(t, func(t *testing.T, ctx context.Context, await func(ctx context.Context) error) {
		task := started(ctx, func(outer context.Context) error {
			return aio.Timeout(context.WithoutCancel(outer), 24*time.Hour, func(context.Context) error { return await(outer) })
		})
		passes(ctx, 2)
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
	})
}

func TestContextsOfTheStandardLibraryEndAnyAwait(t *testing.T) {
	eachAwait(t, func(t *testing.T, ctx context.Context, await func(ctx context.Context) error) {
		l := aio.RunningLoop(ctx)
		for range 2 {
			std, cancel := context.WithCancelCause(context.WithValue(ctx, key("k"), "v"))
			std = context.WithValue(std, key("k2"), "v2")
			task := started(ctx, func(context.Context) error { return await(std) })
			passes(ctx, 2)
			l.ExpectPosts(1) // the cancellation comes through a goroutine of package context
			task.AddDoneCallback(func() { l.ExpectPosts(-1) })
			cancel(errReason)
			_, err := task.Await(ctx)
			if !errors.Is(err, context.Canceled) || !errors.Is(err, errReason) {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestADeadlineOfTheStandardLibraryEndsAnAwaitAsATimeOut(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		std, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		return forever(std)
	})
	var te *aio.TimeoutError
	if !errors.As(err, &te) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, aio.ErrCancelled) {
		t.Errorf("got %v", err)
	}
}

func TestCancellingATaskReachesTheContextsMadeFromItsOwn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var std, later context.Context
		before := runtime.NumGoroutine()
		task := started(ctx, func(ctx context.Context) error {
			std = ctx
			for range 10 {
				child, cancel := context.WithCancel(std)
				defer cancel()
				std = child
			}
			if n := runtime.NumGoroutine(); n > before+1 { // the task itself
				t.Errorf("%d goroutines for ten contexts", n-before-1)
			}
			err := forever(std)
			if std.Err() != context.Canceled || !errors.Is(context.Cause(std), errReason) {
				t.Errorf("the context has %v because of %v", std.Err(), context.Cause(std))
			}
			child, cancel := context.WithCancel(ctx)
			defer cancel()
			later = child
			return err
		})
		task.Cancel(errReason)
		if std.Err() == nil { // at once, before any task runs
			t.Error("the cancellation has not reached the context")
		}
		task.Await(ctx)
		if later.Err() != context.Canceled || !errors.Is(context.Cause(later), errReason) {
			t.Errorf("a context made afterwards has %v because of %v", later.Err(), context.Cause(later))
		}
		return nil
	})
}

func TestTheContextOfAFinishedTaskServesAnyGoroutineForEver(t *testing.T) {
	var kept context.Context
	run(t, func(ctx context.Context) error {
		ctx = context.WithValue(ctx, key("k"), "v")
		_, err := aio.Start(ctx, func(ctx context.Context) error { kept = ctx; return nil }).Await(ctx)
		return err
	})
	var goroutines sync.WaitGroup
	for range 4 {
		goroutines.Go(func() {
			child, cancel := context.WithCancel(kept)
			if kept.Err() != nil || child.Err() != nil || kept.Value(key("k")) != "v" || context.Cause(kept) != nil {
				t.Errorf("it has %v, %v, %v", kept.Err(), child.Err(), kept.Value(key("k")))
			}
			if _, ok := kept.Deadline(); ok {
				t.Error("it has a deadline")
			}
			select {
			case <-kept.Done():
				t.Error("it is done")
			default:
			}
			cancel()
			<-child.Done()
			_ = kept.(interface{ String() string }).String()
		})
	}
	goroutines.Wait()
}

func TestAContextIsSafeOnOtherGoroutinesWhileItsTaskIsCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for range 50 {
			var lent context.Context
			task := started(ctx, func(ctx context.Context) error {
				lent = ctx
				return forever(ctx)
			})
			var goroutines sync.WaitGroup
			for range 3 {
				goroutines.Go(func() {
					<-lent.Done()
					if lent.Err() != context.Canceled || !errors.Is(context.Cause(lent), errReason) {
						t.Errorf("it has %v because of %v", lent.Err(), context.Cause(lent))
					}
				})
			}
			task.Cancel(errReason)
			goroutines.Wait()
			task.Await(ctx)
		}
		return nil
	})
}

func TestAContextWithItsOwnCancelFollowsTheLoopsClock(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		limited, cancel := aio.WithTimeout(ctx, time.Second)
		defer cancel()
		if at, ok := limited.Deadline(); !ok || !at.Equal(l.Time().Add(time.Second)) {
			t.Errorf("its deadline is %v", at)
		}
		err := forever(limited)
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, aio.ErrCancelled) || limited.Err() != context.DeadlineExceeded {
			t.Errorf("got %v, the context has %v", err, limited.Err())
		}
		early, cancel := aio.WithTimeout(ctx, time.Second)
		cancel()
		wantCancelled(t, forever(early), nil)
		return aio.Sleep(ctx, time.Minute) // its timer has no effect on others
	})
}

func TestCancelFunctionsWorkOnAnyGoroutine(t *testing.T) {
	run(t, func(ctx context.Context) error {
		own, cancel := aio.WithCancelCause(ctx)
		task := started(ctx, func(context.Context) error { return forever(own) })
		err := aio.Blocking(ctx, func(context.Context) error {
			cancel(errReason)
			if own.Err() != context.Canceled || !errors.Is(context.Cause(own), errReason) {
				t.Errorf("right after cancel it has %v because of %v", own.Err(), context.Cause(own))
			}
			return nil
		})
		if err != nil {
			return err
		}
		_, err = task.Await(ctx)
		wantCancelled(t, err, errReason)
		return nil
	})
}

func TestAnAwaitOnAnotherGoroutinePanicsWithTheRemedy(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := gate(ctx)
		elsewhere := func(op string, await func()) {
			t.Helper()
			var v any
			done := make(chan struct{})
			go func() {
				defer close(done)
				v = panicOf(await)
			}()
			<-done
			wantPanic(t, func() { panic(v) }, "aio: "+op+": called from a goroutine that is not the loop's", "ToThread", "Submit")
		}
		std, cancel := context.WithCancel(ctx)
		defer cancel()
		for _, ctx := range []context.Context{ctx, std, context.WithoutCancel(ctx), aio.RunningLoop(ctx).Context()} {
			elsewhere("Sleep", func() { aio.Sleep(ctx, time.Second) })
			elsewhere("Yield", func() { aio.Yield(ctx) })
			elsewhere("Future.Await", func() { f.Await(ctx) })
			elsewhere("Gather", func() { aio.Gather(ctx, f) })
			elsewhere("Group", func() { aio.Group(ctx, nil) })
			elsewhere("Timeout", func() { aio.Timeout(ctx, time.Second, nil) })
			elsewhere("Gate.Pass", func() { aio.NewWaiter(ctx, "Gate.Pass", nil) })
		}
		return aio.Blocking(ctx, func(ctx context.Context) error {
			wantPanic(t, func() { aio.Sleep(ctx, time.Second) }, "aio: Sleep: called from a goroutine that is not the loop's")
			return nil
		})
	}, strict)
}

func TestAnAwaitInACallbackPanicsWithTheRemedy(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.CallSoon(func() {
			wantPanic(t, func() { aio.Sleep(l.Context(), time.Second) }, "aio: Sleep: called from a callback", "CreateTask")
			wantPanic(t, func() { aio.Yield(ctx) }, "aio: Yield: called from a callback")
		})
		return aio.Yield(ctx)
	})
}

func TestAnIteratorOfTheUsersOwnMayAwait(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		ticks := func(yield func(int) bool) {
			defer func() { log.add("cleanup: %v", aio.Yield(ctx)) }()
			for i := range 3 {
				if err := aio.Sleep(ctx, time.Second); err != nil || !yield(i) {
					log.add("stopped: %v", err)
					return
				}
			}
		}
		other := aio.Start(ctx, func(ctx context.Context) error {
			for range 2 {
				aio.Sleep(ctx, 1500*time.Millisecond)
				log.add("other")
			}
			return nil
		})
		next, stop := iter.Pull(ticks)
		for range 2 {
			v, ok := next()
			log.add("%d %v", v, ok)
			aio.Yield(ctx)
		}
		stop()
		other.Await(ctx)
		log.want(t, "0 true", "other", "1 true", "stopped: <nil>", "cleanup: <nil>", "other")
		return nil
	})
}

func TestAnIteratorThatAwaitsIsInterruptedWithItsTask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := started(ctx, func(ctx context.Context) error {
			var err error
			next, stop := iter.Pull(func(yield func(int) bool) { err = forever(ctx) })
			defer stop()
			next()
			return err
		})
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		return nil
	})
}

func TestABlockInAnIteratorThatOutlivesTheBlockAroundItIsCancelledWithTheTask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := started(ctx, func(ctx context.Context) error {
			next, stop := iter.Pull(func(yield func(int) bool) {
				_ = aio.Timeout(ctx, time.Hour, func(context.Context) error {
					yield(1)
					return nil
				})
			})
			defer stop()
			_ = aio.Timeout(ctx, time.Minute, func(context.Context) error {
				next() // the hour begins inside the minute and goes on after it
				return nil
			})
			return forever(ctx)
		})
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		return nil
	})
}

func TestABlockInAnIteratorThatOutlivesAFreedBlockLeavesTheTaskCancellable(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var inside error
		task := started(ctx, func(ctx context.Context) error {
			next, stop := iter.Pull(func(yield func(int) bool) {
				free := context.WithoutCancel(ctx)
				_ = aio.Timeout(free, time.Hour, func(block context.Context) error {
					yield(1)
					inside = aio.Sleep(block, time.Second)
					return nil
				})
			})
			defer stop()
			_ = aio.Timeout(context.WithoutCancel(ctx), time.Minute, func(context.Context) error {
				next()
				return nil
			})
			return forever(ctx)
		})
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		if inside != nil {
			t.Errorf("the freed block inside the iterator ended with %v", inside)
		}
		return nil
	})
}

func TestTheAmbientContextAwaitsForWhateverTaskRuns(t *testing.T) {
	eachAwait(t, func(t *testing.T, ctx context.Context, await func(ctx context.Context) error) {
		ambient := aio.RunningLoop(ctx).Context()
		task := started(ctx, func(context.Context) error { return await(context.WithValue(ambient, key("k"), 1)) })
		passes(ctx, 2)
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
	})
}
