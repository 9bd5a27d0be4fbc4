package aio_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

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
			a = aio.GoValue(g, func(ctx context.Context) (int, error) { return 42, aio.Sleep(ctx, time.Second) })
			b = aio.GoValue(g, func(ctx context.Context) (int, error) { return 11, aio.Sleep(ctx, 2*time.Second) })
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
				log.Add("the task was cancelled: %v", errors.Is(err, errA))
				return err
			})
			err := forever(ctx)
			log.Add("the body was cancelled: %v", errors.Is(err, errA))
			return err
		})
		wantErrors(t, err, errA, errB)
		return nil
	})
	log.Want(t, "the task was cancelled: true", "the body was cancelled: true")
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
				log.Add("%s: %v", name, errors.Is(err, aio.ErrCancelled) && errors.Is(err, errBoom))
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
	log.Want(t, "body: true", "first: true", "second: true")
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
					defer log.Add("grandchild")
					return aio.Sleep(ctx, time.Second)
				})
				defer log.Add("child")
				return nil
			})
			return nil
		})
		log.Add("group")
		return err
	})
	log.Want(t, "child", "grandchild", "group")
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
			second := aio.GoValue(g, func(ctx context.Context) (int, error) { return len(shared), nil })
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
			release := aio.NewFuture[int](ctx)
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
			// The task's failure and the cancellation reach the group in the same pass, in both
			// orders.
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
					log.Add("%s", name)
					return err
				})
			}
			g.Go(failWith(errBoom))
			return nil
		})
		wantErrors(t, err, errBoom)
		return nil
	})
	log.Want(t, "1", "2", "3", "4", "5")
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
					defer log.Add("one")
					return aio.Sleep(ctx, time.Second)
				})
				defer log.Add("two")
				return aio.Sleep(ctx, 2*time.Second)
			})
			log.Add("cleaned up: %v", cleanup)
			ended := aio.Group(context.WithoutCancel(ctx), func(ctx context.Context, g *aio.TaskGroup) error {
				g.Cancel(nil)
				return forever(ctx)
			})
			log.Add("ended by itself: %v", ended)
			return err
		})
		wantCancellation(t, err)
		return nil
	})
	log.Want(t, "one", "two", "cleaned up: <nil>", "ended by itself: <nil>")
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

// Conformance: V-012.
func TestABodyThatReturnsACancellationByItselfCancelsTheGroup(t *testing.T) {
	run(t, func(ctx context.Context) error {
		victim := aio.Start(ctx, forever)
		victim.Cancel(errReason)
		var child *aio.Task[aio.None]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			child = g.Go(forever)
			aio.Yield(ctx)
			_, err := victim.Await(ctx)
			return err
		})
		wantCancelled(t, err, errReason)
		if !child.Cancelled() || ctx.Err() != nil {
			t.Errorf("the child is %v", child)
		}
		return nil
	})
}

// Conformance: V-014.
func TestAChildThatAnswersTheCancellationWithAnErrorDecidesTheOutcomeOfTheGroup(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := started(ctx, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					forever(ctx)
					return errBoom
				})
				return nil
			})
		})
		aio.Yield(ctx)
		task.Cancel(nil)
		if _, err := task.Await(ctx); err != errBoom || task.Cancelled() {
			t.Errorf("got %v; %v", err, task)
		}
		return nil
	})
}

// Conformance: V-029.
func TestAGroupCancelsItsTasksInTheOrderOfCreation(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 5 {
				g.Go(func(ctx context.Context) error {
					err := forever(ctx)
					log.Add("%d", i)
					return err
				})
			}
			aio.Yield(ctx)
			return errBoom
		})
		log.Want(t, "0", "1", "2", "3", "4")
		if err != errBoom {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func TestAFailureInThePassInWhichTheBodyEndsIsNotLost(t *testing.T) {
	run(t, func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(context.Context) error { return errBoom })
			return aio.Yield(ctx) // the child has failed when this returns, in the same pass
		})
		if err != errBoom {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func TestAGroupWhoseStandardContextEndsReturnsTheCancellation(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		for _, inBody := range []bool{true, false} {
			std, cancel := context.WithCancelCause(ctx)
			l.CallLater(time.Second, func() { l.ExpectPosts(1); cancel(errReason) })
			err := aio.Group(std, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(forever)
				if inBody {
					return forever(ctx)
				}
				return nil
			})
			l.ExpectPosts(-1)
			if !errors.Is(err, context.Canceled) || !errors.Is(err, errReason) {
				t.Errorf("got %v", err)
			}
		}
		return nil
	})
}

