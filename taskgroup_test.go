package aio_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// yields lets n passes go by.
func yields(ctx context.Context, n int) error {
	for range n {
		if err := aio.Yield(ctx); err != nil {
			return err
		}
	}
	return nil
}

// spin yields until it is cancelled.
func spin(ctx context.Context) error {
	for {
		if err := aio.Yield(ctx); err != nil {
			return err
		}
	}
}

func failWith(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// cleanupFails waits to be cancelled and answers with an error of its own.
func cleanupFails(err error) func(context.Context) error {
	return func(ctx context.Context) error {
		_ = forever(ctx)
		return err
	}
}

// joined returns the errors that err consists of.
func joined(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

func wantErrors(t *testing.T, err error, want ...error) {
	t.Helper()
	if got := joined(err); !slices.Equal(got, want) {
		t.Errorf("the error consists of %v, want %v", got, want)
	}
}

func wantCancellation(t *testing.T, err error) {
	t.Helper()
	var ce *aio.CancelledError
	if !errors.As(err, &ce) || len(joined(err)) != 1 {
		t.Errorf("got %v, want a plain cancellation", err)
	}
}

// Conformance: TG-001.
func TestAGroupWaitsForItsTasksAndTheirResultsAreThereAfterwards(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var a, b *aio.Task[int]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			a = aio.Spawn(g, func(ctx context.Context) (int, error) { return 42, aio.Sleep(ctx, time.Second) })
			b = aio.Spawn(g, func(ctx context.Context) (int, error) { return 11, aio.Sleep(ctx, 2*time.Second) })
			return nil
		})
		if err != nil || !a.Done() || !b.Done() {
			t.Fatalf("got %v with %v and %v", err, a, b)
		}
		va, _ := a.Result()
		vb, _ := b.Result()
		if va != 42 || vb != 11 {
			t.Fatalf("the results are %d and %d", va, vb)
		}
		return nil
	})
}

// Conformance: TG-002.
func TestATaskAddedAfterTheBodyHasSleptIsWaitedForToo(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var a, b *aio.Task[aio.None]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			a = g.Go(func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) })
			if err := aio.Sleep(ctx, 2*time.Second); err != nil {
				return err
			}
			b = g.Go(func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) })
			return nil
		})
		if !a.Done() || !b.Done() || a.Err() != nil || b.Err() != nil {
			t.Errorf("the tasks are %v and %v", a, b)
		}
		return err
	})
}

// Conformance: TG-003.
func TestATaskCancelledByTheBodyDoesNotEndTheGroup(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var a, b, c *aio.Task[aio.None]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			a, b = g.Go(forever), g.Go(func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) })
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			a.Cancel(nil)
			for !a.Done() {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			c = g.Go(aio.Yield)
			return nil
		})
		if !a.Cancelled() || b.Err() != nil || c.Err() != nil {
			t.Errorf("the tasks are %v, %v and %v", a, b, c)
		}
		return err
	})
}

// Conformance: TG-004.
func TestATaskThatFailsWhileTheBodyWaitsCancelsItsSiblingAndComesOut(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var sibling *aio.Task[aio.None]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error { return errors.Join(yields(ctx, 3), errBoom) })
			sibling = g.Go(forever)
			return nil
		})
		if !errors.Is(err, errBoom) || !sibling.Cancelled() {
			t.Errorf("got %v; the sibling is %v", err, sibling)
		}
		return nil
	})
}

// Conformance: TG-005.
func TestTheFirstFailureCancelsBodyAndTasksAndAllFailuresComeOutTogether(t *testing.T) {
	errA, errB := errors.New("a"), errors.New("b")
	var log journal
	run(t, func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(failWith(errA))
			g.Go(failWith(errB))
			g.Go(func(ctx context.Context) error {
				err := forever(ctx)
				log.add("the task was cancelled: %v", errors.Is(err, errA))
				return err
			})
			err := forever(ctx)
			log.add("the body was cancelled: %v", errors.Is(err, errA))
			return err
		})
		wantErrors(t, err, errA, errB)
		return nil
	})
	log.want(t, "the task was cancelled: true", "the body was cancelled: true")
}

