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
	add("stampede", "cache stampede", stampede)
	add("retry-doubles", "retry doubles an effect", retryDoubles)
	add("three-accounts", "money is made in a circle of transfers", threeAccounts)
	add("version-check", "ABA on a version", versionCheck)
	add("stale-price", "value is stale after the await", stalePrice)
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