func TestAGroupInACancelledTaskThatSwallowsStillEndsItsTasks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var child *aio.Task[aio.None]
		task := started(ctx, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				child = g.Go(forever)
				forever(ctx)
				return nil // swallowed
			})
		})
		aio.Yield(ctx)
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		if !child.Cancelled() {
			t.Error(child)
		}
		return nil
	})
}

func TestGoReadyReturnsWhatTheTaskSaysAndTheTaskGoesOn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			address, err := aio.GoReady(ctx, g, func(ctx context.Context, ready func(string)) error {
				j.Add("starts")
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
				ready("localhost:80")
				ready("ignored")
				j.Add("serves")
				err := aio.Sleep(ctx, time.Second)
				j.Add("ends")
				return err
			}, aio.Name("server"))
			j.Add("%s %v", address, err)
			return err
		})
		j.Want(t, "starts", "serves", "localhost:80 <nil>", "ends")
		return err
	})
}

func TestAFailureBeforeReadyIsReturnedAndDoesNotEndTheGroup(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			sibling := g.Go(func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) })
			for _, opts := range [][]aio.TaskOption{nil, {aio.Eager()}} {
				_, err := aio.GoReady(ctx, g, func(context.Context, func(int)) error { return errBoom }, opts...)
				j.Add("%v", err)
				_, err = aio.GoReady(ctx, g, func(context.Context, func(int)) error { return nil }, opts...)
				j.Add("%v", errors.Is(err, aio.ErrNotReady))
			}
			if sibling.Done() {
				t.Error("the group was ended")
			}
			return nil
		})
		j.Want(t, "boom", "true", "boom", "true")
		return err
	})
}

func TestAFailureAfterReadyEndsTheGroup(t *testing.T) {
	var j journal
	err := runErr(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			v, err := aio.GoReady(ctx, g, func(ctx context.Context, ready func(int)) error {
				ready(1)
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
				return errBoom
			})
			j.Add("%d %v", v, err)
			err = forever(ctx)
			j.Add("cancelled: %v", errors.Is(err, aio.ErrCancelled))
			return err
		})
	})
	if err != errBoom {
		t.Errorf("got %v", err)
	}
	j.Want(t, "1 <nil>", "cancelled: true")
}

func TestAFailureInTheStepOfReadyEndsTheGroupAndTheValueIsThere(t *testing.T) {
	err := runErr(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			v, err := aio.GoReady(ctx, g, func(_ context.Context, ready func(int)) error {
				ready(7)
				return errBoom
			})
			if v != 7 && !errors.Is(err, aio.ErrCancelled) { // the group may have ended the wait first
				t.Errorf("got %d, %v", v, err)
			}
			return forever(ctx)
		})
	})
	if err != errBoom {
		t.Errorf("got %v", err)
	}
}

func TestACancelledGoReadyEndsItsTaskFirst(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
				_, err := aio.GoReady(ctx, g, func(ctx context.Context, ready func(int)) error {
					err := forever(ctx)
					j.Add("cancelled: %v", errors.Is(err, aio.ErrCancelled))
					aio.Sleep(context.WithoutCancel(ctx), time.Second)
					j.Add("tidied up")
					ready(1)       // too late
					return errBoom // and nobody wants to know
				})
				j.Add("GoReady: %v", errors.Is(err, aio.ErrCancelled))
				return err
			})
			j.Add("time-out: %v", errors.Is(err, context.DeadlineExceeded))
			return nil
		})
		j.Want(t, "cancelled: true", "tidied up", "GoReady: true", "time-out: true")
		return err
	})
}

func TestAPanicBeforeReadyIsReturnedAndRaisedByTheGroup(t *testing.T) {
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() {
			aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				_, err := aio.GoReady(ctx, g, func(context.Context, func(int)) error { panic("not ready") })
				if errors.Is(err, aio.ErrNotReady) || err == nil {
					t.Errorf("got %v", err)
				}
				return err
			})
		}, "not ready")
		return nil
	})
}

func TestGoReadyInAGroupThatIsEndingFails(t *testing.T) {
	run(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Cancel(nil)
			free := context.WithoutCancel(ctx)
			_, err := aio.GoReady(free, g, func(context.Context, func(int)) error { t.Error("it runs"); return nil })
			if !errors.Is(err, aio.ErrGroupClosed) {
				t.Errorf("got %v", err)
			}
			return nil
		})
	})
}

func TestReadyMayBeCalledByACallback(t *testing.T) {
	run(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			v, err := aio.GoReady(ctx, g, func(ctx context.Context, ready func(string)) error {
				aio.RunningLoop(ctx).CallLater(time.Second, func() { ready("from a callback") })
				return aio.Sleep(ctx, time.Minute)
			})
			if !strings.HasPrefix(v, "from") {
				t.Errorf("got %q", v)
			}
			return err
		})
	})
}

