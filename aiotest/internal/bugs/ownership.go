package bugs

import (
	"context"
	"errors"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

func init() {
	add("reference-count", "use after the last release", referenceCount)
	add("lease", "work after the lease has ended", lease)
	add("stack", "ABA", stack)
	addCancelled("taken-not-done", "cancelled with an item in hand", takenNotDone)
	addCancelled("others-lock", "releases a lock that it has not got", othersLock)
	addCancelled("cleanup", "cleanup is cancelled as well", cleanup)
}

// referenceCount looks a file up, and counts itself in only when it has checked its rights.
func referenceCount(ctx context.Context, t *aiotest.T, fixed bool) error {
	users, open := 1, true
	done := func() {
		if users--; users == 0 {
			open = false
		}
	}
	return together(ctx, func(ctx context.Context) error {
		if !open {
			return nil
		}
		if fixed {
			users++
			defer done()
			return work(ctx, 2)
		}
		if err := work(ctx, 2); err != nil {
			return err
		}
		users++
		defer done()
		if !open {
			t.Error("the file is closed")
		}
		return nil
	}, func(ctx context.Context) error {
		err := work(ctx, 7)
		done()
		return err
	})
}

// lease has a holder whose work may take exactly as long as its lease.
func lease(ctx context.Context, t *aiotest.T, fixed bool) error {
	holder := ""
	return together(ctx, func(ctx context.Context) error {
		holder = "a"
		if err := aio.Sleep(ctx, 5*time.Second); err != nil {
			return err
		}
		if fixed && holder != "a" {
			return nil
		}
		if holder != "a" {
			t.Errorf("a writes, but the lease is %s's", holder)
		}
		return nil
	}, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 5*time.Second); err != nil {
			return err
		}
		holder = "b"
		return nil
	})
}

// stack pops with a comparison of the top alone, which may have been away meanwhile.
func stack(ctx context.Context, t *aiotest.T, fixed bool) error {
	type node struct {
		name string
		next *node
	}
	c := &node{name: "c"}
	b := &node{name: "b", next: c}
	top, version := &node{name: "a", next: b}, 0
	popped := map[string]int{}
	pop := func() *node {
		n := top
		top = n.next
		version++
		popped[n.name]++
		return n
	}
	return together(ctx, func(ctx context.Context) error {
		for {
			old, next, at := top, top.next, version
			if err := work(ctx, 1); err != nil {
				return err
			}
			if top == old && (!fixed || version == at) {
				top = next
				version++
				popped[old.name]++
				break
			}
		}
		if top != nil && popped[top.name] > 0 {
			t.Errorf("%s is on the stack again", top.name)
		}
		return nil
	}, func(ctx context.Context) error {
		a := pop()
		if err := work(ctx, 1); err != nil {
			return err
		}
		pop()
		if err := work(ctx, 1); err != nil {
			return err
		}
		popped[a.name]--
		a.next, top = top, a
		version++
		return nil
	})
}

// takenNotDone takes an item, and is cancelled before it has handled it.
func takenNotDone(ctx context.Context, t *aiotest.T, fixed bool) error {
	q := aiosync.NewQueue[int](0)
	handled := 0
	for i := range 3 {
		if err := q.PutNowait(i); err != nil {
			return err
		}
	}
	worker := aio.Start(ctx, func(ctx context.Context) error {
		for !q.Empty() {
			v, err := q.Get(ctx)
			if err != nil {
				return err
			}
			if err := work(ctx, 1); err != nil {
				if fixed {
					return errors.Join(err, q.PutNowait(v))
				}
				return err
			}
			handled++
		}
		return nil
	})
	if _, err := aio.GatherSettled[aio.None](ctx, worker); err != nil {
		return err
	}
	if handled+q.Len() != 3 {
		t.Errorf("%d items are handled, %d are left, of 3", handled, q.Len())
	}
	return nil
}

// othersLock releases in a deferred call that comes before the error of Acquire is looked at.
func othersLock(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.Lock
	inside := 0
	enter := func(ctx context.Context) error {
		err := mu.Acquire(ctx)
		if err == nil || !fixed {
			defer mu.Release()
		}
		if err != nil {
			return err
		}
		inside++
		defer func() { inside-- }()
		if inside > 1 {
			t.Error("two are inside")
		}
		return work(ctx, 2)
	}
	a, b, c := aio.Start(ctx, enter), aio.Start(ctx, enter), aio.Start(ctx, enter)
	_, err := aio.GatherSettled[aio.None](ctx, a, b, c)
	for _, task := range []*aio.Task[aio.None]{a, b, c} {
		if e := task.Err(); e != nil && !errors.Is(e, aio.ErrCancelled) {
			return e
		}
	}
	return err
}

// cleanup sends a goodbye to the server with a cancelled context.
func cleanup(ctx context.Context, t *aiotest.T, fixed bool) error {
	joined, left := 0, 0
	member := func(ctx context.Context) error {
		joined++
		defer func() {
			leave := ctx
			if fixed {
				leave = context.WithoutCancel(ctx)
			}
			if aio.Sleep(leave, time.Millisecond) == nil {
				left++
			}
		}()
		return work(ctx, 2)
	}
	a, b := aio.Start(ctx, member), aio.Start(ctx, member)
	_, err := aio.GatherSettled[aio.None](ctx, a, b)
	if joined != left {
		t.Errorf("%d have joined, %d have left", joined, left)
	}
	return err
}
