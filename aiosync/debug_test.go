package aiosync_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// elsewhere calls fn on a goroutine that is not the loop's, and returns what it panics with.
func elsewhere(fn func()) any {
	v := make(chan any)
	go func() { v <- panicOf(fn) }()
	return <-v
}

// loopOnly are the operations that never wait. Each entry makes one, on an object that a task has
// used or made, and for which no task waits.
var loopOnly = map[string]func(ctx context.Context) (op func()){
	"Barrier.Abort": func(context.Context) func() { return aiosync.NewBarrier(2).Abort },
	"Barrier.Reset": func(context.Context) func() { return aiosync.NewBarrier(2).Reset },
	"Broadcast.Send": func(context.Context) func() {
		b := aiosync.NewBroadcast[int](1)
		return func() { b.Send(1) }
	},
	"Broadcast.Close": func(context.Context) func() { return aiosync.NewBroadcast[int](1).Close },
	"Broadcast.Subscribe": func(context.Context) func() {
		b := aiosync.NewBroadcast[int](1)
		return func() { b.Subscribe() }
	},
	"Condition.Notify": func(ctx context.Context) func() {
		var c aiosync.Condition
		c.Acquire(ctx)
		return func() { c.Notify(1) }
	},
	"Condition.NotifyAll": func(ctx context.Context) func() {
		var c aiosync.Condition
		c.Acquire(ctx)
		return c.NotifyAll
	},
	"Condition.Release": func(ctx context.Context) func() {
		var c aiosync.Condition
		c.Acquire(ctx)
		return c.Release
	},
	"Event.Clear": func(context.Context) func() {
		var e aiosync.Event
		e.Set()
		return e.Clear
	},
	"Event.Set": func(ctx context.Context) func() {
		var e aiosync.Event
		aio.Timeout(ctx, 0, e.Wait) // one task has waited
		return e.Set
	},
	"Latest.Set": func(context.Context) func() {
		l := aiosync.NewLatest(1)
		return func() { l.Set(2) }
	},
	"Limiter.Release": func(ctx context.Context) func() {
		l := aiosync.NewLimiter(1)
		l.Acquire(ctx)
		return l.Release
	},
	"Limiter.ReleaseFor": func(ctx context.Context) func() {
		l := aiosync.NewLimiter(1)
		l.AcquireFor(ctx, "me")
		return func() { l.ReleaseFor("me") }
	},
	"Limiter.SetTotal": func(context.Context) func() {
		l := aiosync.NewLimiter(1)
		return func() { l.SetTotal(2) }
	},
	"Lock.Release": func(ctx context.Context) func() {
		var l aiosync.Lock
		l.Acquire(ctx)
		return l.Release
	},
	"Queue.PutNowait": func(context.Context) func() {
		q := aiosync.NewQueue[int](0)
		return func() { q.PutNowait(1) }
	},
	"Queue.GetNowait": func(ctx context.Context) func() {
		var q aiosync.Queue[int]
		q.Put(ctx, 1)
		return func() { q.GetNowait() }
	},
	"Queue.TaskDone": func(ctx context.Context) func() {
		q := aiosync.NewLifoQueue[int](0)
		q.Put(ctx, 1)
		return q.TaskDone
	},
	"Queue.Shutdown": func(context.Context) func() {
		var q aiosync.Queue[int]
		q.PutNowait(1)
		return func() { q.Shutdown(true) }
	},
	"RWLock.Release": func(ctx context.Context) func() {
		var l aiosync.RWLock
		l.Acquire(ctx)
		return l.Release
	},
	"RWLock.ReleaseRead": func(ctx context.Context) func() {
		var l aiosync.RWLock
		l.AcquireRead(ctx)
		return l.ReleaseRead
	},
	"Semaphore.Release": func(context.Context) func() { return aiosync.NewSemaphore(1).Release },
}

func TestDebugModeRefusesOperationsOfOtherGoroutinesAlsoIfNobodyWaits(t *testing.T) {
	for name, prepare := range loopOnly {
		for _, debug := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " debug ", debug), func(t *testing.T) {
				run(t, func(ctx context.Context) error {
					op := prepare(ctx)
					switch v := elsewhere(op); {
					case debug && !strings.HasPrefix(fmt.Sprint(v), "aio: "+name+
						": called from a goroutine that is not the loop's"):
						t.Errorf("it panics with %v", v)
					case debug:
						op() // it has changed nothing
					case v != nil && name != "Limiter.Release": // which asks for the running task
						t.Errorf("without debug mode it panics with %v", v)
					}
					return nil
				}, aio.WithDebug(debug))
			})
		}
	}
}

// What is made before a loop runs, or handed on from loop to loop, belongs to nobody yet.
func TestDebugModeAllowsOperationsBeforeALoopIsKnown(t *testing.T) {
	q := aiosync.NewQueue[int](0)
	var l aiosync.Lock
	run(t, func(ctx context.Context) error {
		if v := elsewhere(func() { q.PutNowait(1) }); v != nil {
			t.Errorf("a queue that nobody has used: %v", v)
		}
		l.Acquire(ctx)
		l.Release()
		made := aiosync.NewQueue[int](0)
		if v := elsewhere(func() {
			aio.Run(context.Background(), func(ctx context.Context) error {
				l.Acquire(ctx)
				l.Release()
				return made.PutNowait(1)
			})
		}); v != nil {
			t.Errorf("on another loop: %v", v)
		}
		return nil
	}, aio.WithDebug(true))
	run(t, func(ctx context.Context) error { return l.Acquire(ctx) }, aio.WithDebug(true))
	l.Release()
	if n, err := q.GetNowait(); n != 1 || err != nil {
		t.Error(n, err)
	}
}