func TestGoReadyRefusesMisuse(t *testing.T) {
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { aio.GoReady[int](ctx, nil, func(context.Context, func(int)) error { return nil }) }, "aio: GoReady: the group is nil")
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			wantPanic(t, func() { aio.GoReady[int](ctx, g, nil) }, "aio: GoReady: the function is nil")
			return nil
		})
	})
}

// slowly ends d after it was cancelled.
func slowly(d time.Duration) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		err := forever(ctx)
		aio.Sleep(context.WithoutCancel(ctx), d)
		return err
	}
}

// endings are blocks that end themselves, without an error, at once, and then wait a minute for a
// child.
var endings = map[string]func(ctx context.Context) error{
	"a group whose body cancels it": func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(slowly(time.Minute))
			aio.Yield(ctx)
			g.Cancel(errReason)
			return nil
		})
	},
	"a group whose body returns its cancellation": func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(slowly(time.Minute))
			aio.Yield(ctx)
			g.Cancel(errReason)
			return forever(ctx)
		})
	},
	"a group that a child cancels while the body waits": func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(slowly(time.Minute))
			g.Go(func(context.Context) error { g.Cancel(errReason); return nil })
			return forever(ctx)
		})
	},
	"a group that a child cancels after the body": func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(slowly(time.Minute))
			g.Go(func(context.Context) error { g.Cancel(errReason); return nil })
			return nil
		})
	},
	"a group in a group": func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, outer *aio.TaskGroup) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(slowly(time.Minute))
				aio.Yield(ctx)
				g.Cancel(errReason)
				return nil
			})
		})
	},
	"Race": func(ctx context.Context) error {
		v, err := aio.Race(ctx,
			func(ctx context.Context) (int, error) { return 1, aio.Yield(ctx) },
			func(ctx context.Context) (int, error) { return 2, slowly(time.Minute)(ctx) })
		if err != nil && v != 0 {
			return errBoom
		}
		return err
	},
	"Map": func(ctx context.Context) error {
		victim := aio.Start(ctx, forever)
		victim.Cancel(errReason)
		_, err := aio.Map(ctx, []int{0, 1}, func(ctx context.Context, i int) (int, error) {
			if i == 0 {
				return 0, slowly(time.Minute)(ctx)
			}
			_, err := victim.Await(ctx) // somebody else's cancellation
			return 0, err
		})
		return err
	},
	"All": func(ctx context.Context) error {
		_, err := aio.All(ctx,
			func(ctx context.Context) (int, error) { return 1, nil },
			func(ctx context.Context) (int, error) {
				slowly(time.Minute)(ctx)
				return 2, nil
			})
		return err
	},
	"GoReady": func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error { aio.Yield(ctx); g.Cancel(errReason); return nil })
			_, err := aio.GoReady(ctx, g, func(ctx context.Context, ready func(int)) error { return slowly(time.Minute)(ctx) })
			return err
		})
	},
}

func TestACancellationFromOutsideWinsOverABlockThatEndsItself(t *testing.T) {
	for name, ending := range endings {
		run(t, func(ctx context.Context) error {
			err := aio.Timeout(ctx, time.Second, ending)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s under Timeout: %v", name, err)
			}
			task := started(ctx, func(ctx context.Context) error { err = ending(ctx); return err })
			aio.Sleep(ctx, time.Second)
			task.Cancel(errBoom)
			if _, e := task.Await(ctx); !task.Cancelled() || !errors.Is(e, errBoom) || !errors.Is(err, errBoom) {
				t.Errorf("%s in a task: %v, returned %v", name, task, err)
			}
			child := func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error { aio.Sleep(ctx, time.Second); return errBoom })
				err = ending(ctx)
				return err
			}
			if e := aio.Group(ctx, child); e != errBoom || !errors.Is(err, aio.ErrCancelled) {
				t.Errorf("%s in a group: %v, returned %v", name, e, err)
			}
			std, cancel := context.WithCancelCause(ctx)
			l := aio.RunningLoop(ctx)
			l.CallLater(time.Second, func() { cancel(errBoom) })
			err = ending(std)
			if !errors.Is(err, errBoom) || !errors.Is(err, context.Canceled) {
				t.Errorf("%s under a standard context: %v", name, err)
			}
			limited, stop := aio.WithTimeout(ctx, time.Second)
			defer stop()
			if err = ending(limited); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s under WithTimeout: %v", name, err)
			}
			return nil
		})
	}
}

