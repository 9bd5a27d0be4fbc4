package aio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// A turnstile lets one waiting task through with each push: a synchronisation primitive made of
// waiters.
type turnstile struct{ line []aio.Waiter }

// Pass waits for a push.
func (t *turnstile) Pass(ctx context.Context) error {
	w := aio.NewWaiter(ctx, "turnstile.Pass", t)
	t.line = append(t.line, w)
	err := w.Park()
	if err == nil {
		return nil
	}
	if w.Woken() {
		t.Push() // it was this task's turn, but it is cancelled: let the next one through
	} else {
		t.line = slices.DeleteFunc(t.line, func(x aio.Waiter) bool { return x == w })
	}
	return err
}

// Push lets one task through that waits.
func (t *turnstile) Push() {
	for len(t.line) > 0 {
		w := t.line[0]
		t.line = t.line[1:]
		if w.Unpark() {
			return
		}
	}
}

func (t *turnstile) String() string { return "a push" }

func ExampleWaiter() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var gate turnstile
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for _, name := range []string{"ann", "bob", "cid"} {
				g.Go(func(ctx context.Context) error {
					return aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
						err := gate.Pass(ctx)
						fmt.Println(name, "is through:", err == nil)
						return err
					})
				})
			}
			for range 3 {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				gate.Push()
			}
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// ann is through: true
	// bob is through: true
	// cid is through: true
}

func ExampleNewWaiter() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		w := aio.NewWaiter(ctx, "phone call", nil)
		aio.RunningLoop(ctx).CallLater(time.Minute, func() { fmt.Println("ring:", w.Unpark()) })
		fmt.Println("answered:", w.Park() == nil)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// ring: true
	// answered: true
}

// A pool of desks: a task waits in line for a desk, works there and gives it back.
type desks struct {
	free  int
	owner aio.TaskRef // of the last desk taken
	line  aio.Line
}

// Take waits for a free desk that no task has asked for before.
func (d *desks) Take(ctx context.Context) error {
	task := aio.Running(ctx, "desks.Take")
	d.line.MustFit(task, "desks.Take")
	if d.free > 0 && !d.line.Taken() {
		d.free--
		d.owner = task
		return nil
	}
	w := aio.NewWaiter(ctx, "desks.Take", d)
	if err := d.line.Wait(w); err != nil {
		if w.Woken() {
			d.Leave() // the desk was this task's already: the next in line gets it
		}
		return err
	}
	d.owner = task
	return nil
}

// Leave gives a desk to the first task in line.
func (d *desks) Leave() {
	if d.line.Call("desks.Leave").Zero() {
		d.free++
	}
}

func (d *desks) String() string { return "a desk" }

// Blockers makes snapshots and deadlock reports name the task at the desk.
func (d *desks) Blockers() []aio.TaskRef { return []aio.TaskRef{d.owner} }

func ExampleLine() {
	office := desks{free: 1}
	work := func(ctx context.Context) error {
		if err := office.Take(ctx); err != nil {
			return err
		}
		defer office.Leave()
		fmt.Println(aio.CurrentTask(ctx).Name(), "sits down,", office.line.Len(), "wait")
		return aio.Sleep(ctx, time.Minute)
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for _, name := range []string{"ann", "bob", "cid"} {
				g.Go(work, aio.Name(name))
			}
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// ann sits down, 0 wait
	// bob sits down, 1 wait
	// cid sits down, 0 wait
}

// A task that waits for a Blocker is shown with the task that holds it up.
func ExampleBlocker() {
	office := desks{free: 1}
	aio.Run(context.Background(), func(ctx context.Context) error {
		if err := office.Take(ctx); err != nil {
			return err
		}
		bob := aio.Start(ctx, office.Take, aio.Name("bob"))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		for _, task := range aio.RunningLoop(ctx).Snapshot(false).Tasks {
			fmt.Printf("%s is %s, for %q\n", task.Name, task.State, task.On)
		}
		office.Leave()
		_, err := bob.Await(ctx)
		return err
	})
	// Output:
	// main is running, for ""
	// bob is waiting, for "a desk held by main"
}

func ExampleRunning() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Running(ctx, "desks.Take")
		fmt.Println(task.Name(), task.Task() == aio.CurrentTask(ctx))
		return nil
	})
	// Output: main true
}

