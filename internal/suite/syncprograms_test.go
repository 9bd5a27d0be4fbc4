package suite_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// transcript is what CPython's asyncio prints for a program; see programs_test.go for what the
// programs are about.
func transcript(t *testing.T, want string, program func(ctx context.Context, out *printer) error) {
	t.Helper()
	var out printer
	run(t, func(ctx context.Context) error { return program(ctx, &out) })
	if got := out.String(); got != want {
		t.Errorf("it printed\n%s\nand should have printed\n%s", got, want)
	}
}

func TestProgramALockIsFirstComeFirstServed(t *testing.T) {
	transcript(t, `release
locked right after release: False
holds 1
holds 2
holds 3
holds newcomer
locked at the end: False
`, func(ctx context.Context, out *printer) error {
		var l aiosync.Lock
		user := func(ctx context.Context, name string) error {
			return l.With(ctx, func(ctx context.Context) error {
				out.printf("holds %s", name)
				return aio.Yield(ctx)
			})
		}
		if err := l.Acquire(ctx); err != nil {
			return err
		}
		var tasks []*aio.Task[aio.None]
		for _, name := range []string{"1", "2", "3"} {
			tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error { return user(ctx, name) }))
		}
		aio.Yield(ctx)
		out.print("release")
		l.Release()
		out.print("locked right after release:", pyBool(l.Locked()))
		if err := user(ctx, "newcomer"); err != nil {
			return err
		}
		_, err := aio.Gather(ctx, tasks...)
		out.print("locked at the end:", pyBool(l.Locked()))
		return err
	})
}

func TestProgramAnEventWakesInWaitingOrderButLateCheckersGoFirst(t *testing.T) {
	transcript(t, `woke 3
woke 1
woke 2
is set: False
`, func(ctx context.Context, out *printer) error {
		var ev aiosync.Event
		var tasks []*aio.Task[aio.None]
		start := func(i int) {
			tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error {
				err := ev.Wait(ctx)
				out.print("woke", i)
				if i == 3 {
					ev.Clear()
				}
				return err
			}))
		}
		start(1)
		start(2)
		aio.Yield(ctx)
		start(3)
		ev.Set()
		ev.Clear()
		ev.Set()
		_, err := aio.Gather(ctx, tasks...)
		out.print("is set:", pyBool(ev.IsSet()))
		return err
	})
}

func TestProgramASemaphoreOfTwoIsFair(t *testing.T) {
	transcript(t, `in 0
in 1
out 0
out 1
in 2
in 3
out 2
out 3
in 4
out 4
peak 2 locked False
bounded: release refused
`, func(ctx context.Context, out *printer) error {
		s := aiosync.NewSemaphore(2)
		inside, peak := 0, 0
		var tasks []*aio.Task[aio.None]
		for i := range 5 {
			tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error {
				return s.With(ctx, func(ctx context.Context) error {
					inside++
					peak = max(peak, inside)
					out.print("in", i)
					err := aio.Yield(ctx)
					out.print("out", i)
					inside--
					return err
				})
			}))
		}
		if _, err := aio.Gather(ctx, tasks...); err != nil {
			return err
		}
		out.print("peak", peak, "locked", pyBool(s.Locked()))
		if panicOf(aiosync.NewBoundedSemaphore(1).Release) != nil {
			out.print("bounded: release refused")
		}
		return nil
	})
}

func TestProgramQueuePuttersAreServedInOrder(t *testing.T) {
	transcript(t, `put 1
got 1
put 2
got 2
put 3
got 3
[1, 2, 3]
[1, 2, 3] [2, 1, 3]
`, func(ctx context.Context, out *printer) error {
		q := aiosync.NewQueue[int](1)
		for i := 1; i <= 3; i++ {
			aio.Start(ctx, func(ctx context.Context) error {
				err := q.Put(ctx, i)
				out.print("put", i)
				return err
			})
		}
		aio.Yield(ctx)
		var got []int
		for range 3 {
			v, err := q.Get(ctx)
			if err != nil {
				return err
			}
			out.print("got", v)
			got = append(got, v)
			aio.Yield(ctx)
		}
		out.print(pyInts(got))
		prio, lifo := aiosync.NewPriorityQueue(0, cmp.Compare[int]), aiosync.NewLifoQueue[int](0)
		for _, v := range []int{3, 1, 2} {
			prio.PutNowait(v)
			lifo.PutNowait(v)
		}
		out.print(pyInts(drain(prio)), pyInts(drain(lifo)))
		return nil
	})
}

func pyInts(items []int) string {
	s := "["
	for i, v := range items {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprint(v)
	}
	return s + "]"
}

func TestProgramABarrierIsReusedAbortedAndReset(t *testing.T) {
	transcript(t, `round 1
party c index 2
party a index 0
party b index 1
round 2
party c index 2
party a index 0
party b index 1
waiting 1
broken barrier error
broken True
broken False
`, func(ctx context.Context, out *printer) error {
		b := aiosync.NewBarrier(3)
		for round := 1; round <= 2; round++ {
			out.print("round", round)
			var tasks []*aio.Task[aio.None]
			for _, name := range []string{"a", "b", "c"} {
				tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error {
					i, err := b.Wait(ctx)
					out.print("party", name, "index", i)
					return err
				}))
			}
			if _, err := aio.Gather(ctx, tasks...); err != nil {
				return err
			}
		}
		w := aio.CreateTask(ctx, b.Wait)
		aio.Yield(ctx)
		out.print("waiting", b.Waiting())
		b.Abort()
		if _, err := w.Await(ctx); errors.Is(err, aiosync.ErrBrokenBarrier) {
			out.print("broken barrier error")
		}
		out.print("broken", pyBool(b.Broken()))
		b.Reset()
		out.print("broken", pyBool(b.Broken()))
		return nil
	})
}

// drain takes all items that are there.
func drain[T any](q *aiosync.Queue[T]) (items []T) {
	for !q.Empty() {
		v, err := q.GetNowait()
		if err != nil {
			panic(err)
		}
		items = append(items, v)
	}
	return items
}