func TestABlockThatEndsItselfUndisturbedReturnsNoCancellation(t *testing.T) {
	for _, name := range []string{"a group whose body cancels it", "a group whose body returns its cancellation", "a group that a child cancels while the body waits",
		"a group that a child cancels after the body", "a group in a group", "Race", "GoReady"} {
		run(t, func(ctx context.Context) error {
			if err := aio.Timeout(ctx, time.Hour, endings[name]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			task := started(ctx, func(ctx context.Context) error {
				forever(ctx)
				free := context.WithoutCancel(ctx)
				if err := endings[name](free); err != nil { // the request that it is free from does not count
					t.Errorf("%s in a cleanup: %v", name, err)
				}
				return nil
			})
			task.Cancel(nil)
			_, err := task.Await(ctx)
			return err
		})
	}
}

func TestAFailureWinsOverTheCancellationFromOutside(t *testing.T) {
	run(t, func(ctx context.Context) error {
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					slowly(time.Minute)(ctx)
					return errBoom
				})
				aio.Yield(ctx)
				g.Cancel(nil)
				return nil
			})
		})
		if err != errBoom {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func TestAGroupThatIsCancelledFromInsideInThePassOfACancellationFromOutsideReturnsThat(t *testing.T) {
	for _, outerFirst := range []bool{true, false} {
		run(t, func(ctx context.Context) error {
			var group *aio.TaskGroup
			task := started(ctx, func(ctx context.Context) error {
				return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
					group = g
					g.Go(forever)
					return nil
				})
			})
			aio.Yield(ctx)
			if outerFirst {
				task.Cancel(errReason)
			}
			group.Cancel(errBoom)
			task.Cancel(errReason)
			_, err := task.Await(ctx)
			wantCancelled(t, err, errReason)
			return nil
		})
	}
}

func TestBlocksWithEqualDeadlinesHaveAllExpired(t *testing.T) {
	run(t, func(ctx context.Context) error {
		at := aio.RunningLoop(ctx).Time().Add(time.Second)
		var blocks []*aio.TimeoutBlock
		var errs []error
		var nest func(ctx context.Context, depth int) error
		nest = func(ctx context.Context, depth int) error {
			if depth == 0 {
				return forever(ctx)
			}
			err := aio.TimeoutAt(ctx, at, func(ctx context.Context) error {
				blocks = append(blocks, aio.CurrentTimeout(ctx))
				return nest(ctx, depth-1)
			})
			errs = append(errs, err)
			return err
		}
		nest(ctx, 3)
		for i, b := range blocks {
			if !b.Expired() {
				t.Errorf("block %d: %v", i, b)
			}
		}
		wantCancellation(t, errs[0])
		wantCancellation(t, errs[1])
		wantTimeout(t, errs[2])
		return nil
	})
}

func TestADeadlineInThePassOfACancellationHasExpired(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		var block *aio.TimeoutBlock
		var task *aio.Task[aio.None]
		l.CallLater(time.Second, func() { task.Cancel(errReason) })
		task = started(ctx, func(ctx context.Context) error {
			return aio.TimeoutAt(ctx, l.Time().Add(time.Second), func(ctx context.Context) error {
				block = aio.CurrentTimeout(ctx)
				return forever(ctx)
			})
		})
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		if !block.Expired() {
			t.Error(block)
		}
		return nil
	})
}

func TestADeadlineThatPassesAfterACancellationOfTheContextTurnsThatIntoNoTimeOut(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ctx, cancel := aio.WithCancelCause(ctx)
		aio.RunningLoop(ctx).CallLater(time.Second, func() { cancel(errReason) })
		err := aio.Timeout(ctx, 2*time.Second, slowly(time.Minute))
		wantCancelled(t, err, errReason)
		return nil
	})
}

// forestall makes a block whose deadline is due in the pass in which its task, which runs before
// the deadline's turn, moves it to at.
func forestall(ctx context.Context, move func(b *aio.TimeoutBlock, now time.Time)) (log []string, err error) {
	l := aio.RunningLoop(ctx)
	var block *aio.TimeoutBlock
	due := l.Time().Add(time.Second)
	l.CallAt(due, func() { // older than the block's timer
		move(block, l.Time())
		l.CallSoon(func() { log = append(log, "next pass, expired: "+pyBool(block.Expired())) })
	})
	l.CallAt(due.Add(2*time.Second), func() { log = append(log, "2 s later, expired: "+pyBool(block.Expired())) })
	err = aio.TimeoutAt(ctx, due, func(ctx context.Context) error {
		block = aio.CurrentTimeout(ctx)
		l.CallAt(due, func() { log = append(log, "this pass, expired: "+pyBool(block.Expired())) }) // younger
		return aio.Sleep(ctx, time.Minute)
	})
	return log, err
}

