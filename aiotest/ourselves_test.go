package aiotest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiocache"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/executor"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// The library is explored with simple users, of which one is cancelled at each of its awaits, and
// compared with simple models. The budget is small: it is for every day.
func exploreOurselves(
	t *testing.T,
	fn func(ctx context.Context, t *aiotest.T) error,
	opts ...aiotest.Option,
) {
	t.Helper()
	aiotest.Explore(
		t,
		fn,
		append(
			[]aiotest.Option{aiotest.CancelEachAwait("user *"), aiotest.Schedules(600)},
			opts...)...)
}

// users starts n tasks that may be cancelled, and waits for all. An error that is neither allowed
// nor a cancellation fails the run.
func users(
	ctx context.Context,
	t *aiotest.T,
	n int,
	fn func(ctx context.Context, i int) error,
	allowed ...error,
) error {
	tasks := make([]*aio.Task[aio.None], n)
	for i := range tasks {
		tasks[i] = aio.Start(
			ctx,
			func(ctx context.Context) error { return fn(ctx, i) },
			aio.Name(fmt.Sprint("user ", i)),
		)
	}
	outcomes, err := aio.GatherSettled[aio.None](ctx, tasks...)
	for i, o := range outcomes {
		ok := o.Err == nil || errors.Is(o.Err, context.Canceled)
		for _, a := range allowed {
			ok = ok || errors.Is(o.Err, a)
		}
		if !ok {
			t.Errorf("user %d: %v", i, o.Err)
		}
	}
	return err
}

func isLate(err error) bool {
	var late *aio.TimeoutError
	return errors.As(err, &late)
}

var errBoom = errors.New("boom")

func TestAnExploredBarrierLetsAllOrNoneThrough(t *testing.T) {
	exploreOurselves(t, func(ctx context.Context, t *aiotest.T) error {
		b := aiosync.NewBarrier(2)
		through := map[int]int{}
		err := users(ctx, t, 4, func(ctx context.Context, _ int) error {
			err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
				index, err := b.Wait(ctx)
				if err == nil {
					through[index]++
				}
				return err
			})
			if isLate(err) {
				return nil
			}
			return err
		}, aiosync.ErrBrokenBarrier)
		if d := through[0] - through[1]; d < -1 || d > 1 ||
			b.Waiting() != 0 { // one may be cancelled when it is through
			t.Errorf("through %v, %v", through, b)
		}
		return err
	})
}

func TestAnExploredGroupLeavesNobodyBehind(t *testing.T) {
	exploreOurselves(t, func(ctx context.Context, t *aiotest.T) error {
		return users(ctx, t, 2, func(ctx context.Context, i int) error {
			running := 0
			err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				for n := range 3 {
					g.Go(func(ctx context.Context) error {
						running++
						defer func() { running-- }()
						if err := aio.Yield(ctx); err != nil {
							return err
						}
						if i == 0 && n == 1 {
							return errBoom
						}
						return aio.Yield(ctx)
					})
				}
				return aio.Yield(ctx)
			})
			if running != 0 {
				t.Errorf("%d children are left", running)
			}
			if i == 0 && err == nil {
				t.Error("the error is lost")
			}
			return err
		}, errBoom)
	})
}

func TestAnExploredGatherKeepsTheOrderAndCancelsItsChildren(t *testing.T) {
	exploreOurselves(t, func(ctx context.Context, t *aiotest.T) error {
		return users(ctx, t, 1, func(ctx context.Context, _ int) error {
			child := func(n int) *aio.Task[int] {
				return aio.CreateTask(
					ctx,
					func(ctx context.Context) (int, error) { return n, aio.Yield(ctx) },
				)
			}
			a, b := child(1), child(2)
			got, err := aio.Gather[int](ctx, a, b)
			if err == nil && fmt.Sprint(got) != "[1 2]" || !a.Done() || !b.Done() {
				t.Errorf("got %v, %v; %v, %v", got, err, a, b)
			}
			return err
		})
	})
}

func TestAnExploredShieldProtects(t *testing.T) {
	exploreOurselves(t, func(ctx context.Context, t *aiotest.T) error {
		written := 0
		inner := aio.Start(ctx, func(ctx context.Context) error {
			err := aio.Sleep(ctx, time.Second)
			if err == nil {
				written++
			}
			return err
		})
		err := users(ctx, t, 2, func(ctx context.Context, _ int) error {
			_, err := aio.Shield[aio.None](ctx, inner)
			if err == nil && written != 1 {
				t.Error("Shield has returned before the task has ended")
			}
			return err
		})
		if err != nil {
			return err
		}
		if _, err := inner.Await(ctx); !inner.Cancelled() {
			return err
		}
		return nil // the test has cancelled the inner task itself
	})
}