// inTask runs fn as a task, lets passes go by, cancels it with cause and returns its error.
func inTask(ctx context.Context, passes int, cause error, fn func(ctx context.Context) error) (*aio.Task[aio.None], error) {
	task := aio.Start(ctx, fn)
	if err := yields(ctx, passes); err != nil {
		return task, err
	}
	task.Cancel(cause)
	_, err := task.Await(ctx)
	return task, err
}

// Conformance: TG-007.
func TestCancellingTheParentCancelsBodyAndTasks(t *testing.T) {
	var log journal
	run(t, func(ctx context.Context) error {
		note := func(name string) func(context.Context) error {
			return func(ctx context.Context) error {
				err := forever(ctx)
				log.add("%s: %v", name, errors.Is(err, aio.ErrCancelled) && errors.Is(err, errBoom))
				return err
			}
		}
		task, err := inTask(ctx, 2, errBoom, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(note("first"))
				g.Go(note("second"))
				return note("body")(ctx)
			})
		})
		wantCancellation(t, err)
		if !task.Cancelled() {
			t.Errorf("the parent is %v", task)
		}
		return nil
	})
	log.want(t, "body: true", "first: true", "second: true")
}

// Conformance: TG-008, V-014.
func TestErrorsOfTheCleanupWinOverTheCancellationOfTheParent(t *testing.T) {
	errA, errB := errors.New("a"), errors.New("b")
	run(t, func(ctx context.Context) error {
		for _, body := range []func(context.Context) error{forever, failWith(nil)} {
			task, err := inTask(ctx, 2, nil, func(ctx context.Context) error {
				return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
					g.Go(cleanupFails(errA))
					g.Go(cleanupFails(errB))
					return body(ctx)
				})
			})
			wantErrors(t, err, errA, errB)
			if task.Cancelled() {
				t.Errorf("the parent counts as cancelled: %v", task)
			}
		}
		return nil
	})
}

// Conformance: TG-009.
func TestABodyThatFailsAfterAnAwaitCancelsTheTasks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var a, b *aio.Task[aio.None]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			a, b = g.Go(forever), g.Go(forever)
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			return errBoom
		})
		wantErrors(t, err, errBoom)
		if !a.Cancelled() || !b.Cancelled() {
			t.Errorf("the tasks are %v and %v", a, b)
		}
		return nil
	})
}

// Conformance: TG-010.
func TestABodyThatFailsBeforeATaskCouldRunKeepsItFromRunning(t *testing.T) {
	run(t, func(ctx context.Context) error {
		started := false
		var a *aio.Task[aio.None]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			a = g.Go(func(context.Context) error {
				started = true
				return nil
			})
			return errBoom
		})
		wantErrors(t, err, errBoom)
		if !a.Cancelled() || started {
			t.Errorf("the task is %v, started: %v", a, started)
		}
		return nil
	})
}

// Conformance: TG-011, TG-012.
func TestErrorsOfAnInnerGroupComeOutOfTheOuterAsOne(t *testing.T) {
	errA, errB := errors.New("a"), errors.New("b")
	run(t, func(ctx context.Context) error {
		for _, withOuterTask := range []bool{false, true} {
			var outerTask *aio.Task[aio.None]
			var inner error
			_, err := inTask(ctx, 3, nil, func(ctx context.Context) error {
				return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
					if withOuterTask {
						outerTask = g.Go(forever)
					}
					inner = aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
						g.Go(cleanupFails(errA))
						g.Go(cleanupFails(errB))
						return forever(ctx)
					})
					return inner
				})
			})
			wantErrors(t, inner, errA, errB)
			if err != inner {
				t.Errorf("the outer group returned %v, the inner one %v", err, inner)
			}
			if withOuterTask && !outerTask.Cancelled() {
				t.Errorf("the task of the outer group is %v", outerTask)
			}
		}
		return nil
	})
}

