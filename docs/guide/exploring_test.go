package guide_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

// withdraw takes an amount from the balance. It waits between reading and writing.
func withdraw(ctx context.Context, balance *int, amount int) error {
	had := *balance
	if err := aio.Yield(ctx); err != nil { // stands for a query
		return err
	}
	*balance = had - amount
	return nil
}

// twoWithdrawals is the test: two tasks withdraw, the second one after some other work.
func twoWithdrawals(ctx context.Context, t *aiotest.T) error {
	balance := 100
	err := aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
		g.Go(func(ctx context.Context) error {
			return withdraw(ctx, &balance, 10)
		}, aio.Name("rent"))
		g.Go(func(ctx context.Context) error {
			for range 2 {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			return withdraw(ctx, &balance, 20)
		}, aio.Name("food"))
		return nil
	})
	if err == nil && balance != 70 {
		t.Errorf("the balance is %d, want 70", balance)
	}
	return err
}

func TestWithdrawalsInTheDocumentedOrder(t *testing.T) {
	aiotest.Run(t, twoWithdrawals)
}

func exploreWithdrawals(t testing.TB) {
	aiotest.Explore(t, twoWithdrawals)
}

func TestWithdrawalsUnderALock(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		balance := 100
		var mu aiosync.Lock
		task := func(amount int) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				return mu.With(ctx, func(ctx context.Context) error {
					return withdraw(ctx, &balance, amount)
				})
			}
		}
		t.Always("the balance is not negative", func() bool { return balance >= 0 })
		rent, food := aio.Start(ctx, task(10)), aio.Start(ctx, task(20))
		if _, err := rent.Await(ctx); err != nil {
			return err
		}
		t.Sometimes("the rent is paid first", balance == 90)
		if _, err := food.Await(ctx); err != nil {
			return err
		}
		if balance != 70 {
			t.Errorf("the balance is %d, want 70", balance)
		}
		return nil
	}, aiotest.With(aiotest.Exhaustive(-1)))
}

func TestAPermitIsGivenBackWhereverTheTaskIsCancelled(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		permits := aiosync.NewSemaphore(1)
		call := func(ctx context.Context) error {
			if err := permits.Acquire(ctx); err != nil {
				return err
			}
			defer permits.Release() // without defer, Explore finds the await at which it is lost
			return aio.Sleep(ctx, time.Second)
		}
		a, b := aio.Start(ctx, call), aio.Start(ctx, call)
		if _, err := aio.GatherSettled[aio.None](ctx, a, b); err != nil {
			return err
		}
		if permits.Locked() {
			t.Error("a permit is lost")
		}
		return nil
	}, aiotest.CancelEachAwait())
}

func TestOnlyCallersAreCancelled(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		sent := 0
		sender := aio.Start(ctx, func(ctx context.Context) error {
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			sent++
			return nil
		}, aio.Name("sender"))
		caller := aio.Start(ctx, func(ctx context.Context) error {
			_, err := aio.Shield[aio.None](ctx, sender) // without Shield the letter is lost
			return err
		}, aio.Name("caller"))
		if _, err := aio.GatherSettled[aio.None](ctx, sender, caller); err != nil {
			return err
		}
		if sent != 1 {
			t.Errorf("%d letters are sent, want 1", sent)
		}
		return nil
	}, aiotest.CancelEachAwait("caller"))
}

func TestTheLampGoesOn(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		var button aiosync.Event
		on := false
		t.Eventually("the lamp is on", func() bool { return on })
		return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				err := button.Wait(ctx)
				on = true
				return err
			})
			g.Go(func(ctx context.Context) error {
				button.Set()
				return nil
			})
			return nil
		})
	}, aiotest.MaxSteps(1000), aiotest.Patience(200))
}

// visits counts visitors by country.
func visits(ctx context.Context, t *aiotest.T) error {
	count := map[string]int{"fr": 2, "it": 5}
	for _, country := range slices.Sorted(maps.Keys(count)) { // range count has no order
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		t.Log(country, count[country])
	}
	return nil
}

func TestVisitsAreDeterministic(t *testing.T) {
	aiotest.Deterministic(t, visits)
}

func TestReadsSeeWritesInOrder(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		var h aiotest.History
		value := 0
		write := func(context.Context) (int, error) {
			value++
			return value, nil
		}
		read := func(ctx context.Context) (int, error) {
			seen := value
			return seen, aio.Yield(ctx)
		}
		err := aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				for range 3 {
					_, err := aiotest.Record(ctx, t, &h, "write", write)
					if err != nil {
						return err
					}
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
				return nil
			})
			g.Go(func(ctx context.Context) error {
				for range 3 {
					_, err := aiotest.Record(ctx, t, &h, "read", read)
					if err != nil {
						return err
					}
				}
				return nil
			})
			return nil
		})
		last := 0
		for _, op := range h.Operations() {
			if n := op.Output.(int); op.Input == "read" {
				if n < last {
					t.Errorf("read %d after %d; the operations: %+v", n, last, h.Operations())
				}
				last = n
			}
		}
		return err
	})
}

func FuzzVisits(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		aiotest.Explore(t, visits, aiotest.With(aiotest.Bytes(data)))
	})
}

// failing is a test that keeps what it would print.
type failing struct {
	testing.TB
	text string
}

func (f *failing) Helper()             {}
func (f *failing) Name() string        { return "TestWithdrawals" }
func (f *failing) Logf(string, ...any) {}

func (f *failing) Errorf(
	format string,
	args ...any,
) {
	f.text += fmt.Sprintf(format, args...) + "\n"
}

var storyBlock = regexp.MustCompile("(?s)<!-- story -->\n```text\n(.*?)```\n")

func TestThePageShowsTheStoryThatExploreTells(t *testing.T) {
	const page = "testing.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	f := &failing{TB: t}
	exploreWithdrawals(f)
	want := "<!-- story -->\n```text\n" + f.text + "```\n"
	switch got := storyBlock.FindString(string(text)); {
	case got == want:
	case !*update:
		t.Errorf("%s does not show\n%s; run this test with -update", page, want)
	default:
		out := storyBlock.ReplaceAllLiteralString(string(text), want)
		if err := os.WriteFile(page, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
