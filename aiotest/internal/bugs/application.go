package bugs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

func init() {
	add("stampede", "cache stampede", stampede)
	add("retry-doubles", "retry doubles an effect", retryDoubles)
	add("three-accounts", "money is made in a circle of transfers", threeAccounts)
	add("shield-in-group", "shielded work outlives its owner", shieldInGroup)
	add("gather-leaves", "siblings go on after a failure", gatherLeaves)
	add("first-error", "second error is lost", firstError)
	add("version-check", "ABA on a version", versionCheck)
	add("stale-price", "value is stale after the await", stalePrice)
	add("stubborn-loop", "cancellation is swallowed in a loop", stubbornLoop)
	add("threads-in-order", "threads are taken to end in order", threadsInOrder)
	add("timers-in-order", "timers are taken to end in order", timersInOrder)
	add("login-limit", "check-then-act on a counter", loginLimit)
	add("config-reload", "two reads of a value that changes", configReload)
	add("cleanup-races", "cleanup of an entry that is used again", cleanupRaces)
	add("token-refresh", "two tasks refresh one token", tokenRefresh)
}

// stampede fills a cache for the first caller, and for each that comes meanwhile.
func stampede(ctx context.Context, t *aiotest.T, fixed bool) error {
	cache, loading := map[string]string{}, map[string]*aio.Future[string]{}
	loads := 0
	load := func(ctx context.Context, key string) (string, error) {
		loads++
		if err := aio.Sleep(ctx, 100*time.Millisecond); err != nil {
			return "", err
		}
		return "page " + key, nil
	}
	get := func(ctx context.Context) error {
		if _, ok := cache["a"]; ok {
			return nil
		}
		if fixed {
			if f, ok := loading["a"]; ok {
				_, err := f.Await(ctx)
				return err
			}
			loading["a"] = aio.NewFuture[string](ctx)
		}
		v, err := load(ctx, "a")
		if err != nil {
			return err
		}
		cache["a"] = v
		if fixed {
			loading["a"].SetResult(v)
			delete(loading, "a")
		}
		return nil
	}
	err := together(ctx, get, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
		return get(ctx)
	})
	if loads > 1 {
		t.Errorf("the page was loaded %d times", loads)
	}
	return err
}

// retryDoubles sends a payment again when the answer takes long.
func retryDoubles(ctx context.Context, t *aiotest.T, fixed bool) error {
	paid, seen := 0, map[string]bool{}
	server := func(id string) {
		if fixed && seen[id] {
			return
		}
		seen[id] = true
		paid += 10
	}
	pay := func(ctx context.Context) error {
		server("order 1")
		return aio.Sleep(ctx, time.Second) // the answer is on its way
	}
	var late *aio.TimeoutError
	for range 2 {
		err := aio.Timeout(ctx, time.Second, pay)
		if err == nil {
			break
		}
		if !errors.As(err, &late) {
			return err
		}
	}
	if paid != 10 {
		t.Errorf("%d was paid, want 10", paid)
	}
	return nil
}

// threeAccounts moves money in a circle, and reads the balance before the transfer is confirmed.
func threeAccounts(ctx context.Context, t *aiotest.T, fixed bool) error {
	balance := map[string]int{"ann": 10, "bob": 10, "eve": 10}
	var bank aiosync.Lock
	transfer := func(from, to string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if fixed {
				if err := bank.Acquire(ctx); err != nil {
					return err
				}
				defer bank.Release()
			}
			a, b := balance[from], balance[to]
			if a < 5 {
				return nil
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			balance[from], balance[to] = a-5, b+5
			return nil
		}
	}
	err := together(ctx, transfer("ann", "bob"), func(ctx context.Context) error {
		if err := work(ctx, 3); err != nil {
			return err
		}
		return transfer("bob", "eve")(ctx)
	}, func(ctx context.Context) error {
		if err := work(ctx, 6); err != nil {
			return err
		}
		return transfer("eve", "ann")(ctx)
	})
	if sum := balance["ann"] + balance["bob"] + balance["eve"]; err == nil && sum != 30 {
		t.Errorf("the sum is %d, want 30", sum)
	}
	return err
}