// Conformance: TG-013.
func TestAFailureInTheOuterGroupCancelsTheInnerOneAndComesOutAlone(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var innerTask *aio.Task[aio.None]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error { return errors.Join(aio.Sleep(ctx, time.Second), errBoom) })
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				innerTask = g.Go(forever)
				return forever(ctx)
			})
		})
		if !errors.Is(err, errBoom) || errors.Is(err, aio.ErrCancelled) || !innerTask.Cancelled() {
			t.Errorf("got %v; the inner task is %v", err, innerTask)
		}
		return nil
	})
}

// Conformance: TG-015, TG-016.
func TestAFailureDuringTheCleanupOfACancelledBodyWins(t *testing.T) {
	body := func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				if err := aio.Sleep(context.WithoutCancel(ctx), 2*time.Second); err != nil {
					return err
				}
				return errBoom
			})
			err := forever(ctx)
			if e := aio.Sleep(context.WithoutCancel(ctx), 5*time.Second); e != nil {
				return e
			}
			return err
		})
	}
	run(t, func(ctx context.Context) error {
		task, err := inTask(ctx, 2, nil, body)
		if err != errBoom || task.Cancelled() {
			t.Errorf("got %v, %v", err, task)
		}
		// the same, inside a task that the cancelled one awaits
		task, err = inTask(ctx, 3, nil, func(ctx context.Context) error {
			_, err := aio.Start(ctx, body).Await(ctx)
			return err
		})
		if err != errBoom || task.Cancelled() {
			t.Errorf("through a nested task: got %v, %v", err, task)
		}
		return nil
	})
}

// Conformance: TG-017.
func TestCancellingTheParentOfAnEmptyGroupIsAPlainCancellation(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task, err := inTask(ctx, 2, nil, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error { return forever(ctx) })
		})
		wantCancellation(t, err)
		if !task.Cancelled() {
			t.Errorf("the task is %v", task)
		}
		return nil
	})
}

// Conformance: TG-018.
func TestABodyMayAnswerItsCancellationWithAnErrorOfItsOwn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task, err := inTask(ctx, 2, nil, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(forever)
				return cleanupFails(errBoom)(ctx)
			})
		})
		wantErrors(t, err, errBoom)
		if task.Cancelled() {
			t.Errorf("the task is %v", task)
		}
		return nil
	})
}

// Conformance: TG-019, TG-030.
func TestTheErrorOfABodyThatWasCancelledByAFailureComesOutBesideIt(t *testing.T) {
	errClose := errors.New("cannot close")
	run(t, func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) (err error) {
			defer func() { err = errClose }() // a resource that cannot be released
			g.Go(failWith(errBoom))
			return forever(ctx)
		})
		wantErrors(t, err, errBoom, errClose)
		return aio.Yield(ctx) // nothing is left of the cancellation
	})
}

// Conformance: TG-024.
func TestAGroupForgetsTasksThatHaveEnded(t *testing.T) {
	const n = 500
	run(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			collected := make(chan struct{}, n)
			for i := range n {
				type big struct{ block [1 << 12]byte }
				payload := &big{}
				runtime.AddCleanup(payload, func(c chan struct{}) { c <- struct{}{} }, collected)
				g.Go(func(ctx context.Context) error {
					payload.block[i%len(payload.block)]++
					return aio.Yield(ctx)
				})
				if err := yields(ctx, 3); err != nil {
					return err
				}
				if kept := aio.GroupSize(g); kept > 130 {
					return fmt.Errorf("the group keeps %d tasks that have ended", kept)
				}
			}
			return nil
		})
	})
}

// Conformance: TG-025.
func TestATaskMayAddTasksWhileTheBodyWaitsAtTheEnd(t *testing.T) {
	var log journal
	run(t, func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				g.Go(func(ctx context.Context) error {
					defer log.add("grandchild")
					return aio.Sleep(ctx, time.Second)
				})
				defer log.add("child")
				return nil
			})
			return nil
		})
		log.add("group")
		return err
	})
	log.want(t, "child", "grandchild", "group")
}

