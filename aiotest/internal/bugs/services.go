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
	add("snapshot-then-subscribe", "gap between two reads", snapshotThenSubscribe)
	add("reference-count", "use after the last release", referenceCount)
	add("remove-while-iterating", "index is out of date", removeWhileIterating)
	add("request-ids", "number is used again", requestIDs)
	add("early-publish", "use before initialisation", earlyPublish)
	add("single-flight", "old call removes the new one", singleFlight)
	add("deduplication", "check-then-act on a set", deduplication)
	add("lease", "work after the lease has ended", lease)
	add("drain", "item after the last look", drain)
	add("stack", "ABA", stack)
	add("four-steps", "four steps in one order", fourSteps)
	addCancelled("taken-not-done", "cancelled with an item in hand", takenNotDone)
	addCancelled("others-lock", "releases a lock that it has not got", othersLock)
	addCancelled("cleanup", "cleanup is cancelled as well", cleanup)
}

// snapshotThenSubscribe reads the items that are there, and then subscribes to new ones.
func snapshotThenSubscribe(ctx context.Context, t *aiotest.T, fixed bool) error {
	var log, seen []int
	var subscribed bool
	publish := func(v int) {
		log = append(log, v)
		if subscribed {
			seen = append(seen, v)
		}
	}
	err := together(ctx, func(ctx context.Context) error {
		if fixed {
			subscribed = true
		}
		seen = append(seen, log...)
		if err := work(ctx, 1); err != nil {
			return err
		}
		subscribed = true
		return nil
	}, func(ctx context.Context) error {
		for i := range 3 {
			if err := work(ctx, 3); err != nil {
				return err
			}
			publish(i)
		}
		return nil
	})
	if err == nil && len(seen) != len(log) {
		t.Errorf("it has seen %v of %v", seen, log)
	}
	return err
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

// removeWhileIterating goes over the clients with an index, and waits at each.
func removeWhileIterating(ctx context.Context, t *aiotest.T, fixed bool) error {
	clients := []string{"a", "b", "c"}
	sent := 0
	return together(ctx, func(ctx context.Context) error {
		n := len(clients)
		for i := range n {
			if fixed && i >= len(clients) {
				break
			}
			sent += len(clients[i])
			if err := work(ctx, 1); err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 6); err != nil {
			return err
		}
		clients = clients[:1]
		return nil
	})
}

// requestIDs has two numbers for requests, and one may still be on its way when it is used again.
func requestIDs(ctx context.Context, t *aiotest.T, fixed bool) error {
	const limit = 2
	waiting := map[int]string{}
	next := 0
	call := func(name string, steps int) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			id := next % limit
			next++
			if fixed {
				for waiting[id] != "" {
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
			}
			waiting[id] = name
			if err := work(ctx, steps); err != nil {
				return err
			}
			if waiting[id] != name {
				t.Errorf("%s got the answer of %s", name, waiting[id])
			}
			delete(waiting, id)
			return nil
		}
	}
	return together(ctx, func(ctx context.Context) error {
		if err := call("a", 2)(ctx); err != nil {
			return err
		}
		return call("b", 1)(ctx)
	}, func(ctx context.Context) error {
		if err := work(ctx, 9); err != nil {
			return err
		}
		return call("c", 1)(ctx)
	}, func(ctx context.Context) error {
		if err := work(ctx, 14); err != nil {
			return err
		}
		return call("d", 1)(ctx)
	})
}

// earlyPublish puts a session into the table before it is ready.
func earlyPublish(ctx context.Context, t *aiotest.T, fixed bool) error {
	type session struct{ user string }
	table := map[int]*session{}
	return together(ctx, func(ctx context.Context) error {
		s := &session{}
		if !fixed {
			table[1] = s
		}
		if err := work(ctx, 2); err != nil { // the user is looked up
			return err
		}
		s.user = "ann"
		table[1] = s
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 5); err != nil {
			return err
		}
		if s := table[1]; s != nil && s.user == "" {
			t.Error("the session has no user")
		}
		return nil
	})
}

// singleFlight shares one call among the tasks that ask for the same key. At its end it removes the
// call, even if another one has taken its place after an invalidation.
func singleFlight(ctx context.Context, t *aiotest.T, fixed bool) error {
	type call struct{ stale bool }
	calls := map[string]*call{}
	running := map[*call]bool{}
	get := func(ctx context.Context) error {
		if calls["k"] != nil {
			return nil // it would share the result
		}
		for c := range running {
			if !c.stale {
				t.Error("the key is fetched twice")
			}
		}
		c := &call{}
		calls["k"], running[c] = c, true
		err := work(ctx, 2)
		delete(running, c)
		if !fixed || calls["k"] == c {
			delete(calls, "k")
		}
		return err
	}
	return together(ctx, get, func(ctx context.Context) error {
		if err := work(ctx, 1); err != nil {
			return err
		}
		if c := calls["k"]; c != nil { // invalidated
			c.stale = true
			delete(calls, "k")
		}
		return get(ctx)
	}, get, get)
}

// deduplication handles each message once, though it is delivered twice.
func deduplication(ctx context.Context, t *aiotest.T, fixed bool) error {
	seen, handled := map[int]bool{}, 0
	deliver := func(ctx context.Context) error {
		if seen[7] {
			return nil
		}
		if fixed {
			seen[7] = true
		}
		if err := work(ctx, 1); err != nil {
			return err
		}
		handled++
		seen[7] = true
		return nil
	}
	err := together(ctx, deliver, func(ctx context.Context) error {
		if err := work(ctx, 4); err != nil {
			return err
		}
		return deliver(ctx)
	})
	if handled != 1 && err == nil {
		t.Errorf("the message was handled %d times", handled)
	}
	return err
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

// drain takes the items of the buffer, writes them, and says that all are written.
func drain(ctx context.Context, t *aiotest.T, fixed bool) error {
	var buffer, written []int
	closed := false
	err := together(ctx, func(ctx context.Context) error {
		for i := range 4 {
			if closed {
				return nil
			}
			buffer = append(buffer, i)
			if err := work(ctx, 1); err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 9); err != nil {
			return err
		}
		for again := true; again; again = fixed && len(buffer) > 0 {
			batch := buffer
			buffer = nil
			if err := work(ctx, 1); err != nil {
				return err
			}
			written = append(written, batch...)
		}
		closed = true
		return nil
	})
	if err == nil && len(buffer) > 0 {
		t.Errorf("%v were accepted and not written; written are %v", buffer, written)
	}
	return err
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

var errFour = errors.New("all four steps have met")

// fourSteps fails only if two tasks meet four times in one order, among much else.
func fourSteps(ctx context.Context, t *aiotest.T, fixed bool) error {
	state := 0
	step := func(ctx context.Context, from int) error {
		if err := work(ctx, 2); err != nil {
			return err
		}
		if state == from {
			state++
		}
		return nil
	}
	return together(ctx, func(ctx context.Context) error {
		for _, from := range []int{0, 2} {
			if err := step(ctx, from); err != nil {
				return err
			}
		}
		return work(ctx, 5)
	}, func(ctx context.Context) error {
		for _, from := range []int{1, 3} {
			if err := step(ctx, from); err != nil {
				return err
			}
		}
		if state == 4 && !fixed {
			return errFour
		}
		return nil
	}, func(ctx context.Context) error { return work(ctx, 5) })
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