func TestAnExploredTimeoutTellsWhoseItWas(t *testing.T) {
	exploreOurselves(t, func(ctx context.Context, t *aiotest.T) error {
		return users(ctx, t, 2, func(ctx context.Context, _ int) error {
			done := false
			err := aio.Timeout(ctx, 2*time.Second, func(ctx context.Context) error {
				err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
					err := aio.Sleep(ctx, time.Second)
					done = err == nil
					return err
				})
				if err == nil != done {
					t.Errorf("done is %t, but the time-out says %v", done, err)
				}
				if isLate(err) {
					return aio.Sleep(ctx, time.Second)
				}
				return err
			})
			if err != nil && !isLate(err) && !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if isLate(err) {
				return nil
			}
			return err
		})
	})
}

func TestExploredWaitsLeaveTheTasksAlone(t *testing.T) {
	exploreOurselves(t, func(ctx context.Context, t *aiotest.T) error {
		work := func(d time.Duration) *aio.Task[aio.None] {
			return aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, d) })
		}
		tasks := []*aio.Task[aio.None]{work(time.Second), work(time.Second), work(2 * time.Second)}
		err := users(ctx, t, 2, func(ctx context.Context, i int) error {
			if i == 0 {
				done, pending, err := aio.Wait(ctx, aio.FirstCompleted, tasks...)
				if err == nil && (len(done) == 0 || len(done)+len(pending) != 3) {
					t.Errorf("%d done, %d pending", len(done), len(pending))
				}
				for _, x := range done {
					if !x.Done() {
						t.Error("a task that goes on is among those that are done")
					}
				}
				return err
			}
			seen := map[*aio.Task[aio.None]]bool{}
			for x, err := range aio.AsCompleted(ctx, tasks...) {
				if err != nil {
					return err
				}
				if !x.Done() || seen[x] {
					t.Errorf("%v, seen %t", x, seen[x])
				}
				seen[x] = true
			}
			if len(seen) != 3 {
				t.Errorf("%d tasks came", len(seen))
			}
			return nil
		})
		if err != nil {
			return err
		}
		outcomes, err := aio.GatherSettled[aio.None](ctx, tasks...)
		lost := 0
		for _, o := range outcomes {
			if o.Err != nil {
				lost++
			}
		}
		if lost > 1 { // the test cancels one at most
			t.Errorf("%d tasks were cancelled", lost)
		}
		return err
	})
}

func TestAnExploredBroadcastReachesEachSubscriberInOrder(t *testing.T) {
	exploreOurselves(t, func(ctx context.Context, t *aiotest.T) error {
		b := aiosync.NewBroadcast[int](8)
		subs := []*aiosync.Subscription[int]{b.Subscribe(), b.Subscribe()}
		return users(ctx, t, 3, func(ctx context.Context, i int) error {
			if i == 2 {
				defer b.Close()
				for n := range 4 {
					b.Send(n)
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
				return nil
			}
			want := 0
			for v, err := range subs[i].All(ctx) {
				if err != nil {
					return err
				}
				if v != want {
					t.Errorf("got %d, want %d", v, want)
				}
				want++
			}
			return nil
		})
	})
}

func TestAnExploredRateLimiterKeepsItsRate(t *testing.T) {
	exploreOurselves(t, func(ctx context.Context, t *aiotest.T) error {
		l := aiosync.NewRateLimiter(2, time.Second)
		var calls []time.Time
		err := users(ctx, t, 5, func(ctx context.Context, _ int) error {
			if err := l.Acquire(ctx); err != nil {
				return err
			}
			calls = append(calls, aio.RunningLoop(ctx).Time())
			return nil
		})
		if w := l.Statistics().Waiting; w != 0 {
			t.Errorf("%d still wait", w)
		}
		for i := 2; i < len(calls); i++ {
			if d := calls[i].Sub(calls[i-2]); d < 400*time.Millisecond {
				t.Errorf("three calls within %v", d)
			}
		}
		return err
	}, aiotest.Lateness(0))
}

func TestExploredStreamsLoseNoByte(t *testing.T) {
	text := []byte("the quick brown fox jumps over the lazy dog")
	exploreOurselves(t, func(ctx context.Context, t *aiotest.T) error {
		net := &memory{room: 7}
		ctx = transport.WithNetwork(ctx, net)
		var got []byte
		whole, sent, ended := false, false, aio.NewFuture[aio.None](ctx)
		server, err := stream.Serve(
			ctx,
			"tcp",
			"10.0.0.1:80",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				defer ended.SetResult(aio.None{})
				p := make([]byte, 5)
				for {
					n, err := r.Read(ctx, p)
					got = append(got, p[:n]...)
					if err == io.EOF {
						whole = true
						return nil
					}
					if err != nil {
						return err
					}
				}
			},
		)
		if err != nil {
			return err
		}
		defer server.Close()
		err = users(ctx, t, 1, func(ctx context.Context, _ int) error {
			_, w, err := stream.Open(ctx, "tcp", "10.0.0.1:80")
			if err != nil {
				return err
			}
			defer w.Close()
			for part := text; len(part) > 0; part = part[min(9, len(part)):] {
				if _, err := w.Write(part[:min(9, len(part))]); err != nil {
					return err
				}
				if err := w.Drain(ctx); err != nil {
					return err
				}
			}
			sent = true
			return nil
		})
		if err != nil || !sent {
			return err
		}
		if _, err := ended.Await(ctx); err != nil {
			return err
		}
		if string(got) != string(text[:len(got)]) || whole && len(got) != len(text) {
			t.Errorf("got %q, whole %t", got, whole)
		}
		return nil
	}, aiotest.AllowLeaks())
}

