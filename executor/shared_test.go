//go:build unix

package executor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/executor"
)

var (
	in      = executor.NewQueue[int]("in", 4)
	out     = executor.NewQueue[int]("out", 4)
	large   = executor.NewQueue[[]byte]("large", 4)
	mutex   = executor.NewLock("mutex")
	started = executor.NewEvent("started")
	never   = executor.NewEvent("never")

	// squares moves items from one queue to the other.
	squares = executor.Register("squares", func(ctx context.Context, _ aio.None) (int, error) {
		if err := executor.Progress(ctx, os.Getpid()); err != nil {
			return 0, err
		}
		n := 0
		for v, err := range in.All(ctx) {
			if err == nil {
				err = out.Put(ctx, v*v)
			}
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	})

	// sink comes to a point, reports, and stays there.
	sink = executor.Register("sink", func(ctx context.Context, point string) (aio.None, error) {
		stay := func() {
			_ = executor.Progress(ctx, os.Getpid())
			select {}
		}
		var err error
		switch point {
		case "has an item":
			_, err = in.Get(ctx)
			stay()
		case "in a loop":
			for range in.All(ctx) {
				stay()
			}
		case "waits for an item":
			_ = executor.Progress(ctx, os.Getpid())
			_, err = out.Get(ctx)
		case "waits for room":
			for i := range 4 {
				if err := out.Put(ctx, i); err != nil {
					return aio.None{}, err
				}
			}
			_ = executor.Progress(ctx, os.Getpid())
			err = out.Put(ctx, 4)
		case "has the lock":
			err = mutex.With(ctx, func(context.Context) error { stay(); return nil })
		case "has both":
			err = mutex.With(ctx, func(ctx context.Context) error {
				_, err := in.Get(ctx)
				stay()
				return err
			})
		case "waits for the lock":
			_ = executor.Progress(ctx, os.Getpid())
			err = mutex.With(ctx, func(context.Context) error { stay(); return nil })
		case "waits for an event":
			_ = executor.Progress(ctx, os.Getpid())
			err = never.Wait(ctx)
		}
		return aio.None{}, err
	})

	// gather awaits three things at a time, in a worker.
	gather = executor.RegisterCoroutine("gather", func(ctx context.Context, n int) (int, error) {
		sum := 0
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for range n {
				g.Go(func(ctx context.Context) error {
					v, err := in.Get(ctx)
					sum += v
					return err
				})
			}
			g.Go(started.Set)
			return nil
		})
		return sum, err
	})

	// hasty takes items in many tasks, which do not wait for long.
	hasty = executor.RegisterCoroutine("hasty", func(ctx context.Context, seed int) (int, error) {
		random := rand.New(rand.NewPCG(uint64(seed), 1))
		got := 0
		for {
			end := false
			err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				for range 5 {
					d := time.Duration(random.IntN(5000)) * time.Microsecond
					g.Go(func(ctx context.Context) error {
						v, err := aio.WaitFor(ctx, d, in.Get)
						switch {
						case errors.Is(err, aiosync.ErrQueueShutdown):
							end = true
							return nil
						case errors.Is(err, context.DeadlineExceeded):
							return nil
						case err != nil:
							return err
						}
						got++
						return out.Put(ctx, v)
					})
				}
				return nil
			})
			if end || err != nil {
				return got, err
			}
		}
	})

	talker = executor.Register("talker", func(ctx context.Context, say string) (int, error) {
		pipe := executor.PipeOf[string, int](ctx)
		for n := 0; ; n++ {
			v, err := pipe.Receive(ctx)
			if err == io.EOF {
				return n, nil
			}
			if err == nil {
				err = pipe.Send(ctx, fmt.Sprint(say, v))
			}
			if err != nil {
				return n, err
			}
			if v == 99 {
				os.Exit(9)
			}
		}
	})

	leaver = executor.Register("leaver", func(ctx context.Context, what string) (string, error) {
		if what == "leave" {
			go func() { behind <- never.Wait(ctx) }()
			_, err := never.IsSet(ctx) // the other ask may come before or after the end
			return "", err
		}
		return (<-behind).Error(), nil
	})
	behind = make(chan error, 1)

	hoarder = executor.Register("hoarder", func(ctx context.Context, n int) (int, error) {
		for i := range n {
			if err := large.Put(ctx, make([]byte, 400)); err != nil {
				return i, err
			}
			if _, err := large.Get(ctx); err != nil {
				return i, err
			}
		}
		return n, nil
	})
)

