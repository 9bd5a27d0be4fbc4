package aiocache_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiocache"
)

var (
	errBoom   = errors.New("boom")
	errReason = errors.New("the reason")
)

// run runs main under a virtual clock. It fails the test if main returns an error, if anything is
// reported, or if a task is left.
func run(t *testing.T, main func(ctx context.Context) error, opts ...aio.Option) {
	t.Helper()
	handler := aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) {
		t.Errorf("unexpected report: %s: %s: %v", r.Message, r.TaskName, r.Err)
	})
	opts = append([]aio.Option{aio.WithClock(aio.NewVirtualClock()), handler, aio.WithSlowCallback(0)},
		opts...)
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		err := main(ctx)
		if left := aio.AllTasks(ctx); len(left) != 1 {
			t.Errorf("tasks are left: %v", left)
		}
		return err
	}, opts...)
	if err != nil {
		t.Fatalf("main returned: %v", err)
	}
}

// fetcher is a function to be cached: it takes a second, and counts its calls.
type fetcher struct {
	calls []string
	ended []string // by a cancellation
	fail  error
}

func (f *fetcher) fetch(ctx context.Context, key string) (string, error) {
	f.calls = append(f.calls, key)
	if err := aio.Sleep(ctx, time.Second); err != nil {
		f.ended = append(f.ended, key)
		return "", err
	}
	return fmt.Sprintf("%s%d", key, len(f.calls)), f.fail
}

func (f *fetcher) want(t *testing.T, calls ...string) {
	t.Helper()
	if !slices.Equal(f.calls, calls) {
		t.Errorf("the calls were %q, want %q", f.calls, calls)
	}
}

func wantGet(
	t *testing.T, ctx context.Context, c *aiocache.Cache[string, string], key, want string,
) {
	t.Helper()
	if got, err := c.Get(ctx, key); got != want || err != nil {
		t.Errorf("Get(%q) = %q, %v, want %q", key, got, err, want)
	}
}

func passes(ctx context.Context, n int) {
	for range n {
		_ = aio.Yield(ctx)
	}
}

func TestAValueIsRemembered(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var f fetcher
		c := aiocache.New(f.fetch)
		wantGet(t, ctx, c, "a", "a1")
		wantGet(t, ctx, c, "b", "b2")
		ended, cancel := aio.WithCancelCause(ctx)
		cancel(errReason)
		wantGet(t, ended, c, "a", "a1") // what is there needs no waiting
		f.want(t, "a", "b")
		if got, want := c.String(), "<Cache 2, 0 under way, 1 hits, 2 misses>"; got != want {
			t.Errorf("String gives %q, want %q", got, want)
		}
		return nil
	})
}

func TestThoseWhoAskAtTheSameTimeShareOneCall(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var f fetcher
		c := aiocache.New(f.fetch)
		got, err := aio.Map(ctx, []string{"a", "a", "b", "a"}, c.Get)
		if !slices.Equal(got, []string{"a1", "a1", "b2", "a1"}) &&
			!slices.Equal(got, []string{"a2", "a2", "b2", "a2"}) {
			t.Errorf("got %q", got)
		}
		f.want(t, "a", "b")
		if s := c.Statistics(); s.Misses != 2 || s.Shared != 2 || s.Len != 2 || s.Flights != 0 {
			t.Errorf("the statistics are %+v", s)
		}
		return err
	})
}

func TestACancelledCallerDoesNotCancelTheOthers(t *testing.T) {
	for _, who := range []int{0, 1} { // the one who began the call, the one who joined it
		run(t, func(ctx context.Context) error {
			var f fetcher
			c := aiocache.New(f.fetch)
			get := func(ctx context.Context) (string, error) { return c.Get(ctx, "a") }
			tasks := []*aio.Task[string]{aio.CreateTask(ctx, get), aio.CreateTask(ctx, get)}
			passes(ctx, 2)
			tasks[who].Cancel(errReason)
			passes(ctx, 2)
			if !tasks[who].Cancelled() || tasks[1-who].Done() {
				t.Errorf("the tasks are %v", tasks)
			}
			got, err := tasks[1-who].Await(ctx)
			if got != "a1" {
				t.Errorf("got %q", got)
			}
			wantGet(t, ctx, c, "a", "a1")
			_ = tasks[who].Err()
			return err
		})
	}
}