// Conformance: TG-026.
func TestTasksThatKeepSpawningTasksStopWhenOneFails(t *testing.T) {
	run(t, func(ctx context.Context) error {
		started := 0
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			var child func(context.Context) error
			child = func(ctx context.Context) error {
				if started++; started == 100 {
					return errBoom
				}
				g.Go(child)
				g.Go(child)
				return aio.Yield(ctx)
			}
			g.Go(child)
			return nil
		})
		wantErrors(t, err, errBoom)
		if started > 256 {
			t.Errorf("%d tasks were started", started)
		}
		if left := aio.AllTasks(ctx); len(left) != 1 {
			t.Errorf("tasks are left: %v", left)
		}
		return nil
	})
}

// Conformance: TG-027, TG-028.
func TestATaskOfAGroupHasItsNameAndTheValuesOfTheGroup(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ctx = context.WithValue(ctx, runKey{}, "outer")
		var shared []any
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			task := g.Go(func(ctx context.Context) error {
				shared = append(shared, ctx.Value(runKey{}))
				return nil
			}, aio.Name("yolo"))
			if task.Name() != "yolo" {
				t.Errorf("the name is %q", task.Name())
			}
			if _, err := task.Await(ctx); err != nil {
				return err
			}
			second := aio.Spawn(g, func(ctx context.Context) (int, error) { return len(shared), nil })
			n, err := second.Await(ctx)
			if n != 1 || shared[0] != "outer" {
				t.Errorf("the second task sees %d values: %v", n, shared)
			}
			return err
		})
	})
}

// Conformance: TG-029.
func TestAGroupThatIsEndingStartsNothing(t *testing.T) {
	run(t, func(ctx context.Context) error {
		started := false
		var late *aio.Task[aio.None]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				err := forever(ctx)
				late = g.Go(func(context.Context) error {
					started = true
					return nil
				})
				return err
			})
			g.Go(failWith(errBoom))
			return nil
		})
		wantErrors(t, err, errBoom)
		if started || !late.Cancelled() || !errors.Is(late.Err(), aio.ErrGroupClosed) {
			t.Errorf("the late task is %v, started: %v", late, started)
		}
		return nil
	})
}

// Conformance: TG-031, TG-032, TG-033 (the body's argument is the only way to a group, so that it is entered exactly once).
func TestAGroupThatHasEndedRefusesTasks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var kept *aio.TaskGroup
		if err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			kept = g
			return nil
		}); err != nil {
			return err
		}
		started := false
		wantPanic(t, func() {
			kept.Go(func(context.Context) error {
				started = true
				return nil
			})
		}, "aio: TaskGroup.Go: the group has ended", "CreateTask")
		if err := aio.Yield(ctx); err != nil || started {
			t.Errorf("%v, started: %v", err, started)
		}
		return nil
	})
}

// Conformance: TG-034, TO-027.
func TestBlocksNeedATask(t *testing.T) {
	body := func(context.Context, *aio.TaskGroup) error {
		t.Error("the body ran")
		return nil
	}
	fn := func(context.Context) error {
		t.Error("the function ran")
		return nil
	}
	group := func(ctx context.Context) func() { return func() { aio.Group(ctx, body) } }
	timeout := func(ctx context.Context) func() { return func() { aio.Timeout(ctx, time.Second, fn) } }
	wantPanic(t, group(context.Background()), "aio: Group: no running event loop")
	wantPanic(t, timeout(context.Background()), "aio: Timeout: no running event loop")
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		wantPanic(t, func() { aio.Group(ctx, nil) }, "aio: Group: the function is nil")
		wantPanic(t, func() { aio.Timeout(ctx, time.Second, nil) }, "aio: Timeout: the function is nil")
		l.CallSoon(func() {
			wantPanic(t, group(l.Context()), "aio: Group: called from a callback")
			wantPanic(t, timeout(l.Context()), "aio: Timeout: called from a callback")
		})
		return aio.Yield(ctx)
	})
}