// shieldInGroup protects a write from cancellation, but nobody waits for it.
func shieldInGroup(ctx context.Context, t *aiotest.T, fixed bool) error {
	open := true
	write := func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
		if !open {
			t.Error("it writes to a file that is closed")
		}
		return nil
	}
	writing := aio.Start(ctx, write)
	err := aio.Timeout(ctx, 50*time.Millisecond, func(ctx context.Context) error {
		_, err := aio.Shield[aio.None](ctx, writing)
		return err
	})
	var late *aio.TimeoutError
	if err != nil && !errors.As(err, &late) {
		return err
	}
	if fixed {
		if _, err := writing.Await(ctx); err != nil {
			return err
		}
	}
	open = false
	_, err = writing.Await(ctx)
	return err
}

// gatherLeaves returns at the first failure, while the other part still writes.
func gatherLeaves(ctx context.Context, t *aiotest.T, fixed bool) error {
	closed := false
	part := func(fails bool) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if fails {
				return errBroken
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if closed {
				t.Error("a part is written after the file was closed")
			}
			return nil
		}
	}
	a, b := aio.Start(ctx, part(false)), aio.Start(ctx, part(true))
	var err error
	if fixed {
		_, err = aio.GatherSettled[aio.None](ctx, a, b)
	} else {
		_, err = aio.Gather[aio.None](ctx, a, b)
	}
	closed = true
	if err != nil && !errors.Is(err, errBroken) {
		return err
	}
	_, err = aio.GatherSettled[aio.None](ctx, a, b)
	return err
}

// firstError keeps one error in a variable, and a later success overwrites it.
func firstError(ctx context.Context, t *aiotest.T, fixed bool) error {
	var last error
	store := func(fails bool) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			err := error(nil)
			if wait := aio.Sleep(ctx, time.Millisecond); wait != nil {
				return wait
			}
			if fails {
				err = errBroken
			}
			if !fixed || err != nil {
				last = err
			}
			return nil
		}
	}
	err := together(ctx, store(false), store(true))
	if err == nil && !errors.Is(last, errBroken) {
		t.Error("the error is lost")
	}
	return err
}

// versionCheck updates a document if its version is the same, and a restore sets the version back.
func versionCheck(ctx context.Context, t *aiotest.T, fixed bool) error {
	type document struct {
		version, edit int
		text          string
	}
	doc := document{version: 1, text: "draft"}
	return together(ctx, func(ctx context.Context) error {
		was := doc
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if doc.version != was.version || fixed && doc.edit != was.edit {
			return nil // a conflict: the user is asked
		}
		if doc.text != was.text {
			t.Errorf("%q is overwritten, it was read as %q", doc.text, was.text)
		}
		doc.text = was.text + "!"
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 2); err != nil {
			return err
		}
		doc.version, doc.edit, doc.text = 2, doc.edit+1, "final"
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		doc.version, doc.edit, doc.text = 1, doc.edit+1, "restored" // an older version
		return nil
	})
}

// stalePrice takes the price, asks for the address, and books the old price.
func stalePrice(ctx context.Context, t *aiotest.T, fixed bool) error {
	price, booked := 100, 0
	return together(ctx, func(ctx context.Context) error {
		p := price
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		if fixed {
			p = price
		}
		if booked = p; booked != price {
			t.Errorf("%d is booked, the price is %d", booked, price)
		}
		return nil
	}, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		price = 120
		return nil
	})
}

// stubbornLoop tries again after each error, its own cancellation included, and says that it is
// done.
func stubbornLoop(ctx context.Context, t *aiotest.T, fixed bool) error {
	sent, done := 0, false
	upload := aio.Start(ctx, func(ctx context.Context) error {
		for range 5 {
			if err := aio.Sleep(ctx, time.Second); err != nil {
				if fixed {
					return err
				}
				continue // the next try may work
			}
			sent++
		}
		done = true
		return nil
	})
	if err := aio.Sleep(ctx, 5*time.Second); err != nil {
		return err
	}
	upload.Cancel(nil)
	if _, err := aio.GatherSettled[aio.None](ctx, upload); err != nil {
		return err
	}
	if done && sent != 5 {
		t.Errorf("it is done, but %d of 5 parts are sent", sent)
	}
	return nil
}

