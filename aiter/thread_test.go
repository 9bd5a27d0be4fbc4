package aiter_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiter"
)

func TestFromThreadYieldsTheValuesOfABodyThatBlocksThenItsError(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for _, n := range []int{0, 1, 5} {
			for _, end := range []error{nil, errBoom} {
				seq := aiter.FromThread(ctx, n, func(_ context.Context, yield func(int) bool) error {
					for i := range 100 {
						if !yield(i) {
							t.Error("a value was refused")
						}
					}
					return end
				})
				for range 2 { // each range begins anew
					var got []int
					var failed error
					for v, err := range seq {
						if failed = err; err == nil {
							got = append(got, v)
						}
					}
					if failed != end || len(got) != 100 || !slices.IsSorted(got) {
						t.Errorf("%d ahead: %d values, then %v", n, len(got), failed)
					}
				}
			}
		}
		return nil
	})
}

func TestASlowLoopHoldsTheBodyOfFromThread(t *testing.T) {
	for _, n := range []int{0, 3} {
		run(t, func(ctx context.Context) error {
			var mu sync.Mutex
			passed := 0 // values whose yield has returned
			seq := aiter.FromThread(ctx, n, func(_ context.Context, yield func(int) bool) error {
				for i := 0; yield(i); i++ {
					mu.Lock()
					passed++
					mu.Unlock()
				}
				return nil
			})
			for v, err := range seq {
				if err != nil {
					return err
				}
				// At least the goroutine is given time to run ahead if it could.
				if err := aio.Blocking(ctx, func(context.Context) error { runtime.Gosched(); return nil }); err != nil {
					return err
				}
				mu.Lock()
				if passed > v+1+n {
					t.Errorf("%d ahead: %d values have been accepted when the loop has %d", n, passed, v+1)
				}
				mu.Unlock()
				if v == 50 {
					break
				}
			}
			return nil
		})
	}
}

func TestLeavingALoopOverFromThreadWaitsUntilTheSourceIsClosed(t *testing.T) {
	for _, how := range []string{"break", "cancel", "panic"} {
		run(t, func(ctx context.Context) error {
			closed := false
			seq := aiter.FromThread(ctx, 0, func(ctx context.Context, yield func(int) bool) error {
				defer func() { closed = true }()
				for i := 0; ; i++ {
					if !yield(i) {
						<-ctx.Done()
						return errBoom // dropped: the loop was left
					}
				}
			})
			task := aio.Start(ctx, func(ctx context.Context) (err error) {
				defer func() {
					if v := recover(); v != nil && v != "left" {
						panic(v)
					}
				}()
				for v, err := range seq {
					if err != nil {
						return err
					}
					if v < 3 {
						continue
					}
					switch how {
					case "break":
						return nil
					case "panic":
						panic("left")
					case "cancel":
						aio.CurrentTask(ctx).Cancel(nil)
					}
				}
				return nil
			})
			_, _, err := aio.Wait(ctx, aio.AllCompleted, task)
			_ = task.Err()
			if !closed {
				t.Errorf("%s: the source is open", how)
			}
			return err
		})
	}
}

func TestACancelledLoopOverFromThreadEndsASourceThatBlocks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		source := make(chan int) // like a socket: only closing it ends the wait for a value
		closed := false
		blocked := aio.NewFuture[aio.None](ctx)
		loop := aio.RunningLoop(ctx)
		task := aio.Start(ctx, func(ctx context.Context) error {
			for v, err := range aiter.FromThread(ctx, 0, func(ctx context.Context, yield func(int) bool) error {
				defer context.AfterFunc(ctx, func() { close(source) })()
				defer func() { closed = true }()
				loop.CallSoonThreadsafe(func() { _ = blocked.SetResult(aio.None{}) })
				for v := range source {
					yield(v)
				}
				return errors.New("the socket is closed")
			}) {
				return fmt.Errorf("got %d, %w", v, err)
			}
			return nil
		})
		if _, err := blocked.Await(ctx); err != nil {
			return err
		}
		task.Cancel(errBoom)
		_, err := task.Await(ctx)
		if !errors.Is(err, aio.ErrCancelled) || !errors.Is(err, errBoom) || !closed {
			t.Errorf("closed: %v, error: %v", closed, err)
		}
		return nil
	})
}

func TestCallbacksOfManyGoroutinesFeedFromThread(t *testing.T) {
	run(t, func(ctx context.Context) error {
		const goroutines, each = 20, 50
		seen := map[int]int{}
		for v, err := range aiter.FromThread(ctx, 2, func(_ context.Context, yield func(int) bool) error {
			var all sync.WaitGroup
			for g := range goroutines {
				all.Go(func() {
					for i := range each {
						yield(g*each + i)
					}
				})
			}
			all.Wait()
			return nil
		}) {
			if err != nil {
				return err
			}
			seen[v]++
		}
		if len(seen) != goroutines*each {
			t.Errorf("%d values", len(seen))
		}
		return nil
	})
}

func TestNoValueOfFromThreadIsBothTakenAndRefused(t *testing.T) {
	for seed := range uint64(200) {
		run(t, func(ctx context.Context) error {
			var accepted []int
			seq := aiter.FromThread(ctx, 0, func(_ context.Context, yield func(int) bool) error {
				for i := 0; yield(i); i++ {
					accepted = append(accepted, i)
				}
				return nil
			})
			var got []int
			err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				reader := g.Go(func(ctx context.Context) error {
					for v, err := range seq {
						if err != nil {
							return err
						}
						got = append(got, v)
					}
					return nil
				})
				for range seed % 17 {
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
				reader.Cancel(nil)
				return nil
			})
			if !slices.Equal(accepted, got) {
				t.Errorf("accepted %v, the loop got %v", accepted, got)
			}
			return err
		})
	}
}

func TestAPanicInTheBodyOfFromThreadIsRaisedInTheLoop(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var got []int
		v := panicValue(func() {
			for v := range aiter.FromThread(ctx, 3, func(_ context.Context, yield func(int) bool) error {
				yield(1)
				panic("boom")
			}) {
				got = append(got, v)
			}
		})
		if p, ok := v.(*aio.PanicError); !ok || p.Value != "boom" {
			t.Errorf("after %v: %v", got, v)
		}
		return nil
	})
}

func TestMisuseOfFromThread(t *testing.T) {
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { aiter.FromThread[int](ctx, 0, nil) }, "FromThread", "nil")
		wantPanic(t, func() {
			aiter.FromThread(ctx, -1, func(context.Context, func(int) bool) error { return nil })
		}, "FromThread", "negative")
		var leaked func(int) bool
		for v, err := range aiter.FromThread(ctx, 0, func(ctx context.Context, yield func(int) bool) error {
			leaked = yield
			yield(1)
			<-ctx.Done()
			return nil
		}) {
			if err != nil {
				return err
			}
			wantPanic(t, func() { leaked(v) }, "FromThread", "on the loop")
			break
		}
		if leaked(2) {
			t.Error("a value was accepted after the end")
		}
		return nil
	})
}

func TestFromThreadHeedsALimiter(t *testing.T) {
	run(t, func(ctx context.Context) error {
		limiter := aiosync.NewLimiter(1)
		one := aiter.FromThread(ctx, 0, func(_ context.Context, yield func(int) bool) error {
			yield(1)
			return nil
		}, aio.LimitedBy(limiter))
		for v, err := range one {
			if v != 1 || err != nil || limiter.Available() != 0 {
				t.Errorf("%d, %v, tokens left: %d", v, err, limiter.Available())
			}
		}
		if limiter.Available() != 1 {
			t.Error("the token was not given back")
		}
		return nil
	})
}