// Conformance: TG-035.
func TestAFailureHandledOutsideTheGroupLeavesNoCancellationBehind(t *testing.T) {
	run(t, func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(failWith(errBoom))
			return forever(ctx)
		})
		if err != errBoom || ctx.Err() != nil {
			t.Errorf("got %v; the context says %v", err, ctx.Err())
		}
		return aio.Sleep(ctx, time.Second)
	})
}

// Conformance: TG-036.
func TestAnInnerGroupDoesNotSwallowTheCancellationByTheOuterOne(t *testing.T) {
	errOuter, errInner := errors.New("outer"), errors.New("inner")
	run(t, func(ctx context.Context) error {
		interrupted := false
		err := aio.Group(ctx, func(ctx context.Context, outer *aio.TaskGroup) error {
			inner := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				outer.Go(failWith(errOuter)) // in the same pass as
				g.Go(failWith(errInner))
				return forever(ctx)
			})
			wantErrors(t, inner, errInner)
			err := aio.Sleep(ctx, time.Hour) // the inner failure is handled; the outer one still counts
			interrupted = errors.Is(err, aio.ErrCancelled)
			return err
		})
		wantErrors(t, err, errOuter)
		if !interrupted {
			t.Error("the rest of the outer body was not interrupted")
		}
		return aio.Yield(ctx)
	})
}

// Conformance: TG-037.
func TestACancellationFromOutsideIsStillPendingAfterAFailureWasHandled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for _, cancelFirst := range []bool{true, false} {
			var handled, next error
			release := aio.NewFuture[int](aio.RunningLoop(ctx))
			task := aio.Start(ctx, func(ctx context.Context) error {
				handled = aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
					g.Go(func(ctx context.Context) error {
						if _, err := aio.Shield(ctx, release); err != nil {
							return err
						}
						return errBoom
					})
					return nil
				})
				next = aio.Sleep(ctx, time.Hour)
				return next
			})
			if err := yields(ctx, 3); err != nil {
				return err
			}
			// The task's failure and the cancellation reach the group in the same pass, in both orders.
			release.SetResult(1)
			if cancelFirst {
				if err := yields(ctx, 1); err != nil {
					return err
				}
			} else if err := yields(ctx, 2); err != nil {
				return err
			}
			task.Cancel(nil)
			if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
				t.Errorf("cancel first %v: the task ended with %v", cancelFirst, err)
			}
			wantErrors(t, handled, errBoom)
			wantCancellation(t, next)
		}
		return nil
	})
}

// Conformance: TG-038.
func TestACrashInTheCleanupComesOutInPlaceOfTheTimeOutAroundTheGroup(t *testing.T) {
	run(t, func(ctx context.Context) error {
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(cleanupFails(errBoom))
				return forever(ctx)
			})
		})
		wantErrors(t, err, errBoom)
		return aio.Yield(ctx)
	})
}

// Conformance: TG-039.
func TestNestedGroupsRunExactlyTheirTasks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ran := 0
		var nest func(depth int) func(context.Context) error
		nest = func(depth int) func(context.Context) error {
			return func(ctx context.Context) error {
				ran++
				if depth == 0 {
					return aio.Yield(ctx)
				}
				return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
					g.Go(nest(depth - 1))
					g.Go(nest(depth - 1))
					return nil
				})
			}
		}
		err := nest(7)(ctx)
		if ran != 255 {
			t.Errorf("%d functions ran, want 255", ran)
		}
		return err
	})
}