func TestADeadlineThatIsMovedInThePassInWhichItIsDueKeepsToTheNewTime(t *testing.T) {
	run(t, func(ctx context.Context) error {
		log, err := forestall(ctx, func(b *aio.TimeoutBlock, now time.Time) { b.Reschedule(now) })
		wantTimeout(t, err)
		wantLines(t, log, "this pass, expired: False", "next pass, expired: True")
		log, err = forestall(ctx, func(b *aio.TimeoutBlock, now time.Time) {
			b.Reschedule(now)
			b.Reschedule(now.Add(time.Second))
		})
		wantTimeout(t, err)
		wantLines(t, log, "this pass, expired: False", "next pass, expired: False")
		log, err = forestall(ctx, func(b *aio.TimeoutBlock, now time.Time) {
			b.Reschedule(now)
			b.Reschedule(time.Time{})
			b.Reschedule(now)
		})
		wantTimeout(t, err)
		wantLines(t, log, "this pass, expired: False", "next pass, expired: True")
		log, err = forestall(ctx, func(b *aio.TimeoutBlock, now time.Time) { b.Reschedule(time.Time{}) })
		if err != nil {
			t.Error(err)
		}
		wantLines(t, log, "this pass, expired: False", "next pass, expired: False", "2 s later, expired: False")
		return nil
	})
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got %q, want %q", got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", got, want)
			return
		}
	}
}

// Conformance: WF-005.
func TestWaitForWithoutTimeCancelsAFreshTaskBeforeItStarts(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for _, d := range []time.Duration{0, -time.Second} {
			ran := false
			task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { ran = true; return 1, nil })
			_, err := aio.WaitFor(ctx, d, task.Await)
			if te := wantTimeout(t, err); te.After != d || ran || !task.Cancelled() {
				t.Errorf("%v; it ran: %v, %v", te, ran, task)
			}
			future := aio.NewFuture[int](ctx)
			_, err = aio.WaitFor(ctx, d, future.Await)
			wantTimeout(t, err)
			if !future.Cancelled() {
				t.Error(future)
			}
			stubborn := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
				_ = forever(ctx)
				return 7, nil
			})
			aio.Yield(ctx)
			if v, err := aio.WaitFor(ctx, d, stubborn.Await); v != 7 || err != nil {
				t.Errorf("got %d, %v", v, err)
			}
		}
		return aio.Yield(ctx)
	})
}

func TestAwaitingATaskThatWasAskedToEndWaitsForItsCleanupWhenTheAwaiterIsCancelled(t *testing.T) {
	for name, wait := range map[string]func(ctx context.Context, child *aio.Task[aio.None]) error{
		"Await": func(ctx context.Context, child *aio.Task[aio.None]) error { _, err := child.Await(ctx); return err },
		"Gather": func(ctx context.Context, child *aio.Task[aio.None]) error {
			_, err := aio.Gather(ctx, child)
			return err
		},
		"a chain": func(ctx context.Context, child *aio.Task[aio.None]) error {
			_, err := aio.Start(ctx, func(ctx context.Context) error { _, err := child.Await(ctx); return err }).Await(ctx)
			return err
		},
	} {
		run(t, func(ctx context.Context) error {
			l := aio.RunningLoop(ctx)
			start := l.Time()
			after := func() time.Duration { return l.Time().Sub(start) }
			child := started(ctx, slowly(24*time.Second))
			l.CallLater(time.Second, func() { child.Cancel(errReason) })
			_, err := aio.WaitFor(ctx, 5*time.Second, func(ctx context.Context) (aio.None, error) { return aio.None{}, wait(ctx, child) })
			wantTimeout(t, err)
			if !child.Done() || after() != 25*time.Second {
				t.Errorf("%s: WaitFor returned after %v, %v", name, after(), child)
			}
			child, start = started(ctx, slowly(24*time.Second)), l.Time()
			waiter := started(ctx, func(ctx context.Context) error { return wait(ctx, child) })
			aio.Sleep(ctx, time.Second)
			child.Cancel(errReason)
			aio.Sleep(ctx, time.Second)
			waiter.Cancel(errBoom)
			_, err = waiter.Await(ctx)
			wantCancellation(t, err)
			if !child.Done() || after() != 25*time.Second {
				t.Errorf("%s: the task ended after %v, %v", name, after(), child)
			}
			return nil
		})
	}
}

func TestAnAwaiterWaitsForTheCleanupOfATaskThatShieldsTheAwaiter(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		var awaiter *aio.Task[aio.None]
		child := aio.Start(ctx, func(ctx context.Context) error {
			_, err := aio.Shield(ctx, awaiter) // its own cancellation ends this wait at once
			aio.Sleep(context.WithoutCancel(ctx), time.Minute)
			return err
		})
		start := l.Time()
		awaiter = aio.Start(ctx, func(ctx context.Context) error {
			err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error { _, err := child.Await(ctx); return err })
			wantTimeout(t, err)
			if took := l.Time().Sub(start); took != time.Second+time.Minute || !child.Done() {
				t.Errorf("it returned after %v, %v", took, child)
			}
			return nil
		})
		_, err := awaiter.Await(ctx)
		return err
	})
}