// everywhere runs the test where functions may run.
func everywhere(t *testing.T, test func(t *testing.T, ctx context.Context) error) {
	t.Run("threads", func(t *testing.T) {
		run(t, func(ctx context.Context) error {
			return test(t, executor.With(ctx, executor.NewThreads(3)))
		})
	})
	t.Run("processes", func(t *testing.T) {
		inPool(t, func(ctx context.Context, _ *executor.Pool) error { return test(t, ctx) },
			executor.Workers(3))
	})
	t.Run("another loop", func(t *testing.T) {
		inPool(t, func(ctx context.Context, p *executor.Pool) error {
			return aio.Blocking(ctx, func(context.Context) error {
				run(t, func(ctx context.Context) error { return test(t, executor.With(ctx, p)) })
				return nil
			})
		}, executor.Workers(3))
	})
}

func TestItemsGoThroughFunctionsInOrder(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context) error {
		const n = 200
		var got []int
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				moved, err := squares.Run(ctx, aio.None{})
				if moved != n {
					t.Errorf("%d items were moved", moved)
				}
				return errors.Join(err, out.Close(ctx))
			})
			g.Go(func(ctx context.Context) error {
				for i := range n {
					if err := in.Put(ctx, i); err != nil {
						return err
					}
				}
				return in.Close(ctx)
			})
			for v, err := range out.All(ctx) {
				if err != nil {
					return err
				}
				got = append(got, v)
			}
			return nil
		})
		for i, v := range got {
			if v != i*i {
				t.Fatalf("item %d is %d", i, v)
			}
		}
		if len(got) != n {
			t.Errorf("%d items", len(got))
		}
		if err := in.Put(ctx, 1); !errors.Is(err, aiosync.ErrQueueShutdown) {
			t.Errorf("Put after Close: %v", err)
		}
		if _, err := in.Get(ctx); !errors.Is(err, aiosync.ErrQueueShutdown) {
			t.Errorf("Get after the end: %v", err)
		}
		return err
	})
}

func TestACoroutineInAWorkerAwaitsSeveralThings(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			task := aio.GoValue(g, aio.Bind(gather.Run, 3))
			if err := started.Wait(ctx); err != nil {
				return err
			}
			if on, err := started.IsSet(ctx); !on || err != nil {
				t.Errorf("IsSet: %v, %v", on, err)
			}
			if err := started.Clear(ctx); err != nil {
				return err
			}
			if on, err := started.IsSet(ctx); on || err != nil {
				t.Errorf("IsSet after Clear: %v, %v", on, err)
			}
			for _, v := range []int{1, 10, 100} {
				if err := in.Put(ctx, v); err != nil {
					return err
				}
			}
			sum, err := task.Await(ctx)
			if sum != 111 {
				t.Errorf("the sum is %d", sum)
			}
			return err
		})
	})
}

// Wherever a worker is killed, its item is the first again, and the lock is free once the process
// has gone.
func TestAKilledWorkerLosesNeitherItemNorLock(t *testing.T) {
	for _, point := range []string{"has an item", "in a loop", "waits for an item", "waits for room",
		"has the lock", "has both", "waits for the lock", "waits for an event"} {
		for _, way := range []string{"killed", "cancelled"} {
			t.Run(point+", "+way, func(t *testing.T) {
				inPool(t, func(ctx context.Context, p *executor.Pool) error {
					for i := range 3 {
						if err := in.Put(ctx, i); err != nil {
							return err
						}
					}
					worker := 0
					release := make(chan struct{})
					err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
						if point == "waits for the lock" {
							g.Go(func(ctx context.Context) error {
								return mutex.With(ctx, func(ctx context.Context) error {
									_, _, err := aio.Recv(ctx, release)
									return err
								})
							})
							if err := aio.Yield(ctx); err != nil {
								return err
							}
						}
						var task *aio.Task[aio.None]
						task = aio.CreateTask(ctx, aio.Bind(
							sink.With(executor.OnProgress(func(pid int) {
								worker = pid
								if way == "killed" {
									syscall.Kill(pid, syscall.SIGKILL)
								} else {
									task.Cancel(nil)
								}
							})).Run, point))
						_, err := task.Await(ctx)
						if way == "killed" {
							wantLost(t, err)
						} else if !errors.Is(err, aio.ErrCancelled) {
							t.Errorf("the cancelled job: %v", err)
						}
						close(release)
						return nil
					})
					if err != nil {
						return err
					}
					err = mutex.With(ctx, func(context.Context) error {
						if point == "has the lock" && !gone(worker) {
							t.Error("the lock was given away while the worker lived")
						}
						return nil
					})
					if err != nil {
						return err
					}
					for way == "cancelled" && p.Statistics().Workers > 0 { // nobody waits for its end
						if err := aio.Sleep(ctx, time.Millisecond); err != nil {
							return err
						}
					}
					for want := range 3 {
						if v, err := in.Get(ctx); v != want || err != nil {
							t.Errorf("got %d, %v instead of item %d", v, err, want)
						}
					}
					if point == "waits for room" {
						for want := range 4 {
							if v, err := out.Get(ctx); v != want || err != nil {
								t.Errorf("got %d, %v instead of %d", v, err, want)
							}
						}
					}
					if err := out.Put(ctx, 7); err != nil {
						return err
					}
					if v, err := out.Get(ctx); v != 7 || err != nil {
						t.Errorf("got %d, %v: who was killed has put or taken something", v, err)
					}
					return nil
				})
			})
		}
	}
}