// Conformance: V-012.
func TestABodyThatReturnsACancellationOfItsOwnCancelsTheTasksAndItComesOut(t *testing.T) {
	run(t, func(ctx context.Context) error {
		other := aio.Start(ctx, forever)
		other.Cancel(errBoom)
		var child *aio.Task[aio.None]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			child = g.Go(forever)
			_, err := other.Await(ctx)
			return err
		})
		wantCancellation(t, err)
		if !errors.Is(err, errBoom) || !child.Cancelled() {
			t.Errorf("got %v; the child is %v", err, child)
		}
		return aio.Yield(ctx)
	})
}

// Conformance: V-029.
func TestAGroupCancelsItsTasksInTheOrderOfTheirCreation(t *testing.T) {
	var log journal
	run(t, func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for _, name := range []string{"1", "2", "3", "4", "5"} {
				g.Go(func(ctx context.Context) error {
					err := forever(ctx)
					log.add("%s", name)
					return err
				})
			}
			g.Go(failWith(errBoom))
			return nil
		})
		wantErrors(t, err, errBoom)
		return nil
	})
	log.want(t, "1", "2", "3", "4", "5")
}

func TestATimeOutOfATaskInAGroupIsAFailureAndComesOut(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var sibling *aio.Task[aio.None]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			sibling = g.Go(forever)
			g.Go(func(ctx context.Context) error { return aio.Timeout(ctx, time.Second, forever) })
			return nil
		})
		var te *aio.TimeoutError
		if !errors.As(err, &te) || errors.Is(err, aio.ErrCancelled) || !sibling.Cancelled() {
			t.Errorf("got %v; the sibling is %v", err, sibling)
		}
		return nil
	})
}

func TestATimeOutOfTheContextOfATaskInAGroupComesOutToo(t *testing.T) {
	run(t, func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				ctx, cancel := aio.WithTimeout(ctx, time.Second)
				defer cancel()
				return forever(ctx)
			})
			return nil
		})
		var te *aio.TimeoutError
		if !errors.As(err, &te) {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func TestAGroupThatIsCancelledByItselfReturnsNil(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for name, c := range map[string]context.Context{"its own context": ctx, "a freed context": context.WithoutCancel(ctx)} {
			var child *aio.Task[aio.None]
			err := aio.Group(c, func(ctx context.Context, g *aio.TaskGroup) error {
				child = g.Go(forever)
				g.Go(func(context.Context) error {
					g.Cancel(errBoom)
					g.Cancel(nil) // changes nothing
					return nil
				})
				err := forever(ctx)
				if !errors.Is(err, errBoom) {
					t.Errorf("with %s the body got %v", name, err)
				}
				return err
			})
			if err != nil || !child.Cancelled() {
				t.Errorf("with %s Group returned %v; the child is %v", name, err, child)
			}
		}
		return nil
	})
}

func TestAGroupOnAFreedContextCleansUpInACancelledTask(t *testing.T) {
	var log journal
	run(t, func(ctx context.Context) error {
		_, err := inTask(ctx, 2, nil, func(ctx context.Context) error {
			err := forever(ctx)
			cleanup := aio.Group(context.WithoutCancel(ctx), func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					defer log.add("one")
					return aio.Sleep(ctx, time.Second)
				})
				defer log.add("two")
				return aio.Sleep(ctx, 2*time.Second)
			})
			log.add("cleaned up: %v", cleanup)
			ended := aio.Group(context.WithoutCancel(ctx), func(ctx context.Context, g *aio.TaskGroup) error {
				g.Cancel(nil)
				return forever(ctx)
			})
			log.add("ended by itself: %v", ended)
			return err
		})
		wantCancellation(t, err)
		return nil
	})
	log.want(t, "one", "two", "cleaned up: <nil>", "ended by itself: <nil>")
}

func TestTheContextOfAGroupEndsWithIt(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var child context.Context
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			child = ctx
			g.Go(failWith(errBoom))
			return forever(ctx)
		})
		if err != errBoom || child.Err() != context.Canceled || !errors.Is(context.Cause(child), errBoom) {
			t.Errorf("got %v; the group's context says %v because of %v", err, child.Err(), context.Cause(child))
		}
		return nil
	})
}