func TestTasksThatAwaitEachOtherEndWhenOneIsCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var a, b, c *aio.Task[aio.None]
		a = aio.Start(ctx, func(ctx context.Context) error { _, err := b.Await(ctx); return err })
		b = aio.Start(ctx, func(ctx context.Context) error { _, err := c.Await(ctx); return err })
		c = aio.Start(ctx, func(ctx context.Context) error { _, err := a.Await(ctx); return err })
		aio.Yield(ctx)
		b.Cancel(errReason)
		c.Cancel(errReason)
		passes(ctx, 10)
		if !a.Done() || !b.Done() || !c.Done() {
			t.Errorf("%v, %v, %v", a, b, c)
		}
		return nil
	})
}

func TestABlockWhoseTimeIsOverTellsOfTheOuterRequestThatCameDuringItsCleanup(t *testing.T) {
	reason := errors.New("outer")
	run(t, func(ctx context.Context) error {
		var err error
		task := aio.Start(ctx, func(ctx context.Context) error {
			err = aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
				stopped := forever(ctx)
				_ = aio.Sleep(context.WithoutCancel(ctx), 10*time.Second)
				return stopped
			})
			return err
		})
		_ = aio.Sleep(ctx, 5*time.Second)
		task.Cancel(reason)
		_, _ = task.Await(context.WithoutCancel(ctx))
		if !errors.Is(err, reason) || !errors.Is(err, aio.ErrCancelled) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

// A part that ends with a cancellation of somebody else's making has no result, and no zero value
// may take its place.
func TestWhereAPartWasCancelledBySomebodyElseNoResultIsMadeUp(t *testing.T) {
	run(t, func(ctx context.Context) error {
		shared := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return 5, aio.Sleep(ctx, time.Hour) })
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		shared.Cancel(errors.New("not needed any more"))
		seven := func(context.Context) (int, error) { return 7, nil }

		if got, err := aio.All(ctx, shared.Await, seven); got != nil || !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("All: %v, %v", got, err)
		}
		calls := 0
		got, err := aio.Map(ctx, []int{1, 2, 3}, func(ctx context.Context, i int) (int, error) {
			calls++
			if i == 2 {
				return shared.Await(ctx)
			}
			return i, nil
		}, aio.Limit(1))
		if got != nil || !errors.Is(err, aio.ErrCancelled) || calls != 2 {
			t.Errorf("Map: %v, %v after %d calls", got, err, calls)
		}
		return nil
	})
}

func TestANilFunctionAmongOthersIsNamedBeforeAnyRuns(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ran := false
		one := func(context.Context) (int, error) { ran = true; return 1, nil }
		wantPanic(t, func() { aio.All(ctx, one, nil) }, "aio: All: function 1 is nil")
		wantPanic(t, func() { aio.Race(ctx, nil, one) }, "aio: Race: function 0 is nil")
		if ran {
			t.Error("a function ran")
		}
		return nil
	})
}

// Two loops that ask each other must not stand still meanwhile.
func TestATaskMaySubmitToAnotherLoopWhileItsOwnGoesOn(t *testing.T) {
	other := make(chan *aio.Loop, 1)
	end := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- aio.Run(context.Background(), func(ctx context.Context) error {
			other <- aio.RunningLoop(ctx)
			_, _, err := aio.Recv(ctx, end)
			return err
		})
	}()
	theirs := <-other
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		ours := aio.RunningLoop(ctx)
		steps := 0
		ticker := aio.Start(ctx, func(ctx context.Context) error {
			for {
				steps++
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
		})
		got, err := aio.SubmitValue(ctx, theirs, func(ctx context.Context) (int, error) {
			return aio.SubmitValue(ctx, ours, func(context.Context) (int, error) { return steps, nil }) // and back
		})
		if err != nil || got < 2 {
			t.Errorf("got %d, %v: the loop stood still", got, err)
		}
		ticker.Cancel(nil)
		wantPanic(t, func() {
			aio.SubmitValue(context.Background(), theirs, func(context.Context) (int, error) { return 0, nil })
		},
			"aio: SubmitValue: called from a loop", "pass the task's context")
		return nil
	})
	close(end)
	if err != nil || <-ended != nil {
		t.Error(err)
	}
}

func TestAFutureIsSetOnTheLoopOnly(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](ctx)
		for name, set := range map[string]func(){
			"Future.SetResult": func() { f.SetResult(1) },
			"Future.SetError":  func() { f.SetError(errors.New("x")) },
			"Cancel":           func() { f.Cancel(nil) },
		} {
			if err := aio.Blocking(ctx, func(context.Context) error {
				wantPanic(t, set, "aio: "+name+": called from a goroutine that is not the loop's", "CallSoonThreadsafe")
				return nil
			}); err != nil {
				return err
			}
		}
		if f.Done() {
			t.Error("it was set")
		}
		return nil
	}, strict)
}

