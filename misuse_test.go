package aio_test

import (
	"context"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

func TestAnAwaitOnAForeignGoroutinePanicsNamingTheRemedy(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		future := aio.NewFuture[int](l)
		task := aio.Start(ctx, forever)
		defer task.Cancel(nil)
		for op, await := range map[string]func(){
			"Sleep":       func() { aio.Sleep(ctx, time.Second) },
			"Yield":       func() { aio.Yield(ctx) },
			"Task.Await":  func() { task.Await(ctx) },
			"Future.":     func() { future.Await(ctx) },
			"Gather":      func() { aio.Gather(ctx, task) },
			"Wait":        func() { aio.Wait(ctx, aio.AllCompleted, task) },
			"Group":       func() { aio.Group(ctx, func(context.Context, *aio.TaskGroup) error { return nil }) },
			"Timeout":     func() { aio.Timeout(ctx, time.Second, forever) },
			"WithTimeout": func() { aio.WithTimeout(ctx, time.Second) },
			"ToThread":    func() { aio.ToThread(ctx, func(context.Context) (int, error) { return 1, nil }) },
			"gate":        func() { aio.NewWaiter(ctx, "gate", nil) },
		} {
			got := make(chan any)
			go func() { got <- panicOf(await) }()
			v := <-got
			wantPanic(t, func() { panic(v) }, "aio: "+op, "called from a goroutine that is not the loop's", "ToThread", "Submit")
		}
		return nil
	}, strict)
}

func TestAnAwaitInTheFunctionOfToThreadPanics(t *testing.T) {
	run(t, func(ctx context.Context) error {
		return aio.Blocking(ctx, func(thread context.Context) error {
			wantPanic(t, func() { aio.Sleep(thread, time.Second) }, "aio: Sleep: called from a goroutine that is not the loop's")
			wantPanic(t, func() { aio.Sleep(ctx, time.Second) }, "aio: Sleep: called from a goroutine that is not the loop's")
			return nil
		})
	})
}

func TestAnAwaitInACallbackPanics(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.CallSoon(func() {
			for _, c := range []context.Context{l.Context(), ctx} {
				wantPanic(t, func() { aio.Sleep(c, time.Second) }, "aio: Sleep: called from a callback", "CreateTask(loop.Context(), ...)")
			}
		})
		return aio.Yield(ctx)
	})
}

func TestAnAwaitWithoutALoopOrContextPanics(t *testing.T) {
	wantPanic(t, func() { aio.Sleep(context.Background(), 1) }, "aio: Sleep: no running event loop", "aio.Run")
	wantPanic(t, func() { aio.CreateTask(context.Background(), panicsDeepInside) }, "aio: CreateTask: no running event loop")
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { aio.Sleep(context.Background(), 1) }, "aio: Sleep: no running event loop")
		wantPanic(t, func() { aio.Sleep(nil, 1) }, "aio: Sleep: the context is nil") //nolint:staticcheck // misuse is the point
		wantPanic(t, func() { aio.CurrentTask(nil) }, "aio: CurrentTask: the context is nil")
		return nil
	})
}

func TestAnAwaitOnAClosedLoopPanics(t *testing.T) {
	var kept context.Context
	var task *aio.Task[aio.None]
	run(t, func(ctx context.Context) error {
		kept, task = ctx, aio.Start(ctx, aio.Yield)
		return yields(ctx, 2)
	})
	wantPanic(t, func() { aio.Sleep(kept, 1) }, "aio: Sleep: the loop is closed")
	wantPanic(t, func() { aio.Start(kept, forever) }, "aio: Start: the loop is closed")
	wantPanic(t, func() { aio.Group(kept, nil) }, "aio: Group: the loop is closed")
	if _, err := task.Await(kept); err != nil { // the outcome is there: nothing to wait for
		t.Errorf("awaiting a task that has ended: %v", err)
	}
	run(t, func(context.Context) error {
		wantPanic(t, func() { aio.Sleep(kept, 1) }, "aio: Sleep: the loop is closed")
		return nil
	})
}

func TestAnAwaitAcrossTwoLoopsPanics(t *testing.T) {
	run(t, func(ctx context.Context) error {
		child := aio.Start(ctx, forever)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		err := aio.Blocking(ctx, func(context.Context) error {
			return aio.Run(context.Background(), func(other context.Context) error {
				wantPanic(t, func() { aio.Sleep(ctx, time.Second) }, "aio: Sleep: called from a goroutine that is not the loop's", "Submit")
				for op, await := range map[string]func(){
					"Task.Await": func() { child.Await(other) },
					"Gather":     func() { aio.Gather(other, child) },
					"Wait":       func() { aio.Wait(other, aio.AllCompleted, child) },
					"Shield":     func() { aio.Shield(other, child) },
				} {
					wantPanic(t, await, "aio: "+op, "belongs to another loop", "Submit")
				}
				return aio.Yield(other) // the misuse has left no trace
			})
		})
		child.Cancel(nil)
		return err
	})
}

