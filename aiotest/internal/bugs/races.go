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
	add("transfer", "lost update", transfer)
	add("late-deposit", "lost update two yields later", lateDeposit)
	add("two-transfers-and-an-audit", "torn read", audit)
	add("seat", "check-then-act", seat)
	add("lazy-connection", "double initialisation", lazyConnection)
	add("cache-fill", "stale write", cacheFill)
	add("sequence", "lost order", sequence)
	add("counter-of-three", "lost update of three", counterOfThree)
}

// transfer reads a balance, calls out, and writes it back.
func transfer(ctx context.Context, t *aiotest.T, fixed bool) error {
	balance := 100
	var mu aiosync.Lock
	withdraw := func(amount int) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if fixed {
				if err := mu.Acquire(ctx); err != nil {
					return err
				}
				defer mu.Release()
			}
			had := balance
			if err := work(ctx, 1); err != nil {
				return err
			}
			balance = had - amount
			return nil
		}
	}
	err := together(ctx, withdraw(10), withdraw(20))
	if err == nil && balance != 70 {
		t.Errorf("the balance is %d, want 70", balance)
	}
	return err
}

// lateDeposit does the second half of its update two yields after the first. In the documented
// order the other task begins much later than that.
func lateDeposit(ctx context.Context, t *aiotest.T, fixed bool) error {
	balance := 0
	err := together(ctx, func(ctx context.Context) error {
		had := balance
		if fixed {
			balance = had + 1
			return work(ctx, 2)
		}
		if err := work(ctx, 2); err != nil {
			return err
		}
		balance = had + 1
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 9); err != nil {
			return err
		}
		balance += 10
		return nil
	})
	if err == nil && balance != 11 {
		t.Errorf("the balance is %d, want 11", balance)
	}
	return err
}

// audit adds up two accounts while money is on its way from one to the other.
func audit(ctx context.Context, t *aiotest.T, fixed bool) error {
	a, b := 50, 50
	var mu aiosync.Lock
	guarded := func(ctx context.Context, fn func(ctx context.Context) error) error {
		if fixed {
			return mu.With(ctx, fn)
		}
		return fn(ctx)
	}
	return together(ctx, func(ctx context.Context) error {
		for range 3 {
			if err := guarded(ctx, func(ctx context.Context) error {
				a -= 10
				err := work(ctx, 1)
				b += 10
				return err
			}); err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		return nil
	}, func(ctx context.Context) error {
		return guarded(ctx, func(ctx context.Context) error {
			first := a
			if err := work(ctx, 2); err != nil {
				return err
			}
			if sum := first + b; sum != 100 {
				t.Errorf("the sum is %d, want 100", sum)
			}
			return nil
		})
	})
}

// seat checks that the seat is free, pays, and takes it.
func seat(ctx context.Context, t *aiotest.T, fixed bool) error {
	taken, sold := false, 0
	book := func(ctx context.Context) error {
		if taken {
			return nil
		}
		if fixed {
			taken = true
		}
		if err := work(ctx, 3); err != nil { // the payment
			return err
		}
		taken = true
		sold++
		return nil
	}
	err := together(ctx, book, func(ctx context.Context) error {
		if err := work(ctx, 8); err != nil {
			return err
		}
		return book(ctx)
	})
	if sold > 1 {
		t.Errorf("the seat was sold %d times", sold)
	}
	return err
}

// lazyConnection opens a connection when the first caller needs it.
func lazyConnection(ctx context.Context, t *aiotest.T, fixed bool) error {
	opened, open := 0, false
	var opening *aio.Task[aio.None]
	get := func(ctx context.Context) error {
		if fixed {
			if opening == nil {
				opening = aio.Start(ctx, func(ctx context.Context) error {
					opened++
					return work(ctx, 2)
				})
			}
			_, err := aio.Shield[aio.None](ctx, opening)
			return err
		}
		if open {
			return nil
		}
		opened++
		if err := work(ctx, 2); err != nil {
			return err
		}
		open = true
		return nil
	}
	err := together(ctx, get, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 50*time.Microsecond); err != nil {
			return err
		}
		return get(ctx)
	}, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 50*time.Microsecond); err != nil {
			return err
		}
		return get(ctx)
	})
	if opened != 1 {
		t.Errorf("%d connections were opened", opened)
	}
	return err
}

// cacheFill reads a row, and puts it into the cache though it was changed meanwhile.
func cacheFill(ctx context.Context, t *aiotest.T, fixed bool) error {
	row, version := "old", 1
	cache := ""
	err := together(ctx, func(ctx context.Context) error {
		got, at := row, version
		if err := work(ctx, 2); err != nil {
			return err
		}
		if !fixed || at == version {
			cache = got
		}
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 6); err != nil {
			return err
		}
		row = "new"
		version++
		cache = "" // invalidated
		return work(ctx, 1)
	})
	if err == nil && cache != "" && cache != row {
		t.Errorf("the cache has %q, the row is %q", cache, row)
	}
	return err
}

// sequence numbers messages, and sends each after a pause for flow control.
func sequence(ctx context.Context, t *aiotest.T, fixed bool) error {
	next := 0
	var sent []int
	var mu aiosync.Lock
	send := func(ctx context.Context) error {
		if fixed {
			if err := mu.Acquire(ctx); err != nil {
				return err
			}
			defer mu.Release()
		}
		next++
		n := next
		if err := work(ctx, 2); err != nil {
			return err
		}
		sent = append(sent, n)
		return nil
	}
	err := together(ctx, send, send, send)
	for i, n := range sent {
		if n != i+1 {
			t.Errorf("the messages went out in the order %v", sent)
			break
		}
	}
	return err
}

var errLost = errors.New("an update was lost")

// counterOfThree loses an update only if a third task comes between two others twice.
func counterOfThree(ctx context.Context, t *aiotest.T, fixed bool) error {
	x, y := 0, 0
	return together(ctx, func(ctx context.Context) error {
		x = 1
		if err := work(ctx, 3); err != nil {
			return err
		}
		if !fixed {
			x = 2
		}
		return work(ctx, 3)
	}, func(ctx context.Context) error {
		if err := work(ctx, 1); err != nil {
			return err
		}
		if x == 1 {
			y = 1
		}
		if err := work(ctx, 2); err != nil {
			return err
		}
		if y == 1 && x == 2 {
			return errLost
		}
		return nil
	})
}