func TestALockAskedForTwiceByOneTaskIsADeadlock(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error { // under the real clock
		var l aiosync.Lock
		if err := l.Acquire(ctx); err != nil {
			return err
		}
		return l.Acquire(ctx)
	})
	if d, ok := errors.AsType[*aio.DeadlockError](err); !ok || len(d.Cycle) != 1 || d.Cycle[0].Name != "main" {
		t.Errorf("got %v", err)
	}
}

func TestTheCauseGivenToACancelFunctionIsTheCauseOfTheContext(t *testing.T) {
	run(t, func(ctx context.Context) error {
		why := errors.New("why")
		c, cancel := aio.WithCancelCause(ctx)
		std, stop := context.WithCancel(c)
		defer stop()
		cancel(why)
		if got := context.Cause(c); got != why {
			t.Errorf("of the context: %v", got)
		}
		if got := context.Cause(std); got != why {
			t.Errorf("of one derived from it: %v", got)
		}
		if err := aio.Sleep(c, time.Hour); !errors.Is(err, why) || !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("of an await: %v", err)
		}
		return nil
	})
}

func TestASemaphoreWithoutANumberSaysSo(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var s aiosync.Semaphore
		wantPanic(t, func() { s.Acquire(ctx) }, "aio: Semaphore.Acquire: the semaphore has no permits", "NewSemaphore")
		return nil
	})
}

func TestMapSettledKeepsWhatSucceeded(t *testing.T) {
	for _, opts := range [][]aio.MapOption{nil, {aio.Limit(1)}, {aio.Limit(2)}, {aio.Limit(100)}} {
		seen, err := runReports(t, func(ctx context.Context) error {
			failed := errors.New("no")
			outcomes, err := aio.MapSettled(ctx, []int{0, 1, 2, 3, 4}, func(ctx context.Context, i int) (int, error) {
				if err := aio.Sleep(ctx, time.Duration(5-i)*time.Second); err != nil {
					return 0, err
				}
				switch i {
				case 1:
					return 7, failed
				case 2:
					panic("oh")
				case 3:
					aio.CurrentTask(ctx).Cancel(nil)
					return 0, aio.Yield(ctx)
				}
				return 10 * i, nil
			}, opts...)
			if err != nil {
				return err
			}
			var p *aio.PanicError
			for i, o := range outcomes {
				right := o.Err == nil && o.Value == 10*i
				switch i {
				case 1:
					right = o.Err == failed && o.Value == 7
				case 2:
					right = errors.As(o.Err, &p) && p.Value == "oh"
				case 3:
					right = errors.Is(o.Err, aio.ErrCancelled)
				}
				if !right {
					t.Errorf("%v: outcome %d is %+v", opts, i, o)
				}
			}
			return nil
		})
		if err != nil || len(seen.All()) > 0 {
			t.Error(opts, err, seen.Strings())
		}
	}
}