func ExampleTaskRef() {
	var nobody aio.TaskRef
	aio.Run(context.Background(), func(ctx context.Context) error {
		me := aio.Running(ctx, "desks.Take")
		fmt.Println(nobody.Zero(), me.Zero(), me == aio.Running(ctx, "desks.Leave"))
		return nil
	})
	// Output: true false true
}

func ExampleToThread() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		n, err := aio.ToThread(ctx, func(ctx context.Context) (int, error) {
			return strings.Count("a long text, read from a slow disk", "s"), nil // may take as long as it likes
		})
		fmt.Println(n, err)
		return nil
	})
	// Output: 2 <nil>
}

func ExampleBlocking() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Blocking(ctx, func(ctx context.Context) error { return errors.New("the database is down") })
		fmt.Println(err)
		return nil
	})
	// Output: the database is down
}

// At most two calls run at a time.
func ExampleWithThreadLimiter() {
	var running, most atomic.Int32
	call := func(ctx context.Context, _ int) (aio.None, error) {
		return aio.ToThread(ctx, func(ctx context.Context) (aio.None, error) {
			now := running.Add(1)
			defer running.Add(-1)
			for was := most.Load(); now > was && !most.CompareAndSwap(was, now); was = most.Load() {
			}
			return aio.None{}, nil
		})
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.Map(ctx, make([]int, 20), call)
		return err
	}, aio.WithThreadLimiter(2))
	fmt.Println(most.Load() <= 2)
	// Output: true
}

// Calls to one library share a limiter.
func ExampleLimitedBy() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		database := aiosync.NewLimiter(4)
		v, err := aio.ToThread(ctx, func(ctx context.Context) (string, error) { return "row", nil }, aio.LimitedBy(database))
		fmt.Println(v, err, database.Available())
		return nil
	})
	// Output: row <nil> 4
}

// A value that the function has taken is not lost when its task is cancelled.
func ExampleJoined() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		jobs := make(chan string, 1)
		jobs <- "job"
		worker := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			return aio.ToThread(ctx, func(ctx context.Context) (string, error) {
				<-ctx.Done() // the cancellation comes first
				return <-jobs, nil
			}, aio.Joined())
		})
		aio.Sleep(ctx, time.Millisecond)
		worker.Cancel(nil)
		fmt.Println(worker.Await(ctx))
		return nil
	})
	// Output: job <nil>
}

// Any goroutine can run a function on a loop and wait for it.
func ExampleSubmit() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		done := make(chan error)
		counter := 0 // the loop's: no mutex
		go func() {
			done <- aio.Submit(context.Background(), loop, func(ctx context.Context) error {
				counter++
				return aio.Yield(ctx)
			})
		}()
		err, _, _ := aio.Recv(ctx, done)
		fmt.Println(counter, err)
		return err
	})
	// Output: 1 <nil>
}

func ExampleSubmitValue() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		answers := make(chan string)
		go func() { // an HTTP handler, say
			v, err := aio.SubmitValue(context.Background(), loop, func(ctx context.Context) (string, error) {
				return "made by " + aio.CurrentTask(ctx).Name(), aio.Yield(ctx)
			})
			if err != nil {
				v = err.Error()
			}
			answers <- v
		}()
		v, _, err := aio.Recv(ctx, answers)
		fmt.Println(v)
		return err
	})
	// Output: made by Task-2
}

func ExampleRecv() {
	words := make(chan string)
	go func() {
		words <- "hello"
		close(words)
	}()
	aio.Run(context.Background(), func(ctx context.Context) error {
		for {
			word, ok, err := aio.Recv(ctx, words)
			if err != nil {
				return err
			}
			fmt.Printf("%q %v\n", word, ok)
			if !ok {
				return nil
			}
		}
	})
	// Output:
	// "hello" true
	// "" false
}