func TestSubmitFromTasksAndCallbacksOfItsOwnLoopPanics(t *testing.T) {
	fn := func(context.Context) (int, error) { return 1, nil }
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		submit := func() { aio.Submit(ctx, l, fn) }
		wantPanic(t, submit, "aio: Submit: called from the loop itself", "CreateTask")
		wantPanic(t, func() { aio.Submit[int](ctx, l, nil) }, "aio: Submit: the function is nil")
		l.CallSoon(func() { wantPanic(t, submit, "aio: Submit: called from the loop itself") })
		return aio.Yield(ctx)
	})
}

func TestRunUntilCompleteInsideATaskPanics(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		wantPanic(t, func() { aio.RunUntilComplete(l, panicsDeepInside) }, "aio: RunUntilComplete: the loop is running already", "await")
		l.CallSoon(func() {
			wantPanic(t, func() { aio.RunUntilComplete(l, panicsDeepInside) }, "aio: RunUntilComplete: the loop is running already")
		})
		return aio.Yield(ctx)
	})
}

func TestLimitsAndModesOutOfRangePanic(t *testing.T) {
	run(t, func(ctx context.Context) error {
		items := []int{1}
		fn := func(context.Context, int) (int, error) { return 0, nil }
		task := aio.Start(ctx, aio.Yield)
		wantPanic(t, func() { aio.Map(ctx, items, fn, aio.Limit(0)) }, "aio: Limit: the limit must be at least 1")
		wantPanic(t, func() { aio.Map(ctx, items, fn, aio.Limit(-1)) }, "aio: Limit: the limit must be at least 1")
		wantPanic(t, func() { aio.Map[int, int](ctx, items, nil) }, "aio: Map: the function is nil")
		wantPanic(t, func() { aio.Wait(ctx, aio.When(9), task) }, "aio: Wait: unknown mode 9")
		wantPanic(t, func() { aio.NewFuture[int](nil) }, "aio: NewFuture: the loop is nil")
		return nil
	})
}

func TestAWaiterIsGoodForOnePark(t *testing.T) {
	run(t, func(ctx context.Context) error {
		w := aio.NewWaiter(ctx, "gate", nil)
		aio.RunningLoop(ctx).CallSoon(func() {
			if !w.Unpark() || w.Unpark() {
				t.Error("Unpark should work once")
			}
		})
		if err := w.Park(); err != nil {
			return err
		}
		next := aio.NewWaiter(ctx, "gate", nil)
		wantPanic(t, func() { w.Park() }, "aio: Waiter.Park: this waiter was used before")
		wantPanic(t, func() { aio.Waiter{}.Park() }, "aio: Waiter.Park")
		if (aio.Waiter{}).Unpark() || w.Pending() || !next.Pending() || !next.Unpark() {
			t.Error("a stale or zero waiter reacts, or the live one does not")
		}
		return next.Park()
	})
}

func TestWhatIsNilOrZeroWhereAFunctionATaskOrAGroupIsNeededPanicsNamingTheOperation(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var (
			task   *aio.Task[int]
			future *aio.Future[int]
			group  *aio.TaskGroup
			lock   aio.Lock
			rw     aio.RWLock
			cond   aio.Condition
			latest aio.Latest[int]
		)
		l := aio.RunningLoop(ctx)
		for want, fn := range map[string]func(){
			"Task.Await: the task is nil":                func() { task.Await(ctx) },
			"Future.Await: the future is nil":            func() { future.Await(ctx) },
			"TaskGroup.Go: the group is nil":             func() { group.Go(forever) },
			"TaskGroup.Cancel: the group is nil":         func() { new(aio.TaskGroup).Cancel(nil) },
			"Spawn: the group is nil":                    func() { aio.Spawn(group, task.Await) },
			"Lock.With: the function is nil":             func() { lock.With(ctx, nil) },
			"RWLock.With: the function is nil":           func() { rw.With(ctx, nil) },
			"RWLock.WithRead: the function is nil":       func() { rw.WithRead(ctx, nil) },
			"Semaphore.With: the function is nil":        func() { aio.NewSemaphore(1).With(ctx, nil) },
			"Condition.With: the function is nil":        func() { cond.With(ctx, nil) },
			"Condition.WaitUntil: the function is nil":   func() { cond.WaitUntil(ctx, nil) },
			"Latest.WaitUntil: the function is nil":      func() { latest.WaitUntil(ctx, nil) },
			"Bind: the function is nil":                  func() { aio.Bind[int, int](nil, 1) },
			"Loop.OnShutdown: the function is nil":       func() { l.OnShutdown(nil) },
			"Loop.OnClose: the function is nil":          func() { l.OnClose(nil) },
			"Start: option 2 is nil":                     func() { aio.Start(ctx, forever, aio.Name("x"), nil) },
			"NewLoop: option 1 is nil":                   func() { aio.NewLoop(nil) },
			"WithPoller: the function is nil":            func() { aio.WithPoller(nil) },
			"Select: case 1 is the zero value":           func() { aio.Select(ctx, aio.ChannelCase{}) },
			"Subscription.Next: the subscription is not": func() { new(aio.Subscription[int]).Next(ctx) },
		} {
			wantPanic(t, fn, "aio: "+want)
		}
		return nil
	})
}
