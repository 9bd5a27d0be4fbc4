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
	add("recycled-handle", "ABA in a pool", recycledHandle)
	add("two-checks", "check-then-act over two awaits", twoChecks)
	add("dirty-flag", "write during the flush is lost", dirtyFlag)
	add("invalidate-during-fill", "invalidated value comes back", invalidateDuringFill)
	add("burst", "limiter counts what it has seen before the wait", burst)
	add("fenced-leader", "old leader writes after the new one", fencedLeader)
	add("reader-leaves", "reader leaves and the writer waits for room", readerLeaves)
	add("owner-leaves", "child fails after its parent has left", ownerLeaves)
	add("restart-overlaps", "new worker starts before the old one has ended", restartOverlaps)
	addCancelled("shared-load", "caller takes the others' load along", sharedLoad, "caller *")
}

// recycledHandle closes a session by its slot. The slot may have a new owner by then.
func recycledHandle(ctx context.Context, t *aiotest.T, fixed bool) error {
	type slot struct{ owner, generation int }
	slots := make([]slot, 1)
	open := func(owner int) int {
		if slots[0].owner != 0 {
			return -1
		}
		slots[0].owner = owner
		slots[0].generation++
		return slots[0].generation
	}
	open(1)
	old := slots[0]
	expire := func(ctx context.Context) error {
		if err := aio.Yield(ctx); err != nil { // it is told that its time is over
			return err
		}
		if slots[0].owner == old.owner && (!fixed || slots[0].generation == old.generation) {
			slots[0].owner = 0
		}
		return nil
	}
	session := func(owner int) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			for range 2 {
				mine := open(owner)
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				if mine > 1 && slots[0].generation == mine && slots[0].owner != owner {
					t.Error("a session that has just begun is closed")
				}
				if slots[0].generation == mine {
					slots[0].owner = 0
				}
			}
			return nil
		}
	}
	return together(ctx, expire, func(ctx context.Context) error {
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		slots[0].owner = 0 // logged out
		return session(1)(ctx)
	})
}

// twoChecks looks at the stock and at the credit, one after the other, and then takes both.
func twoChecks(ctx context.Context, t *aiotest.T, fixed bool) error {
	stock, credit := 1, 100
	order := func(ctx context.Context) error {
		if stock < 1 {
			return nil
		}
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if credit < 60 {
			return nil
		}
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if fixed && (stock < 1 || credit < 60) {
			return nil
		}
		stock--
		credit -= 60
		return nil
	}
	err := together(ctx, order, func(ctx context.Context) error {
		if err := work(ctx, 4); err != nil {
			return err
		}
		return order(ctx)
	})
	if stock < 0 || credit < 0 {
		t.Errorf("stock %d, credit %d", stock, credit)
	}
	return err
}