func TestACallIsCancelledWithTheLastOfItsCallers(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var f fetcher
		c := aiocache.New(f.fetch, aiocache.KeepErrors(time.Hour))
		get := func(ctx context.Context) (string, error) { return c.Get(ctx, "a") }
		first, second := aio.CreateTask(ctx, get), aio.CreateTask(ctx, get)
		passes(ctx, 2)
		first.Cancel(errReason)
		passes(ctx, 2)
		if len(f.ended) != 0 {
			t.Error("the call ended with the first of its callers")
		}
		second.Cancel(errReason)
		_, err := second.Await(ctx)
		if !errors.Is(err, errReason) || !slices.Equal(f.ended, []string{"a"}) {
			t.Errorf("the call ended as %q, its caller with %v", f.ended, err)
		}
		_ = first.Err()
		wantGet(t, ctx, c, "a", "a2") // nothing of it was remembered
		return nil
	})
}

func TestATimeoutOfOneCallerIsItsOwn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var f fetcher
		c := aiocache.New(f.fetch)
		patient := aio.CreateTask(ctx, aio.Bind(c.Get, "a"))
		passes(ctx, 1)
		_, err := aio.WaitFor(ctx, time.Millisecond, aio.Bind(c.Get, "a"))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		v, err := patient.Await(ctx)
		if v != "a1" {
			t.Errorf("got %q", v)
		}
		return err
	})
}

func TestWhoComesWhileACallIsBeingCancelledBeginsAnother(t *testing.T) {
	run(t, func(ctx context.Context) error {
		calls := 0
		c := aiocache.New(func(ctx context.Context, key string) (int, error) {
			calls++
			n := calls
			if err := aio.Sleep(ctx, time.Second); err != nil {
				// takes its time to end
				return 0, errors.Join(err, aio.Sleep(context.WithoutCancel(ctx), time.Hour))
			}
			return n, nil
		})
		leaver := aio.CreateTask(ctx, aio.Bind(c.Get, "a"))
		passes(ctx, 2)
		leaver.Cancel(errReason)
		passes(ctx, 2)
		v, err := c.Get(ctx, "a")
		if v != 2 || leaver.Done() {
			t.Errorf("got %d; the one who left is %v", v, leaver)
		}
		_, _ = leaver.Await(ctx)
		if again, _ := c.Get(ctx, "a"); again != 2 {
			t.Errorf("then %d", again)
		}
		return err
	})
}

func TestErrorsAreNotRememberedUnlessAskedFor(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := fetcher{fail: errBoom}
		c := aiocache.New(f.fetch)
		keeps := aiocache.New(f.fetch, aiocache.KeepErrors(time.Minute))
		for range 2 {
			for _, c := range []*aiocache.Cache[string, string]{c, keeps} {
				if _, err := c.Get(ctx, "a"); err != errBoom {
					t.Errorf("got %v", err)
				}
			}
		}
		f.want(t, "a", "a", "a")
		if _, ok := keeps.Peek("a"); ok {
			t.Error("an error was peeked at as a value")
		}
		_ = aio.Sleep(ctx, time.Minute)
		_, _ = keeps.Get(ctx, "a")
		f.want(t, "a", "a", "a", "a")
		if s := c.Statistics(); s.Errors != 2 || s.Len != 0 {
			t.Errorf("the statistics are %+v", s)
		}
		return nil
	})
}

func TestAValueExpiresByTheLoopsClock(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var f fetcher
		c := aiocache.New(f.fetch, aiocache.TTL(time.Hour))
		wantGet(t, ctx, c, "a", "a1") // takes a second; the hour begins when it is there
		_ = aio.Sleep(ctx, time.Hour-1)
		wantGet(t, ctx, c, "a", "a1")
		_ = aio.Sleep(ctx, 1)
		if _, ok := c.Peek("a"); ok {
			t.Error("an expired value was peeked at")
		}
		wantGet(t, ctx, c, "a", "a2")
		if s := c.Statistics(); s.Expired != 1 {
			t.Errorf("the statistics are %+v", s)
		}
		return nil
	})
}

func TestWhatHasExpiredIsDroppedWhenSomethingIsAdded(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c := aiocache.New(func(_ context.Context, n int) (int, error) { return n, nil },
			aiocache.TTL(time.Minute))
		for i := range 1000 {
			_, _ = c.Get(ctx, i)
			_ = aio.Sleep(ctx, time.Second)
		}
		if c.Len() != 60 {
			t.Errorf("%d values are kept", c.Len())
		}
		return nil
	})
}

func TestTheKeyNotUsedForLongestMakesRoom(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var f fetcher
		c := aiocache.New(f.fetch, aiocache.MaxSize(2))
		for _, key := range []string{"a", "b", "a", "c", "a", "b"} {
			_, _ = c.Get(ctx, key)
		}
		f.want(t, "a", "b", "c", "b")
		if s := c.Statistics(); s.Evicted != 2 || s.Len != 2 {
			t.Errorf("the statistics are %+v", s)
		}
		if !strings.Contains(c.String(), "2 of 2") {
			t.Errorf("String gives %s", c)
		}
		return nil
	})
}