func TestMapSettledEndsWithItsCaller(t *testing.T) {
	_, err := runReports(t, func(ctx context.Context) error {
		started, ended := 0, 0
		err := aio.Timeout(ctx, 90*time.Second, func(ctx context.Context) error {
			_, err := aio.MapSettled(ctx, make([]int, 9), func(ctx context.Context, _ int) (int, error) {
				started++
				defer func() { ended++ }()
				return 0, aio.Sleep(ctx, time.Minute)
			}, aio.Limit(2))
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) || started != 4 || ended != 4 {
			t.Error(err, started, ended)
		}
		none, err := aio.MapSettled(ctx, nil, func(context.Context, int) (int, error) { return 0, nil })
		if none != nil || err != nil {
			t.Error(none, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// What was not done must not look as if it had been.
func TestMapWhoseTaskWasCancelledFails(t *testing.T) {
	runReports(t, func(ctx context.Context) error {
		done := 0
		out, err := aio.Map(ctx, []int{0, 1, 2}, func(ctx context.Context, i int) (int, error) {
			if i == 1 {
				aio.CurrentTask(ctx).Cancel(nil)
			}
			err := aio.Yield(ctx)
			if err == nil {
				done++
			}
			return 1, err
		}, aio.Limit(1))
		if !errors.Is(err, aio.ErrCancelled) || out != nil || done != 1 {
			t.Error(out, err, done)
		}
		return nil
	})
}

func ExampleMapSettled() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		outcomes, err := aio.MapSettled(ctx, []int{6, 0, 3}, func(ctx context.Context, n int) (int, error) {
			if n == 0 {
				return 0, errors.New("division by zero")
			}
			return 12 / n, nil
		})
		for _, o := range outcomes {
			fmt.Println(o.Value, o.Err)
		}
		return err
	})
	// Output:
	// 2 <nil>
	// 0 division by zero
	// 4 <nil>
}

func TestItemsOfWorkersThatAreCancelledBeforeTheyBeginAreNotForgotten(t *testing.T) {
	run(t, func(ctx context.Context) error {
		loop, main := aio.RunningLoop(ctx), aio.CurrentTask(ctx)
		cancelOthers := func() {
			for _, task := range loop.AllTasks() {
				if task != main {
					task.Cancel(nil)
				}
			}
		}
		double := func(_ context.Context, n int) (int, error) { return 2 * n, nil }
		for limit := range 4 {
			items := []int{1, 2, 3}
			loop.CallSoon(cancelOthers)
			if out, err := aio.Map(ctx, items, double, aio.Limit(limit+1)); !errors.Is(err, aio.ErrCancelled) {
				t.Errorf("Map: got %v, %v", out, err)
			}
			loop.CallSoon(cancelOthers)
			out, err := aio.MapSettled(ctx, items, double, aio.Limit(limit+1))
			if got := fmt.Sprint(out, err); got != "[{2 <nil>} {4 <nil>} {6 <nil>}] <nil>" {
				t.Errorf("MapSettled: got %s", got)
			}
		}
		return nil
	})
}

func TestMapFailsIfItsLastCallWasCancelledAndSaysSoByTheContext(t *testing.T) {
	run(t, func(ctx context.Context) error {
		main := aio.CurrentTask(ctx)
		aio.RunningLoop(ctx).CallLater(time.Second, func() {
			for _, task := range aio.AllTasks(ctx) {
				if task != main {
					task.Cancel(nil)
				}
			}
		})
		out, err := aio.Map(ctx, []int{1}, func(ctx context.Context, _ int) (int, error) {
			forever(ctx)
			return 1, ctx.Err()
		})
		if err != context.Canceled || out != nil {
			t.Errorf("got %v, %v", out, err)
		}
		return nil
	})
}

func TestACallOfMapSettledThatExitsIsAnOutcome(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for limit := 1; limit <= 4; limit++ {
			out, err := aio.MapSettled(ctx, []int{1, 2, 3, 4}, func(ctx context.Context, n int) (int, error) {
				if n%2 == 0 {
					runtime.Goexit()
				}
				return n, aio.Sleep(ctx, time.Second)
			}, aio.Limit(limit))
			if err != nil || len(out) != 4 {
				t.Fatalf("limit %d: %v, %v", limit, out, err)
			}
			for i, o := range out {
				var exited *aio.GoexitError
				if i%2 == 0 && (o.Value != i+1 || o.Err != nil) || i%2 == 1 && !errors.As(o.Err, &exited) {
					t.Errorf("limit %d: outcome %d is %+v", limit, i, o)
				}
			}
		}
		return nil
	})
}

func TestTheTasksOfAllMapAndRaceHaveTheNamesOfTheirItems(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		name := func(ctx context.Context) string { return aio.CurrentTask(ctx).Name() }
		note := func(ctx context.Context) (int, error) {
			log.Add("%s", name(ctx))
			return 0, aio.Yield(ctx)
		}
		aio.All(ctx, note, note)
		aio.Race(ctx, note, note)
		log.Want(t, "All[0]", "All[1]", "Race[0]", "Race[1]")

		log = nil
		each := func(ctx context.Context, item string) (int, error) {
			before := name(ctx)
			err := aio.Yield(ctx)
			log.Add("%s is at %s, %s", before, item, name(ctx))
			return 0, err
		}
		items := []string{"a", "b", "c"}
		aio.Map(ctx, items, each, aio.Limit(2))
		log.Want(t, "Map[0] is at a, Map[0]", "Map[1] is at b, Map[1]", "Map[2] is at c, Map[2]")
		log = nil
		aio.MapSettled(ctx, items, each, aio.Limit(1))
		log.Want(t, "MapSettled[0] is at a, MapSettled[0]",
			"MapSettled[1] is at b, MapSettled[1]", "MapSettled[2] is at c, MapSettled[2]")

		log = nil
		aio.Timeout(ctx, time.Hour, func(ctx context.Context) error { // a limit keeps the name
			aio.Map(ctx, items[:1], each)
			return nil
		})
		log.Want(t, "Map[0] is at a, Map[0]")
		aio.Map(ctx, []int{1, 2}, func(ctx context.Context, n int) (int, error) {
			aio.CurrentTask(ctx).SetName("mine")
			log = journal{name(ctx)}
			return n, nil
		}, aio.Limit(1))
		log.Want(t, "mine")
		return nil
	})
}