func ExampleSend() {
	numbers, sum := make(chan int), make(chan int)
	go func() {
		total := 0
		for n := range numbers {
			total += n
		}
		sum <- total
	}()
	aio.Run(context.Background(), func(ctx context.Context) error {
		for n := range 5 {
			if err := aio.Send(ctx, numbers, n); err != nil {
				return err
			}
		}
		close(numbers)
		total, _, err := aio.Recv(ctx, sum)
		fmt.Println(total)
		return err
	})
	// Output: 10
}

func ExampleSelect() {
	letters, quit := make(chan string, 1), make(chan struct{})
	letters <- "dear sir"
	aio.Run(context.Background(), func(ctx context.Context) error {
		for {
			i, err := aio.Select(ctx,
				aio.OnRecv(letters, func(text string, ok bool) {
					fmt.Println("a letter:", text)
					close(quit)
				}),
				aio.OnRecv(quit, nil),
			)
			if err != nil {
				return err
			}
			if i == 1 {
				fmt.Println("quit")
				return nil
			}
		}
	})
	// Output:
	// a letter: dear sir
	// quit
}

func ExampleOnRecv() {
	closed := make(chan int)
	close(closed)
	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.Select(ctx, aio.OnRecv(closed, func(n int, ok bool) { fmt.Println(n, ok) }))
		return err
	})
	// Output: 0 false
}

func ExampleOnSend() {
	room := make(chan string, 1)
	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.Select(ctx, aio.OnSend(room, "hello", func() { fmt.Println("sent") }))
		return err
	})
	fmt.Println(<-room)
	// Output:
	// sent
	// hello
}

// Cases can be collected, and a time-out put around them all.
func ExampleChannelCase() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var cases []aio.ChannelCase
		for range 3 {
			cases = append(cases, aio.OnRecv(make(chan int), nil)) // nobody sends
		}
		err := aio.Timeout(ctx, time.Millisecond, func(ctx context.Context) error {
			_, err := aio.Select(ctx, cases...)
			return err
		})
		fmt.Println(errors.Is(err, context.DeadlineExceeded))
		return nil
	})
	// Output: true
}

// numbers is a reader for tasks and for other goroutines.
type numbers struct {
	ctx  context.Context
	from *aiosync.Queue[string]
}

func (n *numbers) Read(p []byte) (int, error) {
	next := func(context.Context) (string, error) { return n.from.Get(n.ctx) }
	if aio.InTask(n.ctx) {
		s, err := next(n.ctx)
		return copy(p, s), err
	}
	s, err := aio.SubmitValue(context.Background(), aio.RunningLoop(n.ctx), next)
	return copy(p, s), err
}

// A Read method may be called by any task that has the reader.
func ExampleInTask() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		q := aiosync.NewQueue[string](0)
		q.PutNowait("one")
		q.PutNowait("two")
		r := &numbers{ctx, q}
		buf := make([]byte, 3)
		io.ReadFull(r, buf)
		fmt.Println(string(buf))
		return aio.Blocking(ctx, func(context.Context) error {
			_, err := io.ReadFull(r, buf)
			fmt.Println(string(buf), "on another goroutine")
			return err
		})
	})
	// Output:
	// one
	// two on another goroutine
}

func ExampleGroup() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 3 {
				g.Go(func(ctx context.Context) error {
					if err := aio.Sleep(ctx, time.Duration(3-i)*time.Second); err != nil {
						return err
					}
					fmt.Println("task", i, "has ended")
					return nil
				})
			}
			return nil
		})
		fmt.Println("the group has ended:", err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// task 2 has ended
	// task 1 has ended
	// task 0 has ended
	// the group has ended: <nil>
}

// Several failures come back joined, in the order in which they happened.
func ExampleGroup_errors() {
	errFirst, errSecond := errors.New("first"), errors.New("second")
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				aio.Sleep(ctx, time.Hour) // interrupted when the other fails
				return errSecond
			})
			g.Go(func(ctx context.Context) error { return errFirst })
			return nil
		})
		fmt.Println(err)
		fmt.Println(errors.Is(err, errFirst), errors.Is(err, errSecond))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// first
	// second
	// true true
}