func TestAnInvalidatedKeyIsFetchedAgain(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var f fetcher
		c := aiocache.New(f.fetch)
		for _, key := range []string{"a", "b", "c"} {
			_, _ = c.Get(ctx, key)
		}
		c.Invalidate("a", "missing")
		wantGet(t, ctx, c, "a", "a4")
		wantGet(t, ctx, c, "b", "b2")
		c.Clear()
		if c.Len() != 0 {
			t.Errorf("%d keys are left", c.Len())
		}
		wantGet(t, ctx, c, "b", "b5")
		return nil
	})
}

func TestACallThatWasInvalidatedAnswersThoseWhoWaitAndNobodyElse(t *testing.T) {
	for name, forget := range map[string]func(c *aiocache.Cache[string, string]){
		"Invalidate": func(c *aiocache.Cache[string, string]) { c.Invalidate("a") },
		"Clear":      func(c *aiocache.Cache[string, string]) { c.Clear() },
	} {
		run(t, func(ctx context.Context) error {
			var f fetcher
			c := aiocache.New(f.fetch)
			early := aio.CreateTask(ctx, aio.Bind(c.Get, "a"))
			_ = aio.Sleep(ctx, time.Second/2)
			forget(c)
			wantGet(t, ctx, c, "a", "a2")
			v, err := early.Await(ctx)
			if v != "a2" && v != "a1" || len(f.calls) != 2 {
				t.Errorf("%s: the one who came early got %q", name, v)
			}
			wantGet(t, ctx, c, "a", "a2")
			return err
		})
	}
}

func TestAValueThatWasPutIsNotOverwrittenByACallUnderWay(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var f fetcher
		c := aiocache.New(f.fetch, aiocache.TTL(time.Minute))
		early := aio.CreateTask(ctx, aio.Bind(c.Get, "a"))
		passes(ctx, 2)
		c.Put(ctx, "a", "newer")
		wantGet(t, ctx, c, "a", "newer")
		_, err := early.Await(ctx)
		wantGet(t, ctx, c, "a", "newer")
		_ = aio.Sleep(ctx, time.Minute)
		wantGet(t, ctx, c, "a", "a2")
		return err
	})
}

func TestAPanicIsRaisedInAllCallersAndNotRemembered(t *testing.T) {
	run(t, func(ctx context.Context) error {
		first := true
		c := aiocache.New(func(ctx context.Context, key string) (string, error) {
			if first {
				_ = aio.Yield(ctx)
				first = false
				panic("in the function")
			}
			return "fine", nil
		})
		tasks := []*aio.Task[string]{aio.CreateTask(ctx, aio.Bind(c.Get, "a")),
			aio.CreateTask(ctx, aio.Bind(c.Get, "a"))}
		outcomes, err := aio.GatherSettled(ctx, tasks...)
		for _, o := range outcomes {
			var p *aio.PanicError
			if !errors.As(o.Err, &p) || p.Value != "in the function" {
				t.Errorf("a caller ended with %v", o.Err)
			}
		}
		wantGet(t, ctx, c, "a", "fine")
		return err
	})
}

func TestAFunctionMayAskForOtherKeysButNotForItsOwn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var c *aiocache.Cache[int, int]
		c = aiocache.New(func(ctx context.Context, n int) (int, error) {
			if n < 2 {
				return n, nil
			}
			if n == 50 {
				if err := aio.Yield(ctx); err != nil { // not in its first step
					return 0, err
				}
			}
			if n == 100 || n == 50 {
				return c.Get(ctx, n)
			}
			a, err1 := c.Get(ctx, n-1)
			b, err2 := c.Get(ctx, n-2)
			return a + b, errors.Join(err1, err2)
		})
		if v, err := c.Get(ctx, 40); v != 102334155 || err != nil {
			t.Errorf("got %d, %v", v, err)
		}
		for _, n := range []int{50, 100} {
			func() {
				defer func() {
					if v := recover(); !strings.Contains(fmt.Sprint(v), "would wait for itself") {
						t.Errorf("%d: it panicked with %.100v", n, v)
					}
				}()
				_, _ = c.Get(ctx, n)
			}()
		}
		return nil
	})
}