// Three workers move items, and are killed at random. Every item arrives; one that was on its way
// when its worker died may arrive twice.
func TestNoItemIsLostWhateverIsKilled(t *testing.T) {
	const n = 300
	random := rand.New(rand.NewPCG(3, 4))
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		seen := make([]int, n*n)
		kills := 0
		var workers []int
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			moved := g.Go(func(ctx context.Context) error {
				return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
					for range 3 {
						g.Go(func(ctx context.Context) error {
							_, err := squares.With(executor.Attempts(n), executor.OnProgress(func(pid int) {
								workers = append(workers, pid)
							})).Run(ctx, aio.None{})
							return err
						})
					}
					return nil
				})
			})
			g.Go(func(ctx context.Context) error {
				_, _ = moved.Await(ctx)
				return out.Close(ctx)
			})
			g.Go(func(ctx context.Context) error {
				for i := range n {
					if err := in.Put(ctx, i); err != nil {
						return err
					}
				}
				return in.Close(ctx)
			})
			for v, err := range out.All(ctx) {
				if err != nil {
					return err
				}
				seen[v]++
				if random.IntN(10) == 0 && len(workers) > 0 {
					i := random.IntN(len(workers))
					syscall.Kill(workers[i], syscall.SIGKILL)
					workers = slices.Delete(workers, i, i+1)
					kills++
				}
			}
			return nil
		})
		total := 0
		for i := range n {
			total += seen[i*i]
			if seen[i*i] == 0 {
				t.Errorf("item %d is lost", i)
			}
		}
		if total > n+kills || kills == 0 {
			t.Errorf("%d arrived of %d, with %d kills", total, n, kills)
		}
		return err
	}, executor.Workers(3))
}

// Tasks in workers give up waiting at random. The account is exact: what a task did not get has
// stayed in the queue.
func TestAWaitThatIsGivenUpTakesNoItem(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context) error {
		const n = 400
		sum, got := 0, 0
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				counts, err := aio.Map(ctx, []int{1, 2, 3}, hasty.Run)
				for _, c := range counts {
					got += c
				}
				return errors.Join(err, out.Close(ctx))
			})
			g.Go(func(ctx context.Context) error {
				for i := range n {
					if err := in.Put(ctx, i); err != nil {
						return err
					}
				}
				return in.Close(ctx)
			})
			for v, err := range out.All(ctx) {
				if err != nil {
					return err
				}
				sum += v
			}
			return nil
		})
		if sum != n*(n-1)/2 || got != n {
			t.Errorf("the sum is %d of %d items", sum, got)
		}
		return err
	})
}

func TestAPipeEndsWithItsCall(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context) error {
		pipe := executor.NewPipe[int, string](ctx, 1)
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			task := aio.GoValue(g, aio.Bind(talker.With(executor.Through(pipe)).Run, "no. "))
			for i := range 3 {
				if err := pipe.Send(ctx, i); err != nil {
					return err
				}
				s, err := pipe.Receive(ctx)
				if want := fmt.Sprint("no. ", i); s != want || err != nil {
					t.Errorf("got %q, %v", s, err)
				}
			}
			if err := pipe.Close(ctx); err != nil {
				return err
			}
			n, err := task.Await(ctx)
			if n != 3 {
				t.Errorf("the function heard %d", n)
			}
			if _, err := pipe.Receive(ctx); err != io.EOF {
				t.Errorf("Receive after the end: %v", err)
			}
			if err := pipe.Send(ctx, 1); err != io.ErrClosedPipe {
				t.Errorf("Send after the end: %v", err)
			}
			if _, err := talker.Run(ctx, ""); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("without a pipe: %v", err)
			}
			return err
		})
	})
}