func ExampleTaskGroup_Cancel() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		found := -1
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 5 {
				g.Go(func(ctx context.Context) error {
					if err := aio.Sleep(ctx, time.Duration(i)*time.Second); err != nil {
						return err
					}
					if i == 2 {
						found = i
						g.Cancel(errors.New("found it"))
					}
					return nil
				})
			}
			return nil
		})
		fmt.Println(found, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 2 <nil>
}

func ExampleTaskGroup_Go() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				fmt.Println("child")
				g.Go(func(ctx context.Context) error { // children may have children
					fmt.Println("grandchild")
					return nil
				})
				return nil
			})
			return nil
		})
	})
	// Output:
	// child
	// grandchild
}

// A function that gets a group can start what outlives it, and yet nothing gets lost.
func ExampleTaskGroup() {
	listen := func(g *aio.TaskGroup, port int) {
		g.Go(func(ctx context.Context) error {
			fmt.Println("listening on", port)
			return aio.Sleep(ctx, time.Second)
		})
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			listen(g, 80)
			listen(g, 443)
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// listening on 80
	// listening on 443
}

func ExampleGoValue() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var word *aio.Task[string]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			word = aio.GoValue(g, func(ctx context.Context) (string, error) { return "hello", aio.Sleep(ctx, time.Second) })
			return nil
		})
		if err != nil {
			return err
		}
		fmt.Println(word.Result())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: hello <nil>
}

func ExampleGoReady() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			port, err := aio.GoReady(ctx, g, func(ctx context.Context, ready func(port int)) error {
				ready(8080)
				return aio.Sleep(ctx, time.Hour)
			})
			fmt.Println(port, err)
			g.Cancel(nil)
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 8080 <nil>
}

func ExampleSleep() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		err := aio.Sleep(ctx, 90*time.Minute)
		fmt.Println(loop.Time().Sub(began), err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 1h30m0s <nil>
}

// A long computation lets others have their turn.
func ExampleYield() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			fmt.Println("another task")
			return nil
		})
		sum := 0
		for i := range 1000 {
			sum += i
			if i%500 == 499 {
				fmt.Println("so far:", sum)
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
		}
		return nil
	})
	// Output:
	// so far: 124750
	// another task
	// so far: 499500
}

func ExampleTimeout() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			return aio.Sleep(ctx, time.Hour)
		})
		fmt.Println(errors.Is(err, context.DeadlineExceeded))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: true
}

func ExampleTimeoutAt() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		closing := aio.RunningLoop(ctx).Time().Add(time.Hour)
		served := 0
		err := aio.TimeoutAt(ctx, closing, func(ctx context.Context) error {
			for {
				if err := aio.Sleep(ctx, 25*time.Minute); err != nil {
					return err
				}
				served++
			}
		})
		fmt.Println(served, errors.Is(err, context.DeadlineExceeded))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 2 true
}

func ExampleWaitFor() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		v, err := aio.WaitFor(ctx, time.Second, aio.Bind2(after, 500*time.Millisecond, "in time"))
		fmt.Println(v, err)
		_, err = aio.WaitFor(ctx, time.Second, aio.Bind2(after, time.Hour, "late"))
		fmt.Println(errors.Is(err, context.DeadlineExceeded))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// in time <nil>
	// true
}

