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

func TestWhatATaskTakesAlongIsNamedWhereOthersWaitForIt(t *testing.T) {
	var lock aiosync.Lock
	var condition aiosync.Condition
	var writers, readers aiosync.RWLock
	semaphore, limiter := aiosync.NewSemaphore(1), aiosync.NewLimiter(1)
	for name, c := range map[string]struct {
		acquire func(ctx context.Context) error
		want    string
	}{
		"Lock": {lock.Acquire, "<Lock locked, waiters:1> held by careless (debug_test.go:"},
		"Condition": {condition.Acquire,
			"<Lock locked, waiters:1> held by careless (debug_test.go:"},
		"RWLock": {writers.Acquire,
			"<RWLock locked for writing, waiters:1> held by careless (debug_test.go:"},
		"RWLock for reading": {func(ctx context.Context) error {
			if readers.Readers() == 0 {
				return readers.AcquireRead(ctx)
			}
			return readers.Acquire(ctx)
		}, "<RWLock locked for reading, readers:1, waiters:1, the last reader was careless, " +
			"which has ended>"},
		"Semaphore": {semaphore.Acquire,
			"<Semaphore locked, waiters:1, the last permit was taken by careless, which has ended>"},
		"Limiter": {limiter.Acquire,
			"<Limiter 1 of 1 lent to careless (which has ended), waiters:1>"},
	} {
		t.Run(name, func(t *testing.T) {
			err := runErr(t, func(ctx context.Context) error {
				careless := aio.Start(ctx, func(ctx context.Context) error {
					return c.acquire(ctx)
				}, aio.Name("careless"))
				careless.Await(ctx)
				return c.acquire(ctx)
			}, aio.WithClock(aio.NewVirtualClock()))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("no %q in: %v", c.want, err)
			}
		})
	}
}

func TestAPermitThatIsFreeAgainKeepsNoTask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s := aiosync.NewSemaphore(1)
		aio.Start(ctx, s.Acquire, aio.Name("first")).Await(ctx)
		second := aio.Start(ctx, s.Acquire, aio.Name("second"))
		turns(ctx, 1)
		s.Release() // the permit goes to second
		second.Await(ctx)
		const want = "<Semaphore locked, the last permit was taken by second, which has ended>"
		if got := s.String(); got != want {
			t.Error(got)
		}
		s.Release()
		if got := s.String(); got != "<Semaphore unlocked, value:1>" {
			t.Error(got)
		}
		return nil
	})
}
