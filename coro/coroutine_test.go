package coro_test

import (
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/aio-go/aio/coro"
)

// counter yields start, start+1, and so on; what it is sent is added.
func counter(yield coro.Yield[int, int], start int) (string, error) {
	for n := start; ; n++ {
		add, err := yield(n)
		if err != nil {
			return fmt.Sprintf("stopped at %d", n), err
		}
		n += add
	}
}

func TestNewRunsNothing(t *testing.T) {
	ran := false
	c := coro.New(func(coro.Yield[int, int], int) (int, error) {
		ran = true
		return 0, nil
	})
	if ran || c.Status() != coro.Created {
		t.Fatalf("ran = %v, status = %v after New", ran, c.Status())
	}
	if _, err := c.Result(); err != coro.ErrUnfinished {
		t.Fatalf("the result of a coroutine that was not started is %v", err)
	}
	if err := c.Close(); err != nil || ran || c.Status() != coro.Finished {
		t.Fatalf("Close = %v, ran = %v, status = %v", err, ran, c.Status())
	}
	if _, err := c.Result(); err != coro.ErrClosed {
		t.Fatalf("the result after Close is %v", err)
	}
}

func TestValuesGoInAndOut(t *testing.T) {
	c := coro.New(counter)
	defer c.Close()
	var got []int
	for _, v := range []int{10, 0, 0, 5} {
		out, ok := c.Send(v)
		if !ok {
			t.Fatal("it ended")
		}
		got = append(got, out)
	}
	if out, ok := c.Resume(); ok {
		got = append(got, out)
	}
	if want := []int{10, 11, 12, 18, 19}; !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestTheStatusFollowsTheLifeOfACoroutine(t *testing.T) {
	var inside coro.Status
	var c *coro.Coroutine[int, int, int]
	c = coro.New(func(yield coro.Yield[int, int], _ int) (int, error) {
		inside = c.Status()
		yield(1)
		return 7, nil
	})
	states := []coro.Status{c.Status()}
	c.Resume()
	states = append(states, inside, c.Status())
	out, ok := c.Resume()
	states = append(states, c.Status())
	if got, want := fmt.Sprint(states), "[created running suspended finished]"; got != want {
		t.Fatalf("the states are %s, want %s", got, want)
	}
	if out != 0 || ok {
		t.Fatalf("the last step gives %d, %v", out, ok)
	}
	if v, err := c.Result(); v != 7 || err != nil {
		t.Fatalf("the result is %d, %v", v, err)
	}
	if _, ok := c.Send(1); ok {
		t.Fatal("a finished coroutine went on")
	}
	if err := c.Close(); err != nil {
		t.Fatalf("Close of a finished coroutine: %v", err)
	}
	if v, err := c.Result(); v != 7 || err != nil {
		t.Fatalf("Close changed the result to %d, %v", v, err)
	}
}

func TestAnErrorOfTheBodyIsTheResult(t *testing.T) {
	failure := errors.New("no luck")
	c := coro.New(func(coro.Yield[int, int], int) (int, error) { return 3, failure })
	if _, ok := c.Resume(); ok {
		t.Fatal("it yielded")
	}
	if v, err := c.Result(); v != 3 || err != failure {
		t.Fatalf("the result is %d, %v", v, err)
	}
}

func TestThrowComesOutOfTheYield(t *testing.T) {
	failure := errors.New("thrown")
	c := coro.New(func(yield coro.Yield[string, string], _ string) (string, error) {
		_, err := yield("first")
		v, err2 := yield("caught " + err.Error())
		return v, err2
	})
	c.Resume()
	if out, ok := c.Throw(failure); out != "caught thrown" || !ok {
		t.Fatalf("Throw gives %q, %v", out, ok)
	}
	c.Send("last")
	if v, err := c.Result(); v != "last" || err != nil {
		t.Fatalf("the result is %q, %v", v, err)
	}
}

func TestThrowBeforeTheStartKeepsTheBodyFromRunning(t *testing.T) {
	failure, ran := errors.New("thrown"), false
	c := coro.New(func(coro.Yield[int, int], int) (int, error) {
		ran = true
		return 0, nil
	})
	if _, ok := c.Throw(failure); ok || ran {
		t.Fatalf("Throw gives %v, ran = %v", ok, ran)
	}
	if _, err := c.Result(); err != failure {
		t.Fatalf("the result is %v", err)
	}
}

func TestCloseRunsDeferredFunctionsOfASuspendedBody(t *testing.T) {
	var log []string
	c := coro.New(func(yield coro.Yield[int, int], _ int) (int, error) {
		defer func() { log = append(log, "deferred") }()
		_, err := yield(1)
		log = append(log, err.Error())
		return 0, err
	})
	c.Resume()
	if err := c.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if want := []string{"coro: closed", "deferred"}; !slices.Equal(log, want) {
		t.Fatalf("the body saw %v, want %v", log, want)
	}
	if _, err := c.Result(); err != coro.ErrClosed {
		t.Fatalf("the result is %v", err)
	}
	if err := c.Close(); err != nil {
		t.Fatalf("a second Close: %v", err)
	}
}

func TestCloseReturnsTheErrorOfTheCleanup(t *testing.T) {
	failure := errors.New("cannot clean up")
	c := coro.New(func(yield coro.Yield[int, int], _ int) (int, error) {
		yield(1)
		return 0, failure
	})
	c.Resume()
	if err := c.Close(); err != failure {
		t.Fatalf("Close: %v", err)
	}

	wrapped := coro.New(func(yield coro.Yield[int, int], _ int) (int, error) {
		_, err := yield(1)
		return 0, fmt.Errorf("reading: %w", err)
	})
	wrapped.Resume()
	if err := wrapped.Close(); err != nil {
		t.Fatalf("Close of a body that passes ErrClosed on, wrapped: %v", err)
	}
}

func TestABodyThatKeepsYieldingAfterErrClosedIsEnded(t *testing.T) {
	var log []string
	c := coro.New(func(yield coro.Yield[int, int], _ int) (int, error) {
		defer func() {
			log = append(log, "deferred")
			yield(-1) // also a yield
			log = append(log, "never")
		}()
		for {
			if _, err := yield(1); err != nil {
				log = append(log, "ignored")
			}
		}
	})
	c.Resume()
	if err := c.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if want := []string{"ignored", "deferred"}; !slices.Equal(log, want) {
		t.Fatalf("the body did %v, want %v", log, want)
	}
	if _, err := c.Result(); err != coro.ErrClosed || c.Status() != coro.Finished {
		t.Fatalf("the result is %v, the status %v", err, c.Status())
	}
}

func TestARecoverCannotKeepABodyAliveThatIsBeingClosed(t *testing.T) {
	rounds := 0
	c := coro.New(func(yield coro.Yield[int, int], _ int) (int, error) {
		for {
			func() {
				defer func() { _ = recover() }()
				yield(1)
				rounds++
			}()
		}
	})
	c.Resume()
	c.Close()
	if rounds != 1 || c.Status() != coro.Finished {
		t.Fatalf("%d rounds, status %v", rounds, c.Status())
	}
}

func TestAPanicIsContainedWithItsStack(t *testing.T) {
	cause := errors.New("broken")
	c := coro.New(func(yield coro.Yield[int, int], _ int) (int, error) {
		yield(1)
		return explode(cause)
	})
	c.Resume()
	if _, ok := c.Resume(); ok {
		t.Fatal("it went on after the panic")
	}
	_, err := c.Result()
	var p *coro.PanicError
	if !errors.As(err, &p) || p.Value != cause || !errors.Is(err, cause) {
		t.Fatalf("the result is %v", err)
	}
	if !strings.Contains(string(p.Stack), "coro_test.explode") {
		t.Fatalf("the stack does not show the function that panicked:\n%s", p.Stack)
	}
	if err.Error() != "panic: broken" {
		t.Fatalf("the message is %q", err)
	}
	if text := fmt.Sprintf("%+v", err); !strings.HasPrefix(text, "panic: broken\n\ngoroutine ") ||
		!strings.Contains(text, "coro_test.explode") {
		t.Fatalf("with its stack it prints as %q", text)
	}
}

func explode(v any) (int, error) { panic(v) }

func TestAGoexitEndsTheCoroutineOnly(t *testing.T) {
	deferred := 0
	for range 100 {
		c := coro.New(func(yield coro.Yield[int, int], _ int) (int, error) {
			defer func() { deferred++ }()
			yield(1)
			runtime.Goexit()
			return 0, nil
		})
		c.Resume()
		if _, ok := c.Resume(); ok {
			t.Fatal("it went on after the Goexit")
		}
		var exit *coro.GoexitError
		if _, err := c.Result(); !errors.As(err, &exit) || !strings.Contains(err.Error(), "t.Fatal") {
			t.Fatalf("the result is %v", err)
		}
	}
	if deferred != 100 {
		t.Fatalf("%d deferred functions ran", deferred)
	}
}

func TestADeferredFunctionMayYieldDuringAGoexitOrAPanic(t *testing.T) {
	for _, end := range []func(){runtime.Goexit, func() { panic("boo") }} {
		c := coro.New(func(yield coro.Yield[int, string], _ int) (int, error) {
			defer yield("from a deferred function")
			end()
			return 0, nil
		})
		if out, ok := c.Resume(); out != "from a deferred function" || !ok {
			t.Fatalf("got %q, %v", out, ok)
		}
		if _, ok := c.Resume(); ok {
			t.Fatal("it went on")
		}
		if _, err := c.Result(); err == nil {
			t.Fatal("no error")
		}
	}
}

func TestCoroutinesMayBeDrivenByCoroutines(t *testing.T) {
	inner := coro.New(counter)
	outer := coro.New(func(yield coro.Yield[int, int], start int) (int, error) {
		defer inner.Close()
		for v, ok := inner.Send(start); ok; v, ok = inner.Resume() {
			if _, err := yield(v * 10); err != nil {
				return 0, err
			}
		}
		return 0, nil
	})
	a, _ := outer.Send(1)
	b, _ := outer.Resume()
	if err := outer.Close(); err != nil || a != 10 || b != 20 {
		t.Fatalf("got %d, %d, %v", a, b, err)
	}
	if v, err := inner.Result(); v != "stopped at 2" || err != coro.ErrClosed {
		t.Fatalf("the inner one ended with %q, %v", v, err)
	}
}

func TestABodyMayYieldFromAnIteratorThatItDrives(t *testing.T) {
	c := coro.New(func(yield coro.Yield[int, int], _ int) (int, error) {
		next, stop := iter.Pull(func(more func(int) bool) {
			for i := 0; ; i++ {
				if _, err := yield(i); err != nil || !more(i) {
					return
				}
			}
		})
		defer stop()
		sum := 0
		for v, ok := next(); ok && sum < 3; v, ok = next() {
			sum += v
		}
		return sum, nil
	})
	for range 4 {
		c.Resume()
	}
	if _, ok := c.Resume(); ok {
		t.Fatal("still going")
	}
	if v, err := c.Result(); v != 3 || err != nil {
		t.Fatalf("the result is %d, %v", v, err)
	}
}

func TestTwentyThousandCoroutinesLiveAtTheSameTime(t *testing.T) {
	const n = 20_000
	pool := &coro.Pool{Max: 100}
	defer pool.Close()
	all := make([]*coro.Coroutine[int, int, string], n)
	for i := range all {
		all[i] = coro.NewFrom(pool, counter)
		all[i].Send(i)
	}
	for round := 1; round <= 2; round++ {
		for i, c := range all {
			if v, ok := c.Resume(); v != i+round || !ok {
				t.Fatalf("coroutine %d yields %d, %v in round %d", i, v, ok, round)
			}
		}
	}
	for _, c := range all {
		c.Close()
	}
	if pool.Idle() != 100 {
		t.Fatalf("the pool keeps %d stacks, want its maximum of 100", pool.Idle())
	}
}

// panicOf returns what fn panics with.
func panicOf(fn func()) (v any) {
	defer func() { v = recover() }()
	fn()
	return nil
}

func TestMisuseOfACoroutinePanicsNamingTheOperation(t *testing.T) {
	var self *coro.Coroutine[int, int, int]
	var leaked coro.Yield[int, int]
	var inside []any
	self = coro.New(func(yield coro.Yield[int, int], _ int) (int, error) {
		leaked = yield
		inside = append(inside,
			panicOf(func() { self.Send(1) }),
			panicOf(func() { self.Throw(errors.New("x")) }),
			panicOf(func() { self.Close() }))
		v, err := yield(5)
		return v, err
	})
	if v, ok := self.Resume(); v != 5 || !ok {
		t.Fatalf("misuse that was recovered from broke the coroutine: %d, %v", v, ok)
	}
	leakedWhileSuspended := panicOf(func() { leaked(1) })
	self.Send(8)
	if v, err := self.Result(); v != 8 || err != nil {
		t.Fatalf("the result is %d, %v", v, err)
	}
	for _, c := range []struct {
		name string
		got  any
		want string
	}{
		{"Send from inside", inside[0], "coro: Send: the coroutine is already running"},
		{"Throw from inside", inside[1], "coro: Throw: the coroutine is already running"},
		{"Close from inside", inside[2], "coro: Close: the coroutine is already running"},
		{"yield from outside", leakedWhileSuspended, "coro: yield: the coroutine is not running"},
		{"yield after the end", panicOf(func() {
			leaked(1)
		}), "coro: yield: the coroutine is not running"},
		{"a nil body", panicOf(func() { coro.New[int, int, int](nil) }), "coro: New: the body is nil"},
		{"a nil error", panicOf(func() { self.Throw(nil) }), "coro: Throw: the error is nil"},
	} {
		if s, _ := c.got.(string); !strings.HasPrefix(s, c.want) {
			t.Errorf("%s panics with %v, want %q", c.name, c.got, c.want)
		}
	}
}

// twisted is an error of a user that turns on its callers and wraps itself.
type twisted struct{}

func (e *twisted) Error() string { return "twisted" }
func (e *twisted) Unwrap() error { return e }
func (e *twisted) Is(error) bool { panic("Is") }

func TestCloseAsksTheErrorOfTheBodyWithCare(t *testing.T) {
	c := coro.New(func(yield coro.Yield[int, int], n int) (int, error) {
		yield(n)
		return 0, &twisted{}
	})
	c.Send(1)
	if err := c.Close(); err == nil || err.Error() != "twisted" {
		t.Errorf("Close: %v", err)
	}
}
