package bugs

import (
	"context"
	"errors"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
)

func init() {
	add("snapshot-then-subscribe", "gap between two reads", snapshotThenSubscribe)
	add("remove-while-iterating", "index is out of date", removeWhileIterating)
	add("request-ids", "number is used again", requestIDs)
	add("early-publish", "use before initialisation", earlyPublish)
	add("single-flight", "old call removes the new one", singleFlight)
	add("deduplication", "check-then-act on a set", deduplication)
	add("drain", "item after the last look", drain)
	add("four-steps", "four steps in one order", fourSteps)
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