// A task that makes progress gets more time.
func ExampleCurrentTimeout() {
	receive := func(ctx context.Context, chunks int) error {
		for range chunks {
			if err := aio.Sleep(ctx, 8*time.Second); err != nil {
				return err
			}
			if limit := aio.CurrentTimeout(ctx); limit != nil {
				limit.Reschedule(aio.RunningLoop(ctx).Time().Add(10 * time.Second))
			}
		}
		return nil
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Timeout(ctx, 10*time.Second, func(ctx context.Context) error { return receive(ctx, 5) })
		fmt.Println(err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: <nil>
}

func ExampleTimeoutBlock() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Timeout(ctx, time.Minute, func(ctx context.Context) error {
			block := aio.CurrentTimeout(ctx)
			left := block.When().Sub(aio.RunningLoop(ctx).Time())
			fmt.Println(left, "left, expired:", block.Expired())
			return block.Reschedule(time.Time{}) // no limit any more
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 1m0s left, expired: false
}

// For libraries that take a context: it follows the loop's clock.
func ExampleWithTimeout() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		short, cancel := aio.WithTimeout(ctx, time.Second)
		defer cancel()
		fmt.Println(errors.Is(aio.Sleep(short, time.Hour), context.DeadlineExceeded))
		fmt.Println(aio.Sleep(ctx, time.Hour)) // nothing else is concerned
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// true
	// <nil>
}

func ExampleWithDeadline() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		noon := aio.RunningLoop(ctx).Time().Add(12 * time.Hour)
		morning, cancel := aio.WithDeadline(ctx, noon)
		defer cancel()
		at, ok := morning.Deadline()
		fmt.Println(at.Format(time.TimeOnly), ok)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 12:00:00 true
}

func ExampleWithCancelCause() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		work, cancel := aio.WithCancelCause(ctx)
		betterIdea := errors.New("a better idea")
		aio.RunningLoop(ctx).CallLater(time.Second, func() { cancel(betterIdea) })

		err := aio.Sleep(work, time.Hour)
		fmt.Println(errors.Is(err, context.Canceled), errors.Is(err, betterIdea))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: true true
}

func ExampleAll() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		square := func(ctx context.Context, n int) (int, error) { return n * n, aio.Sleep(ctx, time.Second) }
		squares, err := aio.All(ctx, aio.Bind(square, 3), aio.Bind(square, 4))
		fmt.Println(squares, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: [9 16] <nil>
}

// The first error ends the others; when All returns they have ended.
func ExampleAll_failure() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.All(ctx,
			aio.Action(func(ctx context.Context) error { return errors.New("boom") }),
			aio.Action(func(ctx context.Context) error {
				defer fmt.Println("the other has ended")
				return aio.Sleep(ctx, time.Hour)
			}),
		)
		fmt.Println(err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// the other has ended
	// boom
}

// The first mirror that answers is good enough.
func ExampleRace() {
	mirror := func(ctx context.Context, name string, delay time.Duration) (string, error) {
		if err := aio.Sleep(ctx, delay); err != nil {
			return "", err
		}
		if name == "broken" {
			return "", errors.New("broken: no such file")
		}
		return "from " + name, nil
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		v, err := aio.Race(ctx,
			aio.Bind2(mirror, "slow", time.Minute),
			aio.Bind2(mirror, "broken", time.Second),
			aio.Bind2(mirror, "fast", 2*time.Second),
		)
		fmt.Println(v, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: from fast <nil>
}

func ExampleMap() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		lengths, err := aio.Map(ctx, []string{"a", "bb", "ccc"}, func(ctx context.Context, s string) (int, error) {
			return len(s), aio.Sleep(ctx, time.Second)
		})
		fmt.Println(lengths, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: [1 2 3] <nil>
}

// With a limit of 10, a hundred items of a second each take ten seconds.
func ExampleLimit() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		_, err := aio.Map(ctx, make([]int, 100), func(ctx context.Context, _ int) (aio.None, error) {
			return aio.None{}, aio.Sleep(ctx, time.Second)
		}, aio.Limit(10))
		fmt.Println(loop.Time().Sub(began), err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 10s <nil>
}

// A function with options of its own hands those of Map on.
func ExampleMapOption() {
	double := func(ctx context.Context, items []int, opts ...aio.MapOption) ([]int, error) {
		return aio.Map(ctx, items, func(ctx context.Context, n int) (int, error) { return 2 * n, nil }, opts...)
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		doubles, err := double(ctx, []int{1, 2, 3}, aio.Limit(2))
		fmt.Println(doubles)
		return err
	})
	// Output: [2 4 6]
}

// Three loops, each on a goroutine of its own: what they share needs care, what belongs to one of
// them does not.
func ExampleRunParallel() {
	var total atomic.Int64
	err := aio.RunParallel(context.Background(), 3, func(ctx context.Context, i int) error {
		own := 0 // of this loop
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for range 10 {
				g.Go(func(ctx context.Context) error { own++; return nil })
			}
			return nil
		})
		total.Add(int64(own))
		return err
	})
	fmt.Println(total.Load(), err)
	// Output: 30 <nil>
}