func TestAnExploredCacheLoadsOnce(t *testing.T) {
	exploreOurselves(t, func(ctx context.Context, t *aiotest.T) error {
		loading, loads, got := 0, 0, 0
		c := aiocache.New(func(ctx context.Context, key string) (int, error) {
			loading++
			defer func() { loading-- }()
			loads++
			return 5, aio.Sleep(ctx, time.Second)
		})
		err := users(ctx, t, 3, func(ctx context.Context, _ int) error {
			v, err := c.Get(ctx, "a")
			if err == nil {
				if got++; v != 5 {
					t.Errorf("got %d", v)
				}
			}
			return err
		})
		// if the only one who waits is cancelled, the next one loads anew
		if loading != 0 || c.Statistics().Flights != 0 || got < 2 || loads > 4-got {
			t.Errorf("%d got it, %d loads, %d still load, %v", got, loads, loading, c)
		}
		return err
	})
}

func TestAnExploredClientKeepsItsLimits(t *testing.T) {
	exploreOurselves(t, func(ctx context.Context, t *aiotest.T) error {
		serving, asking := map[string]bool{}, map[string]bool{} // by path
		handler := aiohttp.HandlerFunc(
			func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
				serving[r.URL.Path] = true
				defer delete(serving, r.URL.Path)
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
				_, err := io.WriteString(w, "hello")
				return err
			},
		)
		c := &aiohttp.Client{Transport: aiohttp.Direct(handler), Limit: 2}
		defer c.Close()
		// the server learns of a cancelled request later
		t.Always("at most two requests whose callers still wait are served", func() bool {
			n := 0
			for path := range serving {
				if asking[path] {
					n++
				}
			}
			return n <= 2
		})
		answers := 0
		err := users(ctx, t, 4, func(ctx context.Context, i int) error {
			path := fmt.Sprint("/", i)
			asking[path] = true
			defer delete(asking, path)
			r, err := c.Get(ctx, "http://host"+path)
			if err != nil {
				return err
			}
			defer r.Close()
			text, err := r.Text(ctx)
			if err == nil {
				if answers++; text != "hello" {
					t.Errorf("got %q", text)
				}
			}
			return err
		})
		if s := c.Statistics(); s.UnderWay != 0 || s.Waiting != 0 || s.Open != 0 || answers < 3 {
			t.Errorf("%d answers, %+v", answers, s)
		}
		return err
	}, aiotest.AllowLeaks(), aiotest.Schedules(300))
}

var double = executor.Register(
	"explored double",
	func(_ context.Context, n int) (int, error) { return 2 * n, nil },
)

func TestExploredThreadsOfAnExecutorKeepTheirLimit(t *testing.T) {
	exploreOurselves(t, func(ctx context.Context, t *aiotest.T) error {
		threads := executor.NewThreads(1)
		ctx = executor.With(ctx, threads)
		answers := 0
		err := users(ctx, t, 3, func(ctx context.Context, i int) error {
			got, err := double.Run(ctx, i)
			if err == nil {
				if answers++; got != 2*i {
					t.Errorf("twice %d is %d", i, got)
				}
			}
			return err
		})
		if s := threads.Statistics(); answers < 2 || s.Running > 3-answers || s.Waiting != 0 {
			t.Errorf("%d answers, %+v", answers, s) // what a cancelled user has begun goes on
		}
		return err
	}, aiotest.Schedules(200))
}