// threadsInOrder appends what threads return, and expects the order of the calls.
func threadsInOrder(ctx context.Context, t *aiotest.T, fixed bool) error {
	got := make([]string, 2)
	n := 0
	read := func(i int) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			text, err := aio.ToThread(ctx, func(context.Context) (string, error) {
				return fmt.Sprint("part ", i), nil
			})
			if err != nil {
				return err
			}
			if fixed {
				got[i] = text
			} else {
				got[n] = text
				n++
			}
			return nil
		}
	}
	err := together(ctx, read(0), read(1))
	if err == nil && got[0] != "part 0" {
		t.Errorf("got %q", got)
	}
	return err
}

// timersInOrder takes the lights to go off in the order in which they were set.
func timersInOrder(ctx context.Context, t *aiotest.T, fixed bool) error {
	light := "green"
	set := func(d time.Duration, to string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if err := aio.Sleep(ctx, d); err != nil {
				return err
			}
			light = to
			return nil
		}
	}
	last := 3 * time.Second
	if fixed {
		last = 4 * time.Second
	}
	err := together(ctx, set(3*time.Second, "yellow"), set(last, "red"))
	if err == nil && light != "red" {
		t.Errorf("the light is %s", light)
	}
	return err
}

// loginLimit allows three attempts, and counts the failed ones after the password was checked.
func loginLimit(ctx context.Context, t *aiotest.T, fixed bool) error {
	failed, checked := 0, 0
	login := func(ctx context.Context) error {
		if failed >= 3 {
			return nil
		}
		if fixed {
			failed++
		}
		checked++
		err := aio.Blocking(ctx, func(context.Context) error { return nil }) // the hash
		if !fixed {
			failed++
		}
		return err
	}
	err := together(ctx, login, login, login, func(ctx context.Context) error {
		if err := work(ctx, 4); err != nil {
			return err
		}
		return login(ctx)
	})
	if checked > 3 {
		t.Errorf("%d passwords were checked, at most 3 may be", checked)
	}
	return err
}

// configReload reads host and port from a configuration that may be loaded again in between.
func configReload(ctx context.Context, t *aiotest.T, fixed bool) error {
	type config struct{ host, port string }
	now := &config{"a", "1"}
	return together(ctx, func(ctx context.Context) error {
		c := now
		host := c.host
		if err := aio.Yield(ctx); err != nil { // the name is resolved
			return err
		}
		if !fixed {
			c = now
		}
		if to := host + ":" + c.port; to != "a:1" && to != "b:2" {
			t.Errorf("it connects to %s", to)
		}
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 4); err != nil {
			return err
		}
		now = &config{"b", "2"}
		return nil
	})
}

// cleanupRaces removes a session that was idle, though it has been used again during the farewell.
func cleanupRaces(ctx context.Context, t *aiotest.T, fixed bool) error {
	idle, sessions := true, map[string]bool{"s": true}
	return together(ctx, func(ctx context.Context) error {
		if !idle {
			return nil
		}
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if fixed && !idle {
			return nil
		}
		if !idle {
			t.Error("a session that is in use is removed")
		}
		delete(sessions, "s")
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 5); err != nil {
			return err
		}
		if sessions["s"] {
			idle = false
		}
		return nil
	})
}

// tokenRefresh refreshes a token that has run out; a refresh makes the one before invalid.
func tokenRefresh(ctx context.Context, t *aiotest.T, fixed bool) error {
	valid, have := 1, 0
	var mu aiosync.Lock
	refresh := func(ctx context.Context, old int) error {
		return mu.With(ctx, func(ctx context.Context) error {
			if fixed && have != old {
				return nil
			}
			valid++
			next := valid
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			have = next
			return nil
		})
	}
	refreshes := 0
	call := func(ctx context.Context) error {
		for try := range 3 {
			if have == valid {
				return nil
			}
			if try > 0 {
				refreshes++
			}
			if err := refresh(ctx, have); err != nil {
				return err
			}
		}
		return nil
	}
	err := together(ctx, call, func(ctx context.Context) error {
		if err := work(ctx, 3); err != nil {
			return err
		}
		return call(ctx)
	})
	if err == nil && valid != 2 {
		t.Errorf("the token was refreshed %d times", valid-1)
	}
	return err
}