func TestFunctionsThatAskForEachOthersKeysAreFound(t *testing.T) {
	var c *aiocache.Cache[int, int]
	c = aiocache.New(func(ctx context.Context, n int) (int, error) { return c.Get(ctx, 1-n) })
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		_, err := c.Get(ctx, 0)
		return err
	}, aio.WithClock(aio.NewVirtualClock()), aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {}))
	var deadlock *aio.DeadlockError
	if !errors.As(err, &deadlock) {
		t.Fatalf("got %v", err)
	}
}

func TestAGetDoesNotWaitForAFunctionThatDoesNot(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c := aiocache.New(func(_ context.Context, n int) (int, error) { return n * n, nil })
		other := aio.Start(ctx, func(ctx context.Context) error { return errors.New("ran too early") })
		if v, err := c.Get(ctx, 7); v != 49 || err != nil || other.Done() {
			t.Errorf("got %d, %v", v, err)
		}
		_ = aio.Yield(ctx)
		_ = other.Err()
		return nil
	})
}

func TestTheCallHasTheValuesOfTheFirstCallersContext(t *testing.T) {
	type key struct{}
	run(t, func(ctx context.Context) error {
		c := aiocache.New(func(ctx context.Context, _ int) (any, error) { return ctx.Value(key{}), nil })
		v, err := c.Get(context.WithValue(ctx, key{}, "mine"), 1)
		if v != "mine" {
			t.Errorf("got %v", v)
		}
		return err
	})
}

func TestACacheServesOneLoopAfterTheOther(t *testing.T) {
	var f fetcher
	forEver, limited := aiocache.New(f.fetch), aiocache.New(f.fetch, aiocache.TTL(1000*time.Hour))
	for range 2 {
		run(t, func(ctx context.Context) error {
			_, err1 := forEver.Get(ctx, "a")
			_, err2 := limited.Get(ctx, "b")
			return errors.Join(err1, err2)
		})
	}
	f.want(t, "a", "b", "b") // times of another clock mean nothing

	run(t, func(ctx context.Context) error {
		_, _ = forEver.Get(ctx, "a")
		_, err := aio.ToThread(ctx, func(context.Context) (int, error) {
			return 0, aio.Run(context.Background(), func(ctx context.Context) error {
				defer func() {
					if v := recover(); !strings.Contains(fmt.Sprint(v), "another loop") {
						t.Errorf("it panicked with %v", v)
					}
				}()
				_, _ = forEver.Get(ctx, "a")
				return nil
			})
		})
		return err
	})
}

func TestMisusePanics(t *testing.T) {
	for _, fn := range []func(){
		func() { aiocache.New[int, int](nil) },
		func() { aiocache.MaxSize(0) },
		func() { aiocache.TTL(0) },
		func() { aiocache.KeepErrors(-1) },
	} {
		func() {
			defer func() {
				if v := recover(); !strings.HasPrefix(fmt.Sprint(v), "aiocache: ") {
					t.Errorf("it panicked with %v", v)
				}
			}()
			fn()
		}()
	}
}

// dice lets the loop take what is ready in random order.
type dice struct{ *rand.Rand }

func (d dice) Choose(_ aio.Choice, n int) int { return d.IntN(n) }

// In any order, with callers that come, give up and are cancelled: there is never more than one
// call for a key that somebody still wants, nobody gets a value of another key or one older than
// the limit, and at the end nothing is left.
func TestOneFlightAKeyInAnyOrder(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 3))
		run(t, func(ctx context.Context) error {
			loop := aio.RunningLoop(ctx)
			wanted := map[int]int{} // callers that wait, by key
			flying := map[int]int{} // calls that were not cancelled, by key
			c := aiocache.New(func(ctx context.Context, key int) ([2]int64, error) {
				flying[key]++
				defer func() { flying[key]-- }()
				if flying[key] > 1 {
					t.Errorf("seed %d: two calls for %d", seed, key)
				}
				if err := aio.Sleep(ctx, time.Duration(r.IntN(3000))*time.Millisecond); err != nil {
					return [2]int64{}, err
				}
				if wanted[key] == 0 {
					t.Errorf("seed %d: a call for %d went on for nobody", seed, key)
				}
				if r.IntN(5) == 0 {
					return [2]int64{}, errBoom
				}
				return [2]int64{int64(key), loop.Time().UnixNano()}, nil
			}, aiocache.MaxSize(3), aiocache.TTL(4*time.Second))
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				for range 60 {
					key := r.IntN(5)
					task := g.Go(func(ctx context.Context) error {
						_ = aio.Sleep(ctx, time.Duration(r.IntN(8000))*time.Millisecond)
						if ctx.Err() != nil {
							return ctx.Err()
						}
						wanted[key]++
						defer func() { wanted[key]-- }()
						v, err := c.Get(ctx, key)
						if err == nil && (v[0] != int64(key) || loop.Time().UnixNano()-v[1] >= int64(4*time.Second)) {
							t.Errorf("seed %d: got %v for %d", seed, v, key)
						}
						if err != nil && err != errBoom && !errors.Is(err, context.Canceled) {
							t.Errorf("seed %d: %v", seed, err)
						}
						return nil
					})
					if r.IntN(3) == 0 {
						loop.CallLater(time.Duration(r.IntN(8000))*time.Millisecond, func() {
							task.Cancel(errReason)
						})
					}
				}
				return nil
			})
		}, aio.WithChooser(dice{r}))
	}
}