// dirtyFlag clears the mark after the flush, and so the mark of what was written meanwhile.
func dirtyFlag(ctx context.Context, t *aiotest.T, fixed bool) error {
	value, stored, dirty := 0, 0, false
	flush := func(ctx context.Context) error {
		if !dirty {
			return nil
		}
		v := value
		if fixed {
			dirty = false
		}
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		stored = v
		if !fixed {
			dirty = false
		}
		return nil
	}
	err := together(ctx, func(ctx context.Context) error {
		for range 3 {
			value++
			dirty = true
			if err := work(ctx, 2); err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context) error {
		for range 3 {
			if err := flush(ctx); err != nil {
				return err
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := flush(ctx); err != nil {
		return err
	}
	if stored != value {
		t.Errorf("%d is stored, the value is %d", stored, value)
	}
	return nil
}

// invalidateDuringFill forgets a value while another task loads the old one and keeps it.
func invalidateDuringFill(ctx context.Context, t *aiotest.T, fixed bool) error {
	source := 1
	cache := map[string]int{}
	epoch := 0
	get := func(ctx context.Context) (int, error) {
		if v, ok := cache["x"]; ok {
			return v, nil
		}
		begun, v := epoch, source
		if err := work(ctx, 2); err != nil {
			return 0, err
		}
		if !fixed || epoch == begun {
			cache["x"] = v
		}
		return v, nil
	}
	err := together(ctx, func(ctx context.Context) error {
		_, err := get(ctx)
		return err
	}, func(ctx context.Context) error {
		if err := work(ctx, 4); err != nil {
			return err
		}
		source = 2
		delete(cache, "x")
		epoch++
		return nil
	})
	if err != nil {
		return err
	}
	if v, err := get(ctx); err != nil || v != 2 {
		t.Errorf("the value is %d, want 2 (%v)", v, err)
	}
	return nil
}

// burst has a bucket of tokens. It refills it with the time that it read before it waited.
func burst(ctx context.Context, t *aiotest.T, fixed bool) error {
	loop := aio.RunningLoop(ctx)
	tokens, last := 2.0, loop.Time()
	begun, sent := loop.Time(), 0
	take := func(ctx context.Context) error {
		for {
			before := last
			if err := aio.Yield(ctx); err != nil { // the bucket is kept elsewhere
				return err
			}
			if fixed {
				before = last
			}
			now := loop.Time()
			tokens = min(2, tokens+now.Sub(before).Seconds())
			last = now
			if tokens >= 1 {
				tokens--
				sent++
				if most := 2 + now.Sub(begun).Seconds(); float64(sent) > most {
					t.Errorf("%d calls, at most %.1f may be", sent, most)
				}
				return nil
			}
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
		}
	}
	return together(ctx, take, take, take, take)
}

// fencedLeader renews a lease, and writes; another one takes over when the lease has ended.
func fencedLeader(ctx context.Context, t *aiotest.T, fixed bool) error {
	loop := aio.RunningLoop(ctx)
	leader, term, until := 0, 0, loop.Time()
	written := 0
	elect := func(me int) bool {
		if leader == me || loop.Time().Before(until) {
			return leader == me
		}
		leader, until = me, loop.Time().Add(10*time.Millisecond)
		term++
		return true
	}
	node := func(me int, takes time.Duration) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			for range 3 {
				if elect(me) {
					mine := term
					if err := aio.Sleep(ctx, takes); err != nil { // it computes
						return err
					}
					if fixed && mine < written {
						continue // the store refuses an old term
					}
					if mine < written {
						t.Errorf("term %d writes after term %d", mine, written)
					}
					written = mine
				}
				if err := aio.Sleep(ctx, 5*time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return together(ctx, node(1, 10*time.Millisecond), node(2, 0))
}

// readerLeaves stops to read when it has found what it looked for. The writer waits for room then.
func readerLeaves(ctx context.Context, t *aiotest.T, fixed bool) error {
	lines := aiosync.NewQueue[int](1)
	write := func(ctx context.Context) error {
		for i := range 4 {
			if err := lines.Put(ctx, i); err != nil {
				if errors.Is(err, aiosync.ErrQueueShutdown) {
					return nil
				}
				return err
			}
		}
		return nil
	}
	matched := false
	read := func(ctx context.Context) error {
		for range 4 {
			v, err := lines.Get(ctx)
			if err != nil {
				return err
			}
			if v == 1 && matched {
				break
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		if fixed {
			lines.Shutdown(true)
		}
		return nil
	}
	return together(ctx, write, read, func(ctx context.Context) error {
		if err := work(ctx, 6); err != nil {
			return err
		}
		matched = true
		return nil
	})
}

// ownerLeaves starts a task for the rest of the work, and closes what the task uses.
func ownerLeaves(ctx context.Context, t *aiotest.T, fixed bool) error {
	closed := false
	send := func(ctx context.Context) error {
		for range 2 {
			if closed {
				return errBroken
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	request := func(ctx context.Context) error {
		rest := aio.Start(ctx, send, aio.Name("rest"))
		if err := work(ctx, 4); err != nil {
			return err
		}
		if fixed {
			if _, err := rest.Await(ctx); err != nil {
				return err
			}
		}
		closed = true
		return nil
	}
	if err := request(ctx); err != nil {
		return err
	}
	return work(ctx, 5)
}

// restartOverlaps cancels the worker and starts another one with new settings at once.
func restartOverlaps(ctx context.Context, t *aiotest.T, fixed bool) error {
	running := 0
	worker := func(ctx context.Context) error {
		running++
		if running > 1 {
			t.Errorf("%d workers run", running)
		}
		defer func() { running-- }()
		err := aio.Sleep(ctx, time.Second)
		if err != nil { // it says good-bye
			aio.Yield(context.WithoutCancel(ctx))
		}
		return err
	}
	first := aio.Start(ctx, worker)
	if err := work(ctx, 2); err != nil {
		return err
	}
	first.Cancel(nil)
	if fixed {
		if _, err := aio.GatherSettled[aio.None](ctx, first); err != nil {
			return err
		}
	} else if err := work(ctx, 4); err != nil {
		return err
	}
	second := aio.Start(ctx, worker)
	_, err := aio.GatherSettled[aio.None](ctx, first, second)
	return err
}

// sharedLoad lets callers share one load, which runs in the first caller's task.
func sharedLoad(ctx context.Context, t *aiotest.T, fixed bool) error {
	var loading *aio.Task[int]
	load := func(ctx context.Context) (int, error) {
		return 7, aio.Yield(ctx)
	}
	get := func(ctx context.Context) error {
		if loading == nil {
			loading = aio.CreateTask(ctx, load, aio.Name("load"))
		}
		var v int
		var err error
		if fixed {
			v, err = aio.Shield[int](ctx, loading)
		} else {
			v, err = loading.Await(ctx)
		}
		if err == nil && v != 7 {
			t.Errorf("the value is %d", v)
		}
		return err
	}
	a := aio.Start(ctx, get, aio.Name("caller 1"))
	b := aio.Start(ctx, get, aio.Name("caller 2"))
	if _, err := aio.GatherSettled[aio.None](ctx, a, b); err != nil {
		return err
	}
	if loading.Cancelled() {
		t.Error("the load was cancelled with one of its callers")
	}
	_, err := aio.GatherSettled[int](ctx, loading)
	return err
}