func TestThePipeOfALostWorkerEnds(t *testing.T) {
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		pipe := executor.NewPipe[int, string](ctx, 4)
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			task := aio.CreateTask(ctx,
				aio.Bind(talker.With(executor.Through(pipe)).Run, "last "))
			if err := pipe.Send(ctx, 99); err != nil {
				return err
			}
			if s, err := pipe.Receive(ctx); s != "last 99" || err != nil {
				t.Errorf("got %q, %v", s, err)
			}
			if _, err := pipe.Receive(ctx); err != io.EOF {
				t.Errorf("the end is %v", err)
			}
			_, err := task.Await(ctx)
			wantLost(t, err)
			return nil
		})
	})
}

func TestWhatAFunctionLeavesBehindIsRefused(t *testing.T) {
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		if _, err := leaver.Run(ctx, "leave"); err != nil {
			return err
		}
		const want = "executor: the function has returned; " +
			"what it left behind cannot use shared objects"
		if s, err := leaver.Run(ctx, "look"); s != want || err != nil {
			t.Errorf("got %q, %v", s, err)
		}
		return never.Set(ctx)
	}, executor.Workers(1))
}

func TestThoseWhoWaitLearnOfTheEndOfThePool(t *testing.T) {
	run(t, func(ctx context.Context) error {
		p := executor.NewPool(ctx)
		inner := executor.With(ctx, p)
		tasks := []*aio.Task[aio.None]{
			aio.Start(inner, never.Wait),
			aio.Start(inner, func(ctx context.Context) error { _, err := in.Get(ctx); return err }),
			aio.Start(inner, func(ctx context.Context) error {
				for i := 0; ; i++ {
					if err := out.Put(ctx, i); err != nil {
						if i != 4 {
							t.Errorf("the queue had room for %d", i)
						}
						return err
					}
				}
			}),
			aio.Start(inner, func(ctx context.Context) error {
				return mutex.With(ctx, func(ctx context.Context) error {
					return mutex.With(ctx, func(context.Context) error { return nil })
				})
			}),
		}
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if err := p.Shutdown(ctx); err != nil {
			return err
		}
		for i, task := range tasks {
			if _, err := task.Await(ctx); !errors.Is(err, executor.ErrClosed) {
				t.Errorf("wait %d ended with %v", i, err)
			}
		}
		if err := in.Put(inner, 1); !errors.Is(err, executor.ErrClosed) {
			t.Errorf("Put after the end: %v", err)
		}
		return nil
	})
}

func TestSharedObjectsNeedAnExecutorThatHasThem(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for _, err := range []error{in.Put(ctx, 1), never.Set(ctx), mutex.With(ctx, nil)} {
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("the error is %v", err)
			}
		}
		return nil
	})
	wantPanic(t, func() { executor.NewQueue[int]("in", 1) }, `there is a shared object "in" already`)
	wantPanic(t, func() { executor.NewLock("") }, "the name is empty")
	wantPanic(t, func() { executor.NewQueue[int]("other", 0) }, "NewQueue", "use 1 or more")
	wantPanic(t, func() { executor.NewQueue[chan int]("other", 1) }, "cannot be sent")
	wantPanic(t, func() { executor.Through[int, int](nil) }, "NewPipe")
}

func TestAJobHoldsSoMuchAndNoMore(t *testing.T) {
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		_, err := hoarder.Run(ctx, 100)
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte("a job holds 1024 items")) {
			t.Errorf("the error is %v", err)
		}
		if err := large.Put(ctx, make([]byte, 1025)); err == nil {
			t.Error("an item larger than a message is taken")
		}
		return nil
	}, executor.MaxMessage(1<<10))
}

// The virtual clock stands still while a worker works, and goes on while it waits for an item that
// comes in an hour.
func TestAVirtualClockGoesOnWhileAWorkerWaits(t *testing.T) {
	run(t, func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, p *executor.Pool) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				task := aio.GoValue(g, aio.Bind(gather.Run, 1))
				if err := started.Wait(ctx); err != nil {
					return err
				}
				if err := aio.Sleep(ctx, time.Hour); err != nil {
					return err
				}
				if err := in.Put(ctx, 5); err != nil {
					return err
				}
				if sum, err := task.Await(ctx); sum != 5 || err != nil {
					t.Errorf("got %d, %v", sum, err)
				}
				return nil
			})
		})
	}, aio.WithClock(aio.NewVirtualClock()))
}