func TestAHitAllocatesNothing(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c := aiocache.New(func(_ context.Context, n int) (int, error) { return n, nil },
			aiocache.MaxSize(10), aiocache.TTL(time.Hour))
		_, _ = c.Get(ctx, 1)
		if n := testing.AllocsPerRun(100, func() { _, _ = c.Get(ctx, 1) }); n != 0 {
			t.Errorf("a hit makes %v allocations", n)
		}
		return nil
	})
}

// The text names the call in the program, and not what is below it.
func TestAContextWithoutALoopIsMisuseOfTheCall(t *testing.T) {
	defer func() {
		if v := fmt.Sprint(recover()); !strings.Contains(v, "aiocache.Cache.Get: no running event loop") {
			t.Errorf("the panic is %q", v)
		}
	}()
	aiocache.New(func(context.Context, int) (int, error) {
		return 0, nil
	}).Get(context.Background(), 1)
}

// A map takes such keys, and never gives them back.
func TestAKeyThatIsNotEqualToItselfIsNotRemembered(t *testing.T) {
	nan := math.NaN()
	type place struct {
		name string
		at   [2]float64
	}
	t.Run("a float", func(t *testing.T) { unequal(t, nan) })
	t.Run("a complex number", func(t *testing.T) { unequal(t, complex(1, nan)) })
	t.Run("an array", func(t *testing.T) { unequal(t, [2]float64{1, nan}) })
	t.Run("a struct", func(t *testing.T) { unequal(t, place{"here", [2]float64{nan, 0}}) })
	t.Run("an interface", func(t *testing.T) { unequal(t, any(nan)) })
	t.Run("a struct in an interface", func(t *testing.T) {
		unequal(t, any(place{at: [2]float64{0, nan}}))
	})
}

func unequal[K comparable](t *testing.T, key K) {
	run(t, func(ctx context.Context) error {
		calls := 0
		fail := false
		c := aiocache.New(func(ctx context.Context, _ K) (int, error) {
			calls++
			n := calls
			if n%2 == 0 {
				if err := aio.Yield(ctx); err != nil {
					return 0, err
				}
			}
			if fail {
				return 0, errors.New("no")
			}
			return n, nil
		}, aiocache.MaxSize(3), aiocache.TTL(time.Hour), aiocache.KeepErrors(time.Hour))
		for range 20 {
			n, err := c.Get(ctx, key)
			if n != calls || err != nil {
				t.Fatalf("call %d: %d, %v", calls, n, err)
			}
			c.Put(ctx, key, 7)
			if _, ok := c.Peek(key); ok {
				t.Fatal("it is remembered")
			}
			c.Invalidate(key)
		}
		fail = true
		for range 4 {
			if _, err := c.Get(ctx, key); err == nil {
				t.Error("no error")
			}
		}
		task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return c.Get(ctx, key) })
		task.Cancel(nil)
		_, _ = task.Await(ctx)
		if s := c.Statistics(); s.Len != 0 || s.Flights != 0 || s.Evicted != 0 || c.Len() != 0 {
			t.Errorf("the statistics are %+v", s)
		}
		return nil
	})
}

func TestDebugModeRefusesOperationsOfOtherGoroutines(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		c := aiocache.New(func(_ context.Context, n int) (int, error) { return n, nil })
		c.Get(ctx, 1)
		for op, call := range map[string]func(){
			"Cache.Get":        func() { c.Get(ctx, 1) },
			"Cache.Put":        func() { c.Put(ctx, 1, 2) },
			"Cache.Peek":       func() { c.Peek(1) },
			"Cache.Invalidate": func() { c.Invalidate(1) },
			"Cache.Clear":      c.Clear,
		} {
			v := make(chan any)
			go func() {
				defer func() { v <- recover() }()
				call()
			}()
			want := "aio: " + op + ": called from a goroutine that is not the loop's"
			if got := fmt.Sprint(<-v); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s", op, got)
			}
		}
		return nil
	}, aio.WithDebug(true))
	if err != nil {
		t.Error(err)
	}
}
