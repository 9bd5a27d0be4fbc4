package aio_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

func ExampleRun() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println("on the loop")
		return errors.New("what main returns")
	})
	fmt.Println(err)
	// Output:
	// on the loop
	// what main returns
}

func ExampleRunValue() {
	n, err := aio.RunValue(context.Background(), func(ctx context.Context) (int, error) {
		return 6 * 7, aio.Yield(ctx)
	})
	fmt.Println(n, err)
	// Output: 42 <nil>
}

// A runner keeps its loop, and the tasks on it, between two runs.
func ExampleRunner() {
	r := aio.NewRunner(aio.WithClock(aio.NewVirtualClock()))
	defer r.Close()

	r.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			for {
				fmt.Println("tick")
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
			}
		})
		return aio.Sleep(ctx, 1500*time.Millisecond)
	})
	fmt.Println("between the runs nothing happens")
	r.Run(context.Background(), func(ctx context.Context) error {
		return aio.Sleep(ctx, time.Second)
	})
	// Output:
	// tick
	// tick
	// between the runs nothing happens
	// tick
}

func ExampleNewRunner() {
	r := aio.NewRunner()
	defer r.Close()
	var word string
	err := r.Run(context.Background(), func(ctx context.Context) error { word = "hello"; return nil })
	fmt.Println(word, err)
	// Output: hello <nil>
}

// What main leaves behind may finish, for as long as the drain lasts; the rest is cancelled.
func ExampleWithShutdown() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		for _, d := range []time.Duration{time.Second, time.Minute} {
			aio.Start(ctx, func(ctx context.Context) error {
				err := aio.Sleep(ctx, d)
				fmt.Println("job of", d, "finished:", err == nil)
				return err
			})
		}
		return aio.Yield(ctx)
	}, aio.WithClock(aio.NewVirtualClock()), aio.WithShutdown(10*time.Second, time.Second))
	// Output:
	// job of 1s finished: true
	// job of 1m0s finished: false
}

func ExampleWithExceptionHandler() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error { return errors.New("nobody awaits me") }, aio.Name("orphan"))
		return aio.Yield(ctx)
	}, aio.WithExceptionHandler(func(l *aio.Loop, r aio.Report) {
		fmt.Println(r.TaskName+":", r.Message+":", r.Err)
	}))
	// Output: orphan: a task failed and its error was never retrieved: nobody awaits me
}

// An adapter reports what it can tell no caller.
func ExampleReport() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		loop.SetExceptionHandler(func(l *aio.Loop, r aio.Report) { fmt.Println(r.Message+":", r.Err) })
		loop.CallExceptionHandler(aio.Report{Message: "the cache could not be saved", Err: errors.New("disk full")})
		return nil
	})
	// Output: the cache could not be saved: disk full
}

// Debug mode is for one loop; the environment variable AIO_DEBUG switches it on for all.
func ExampleWithDebug() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println(aio.RunningLoop(ctx).Debug())
		return nil
	}, aio.WithDebug(true))
	// Output: true
}

// With the watchdog on, a step that holds the loop for longer is logged, with the line that does,
// while it does.
func ExampleWithSlowCallback() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Yield(ctx) // nothing here holds it up
	}, aio.WithSlowCallback(time.Minute))
	fmt.Println(err)
	// Output: <nil>
}

// An option is a value: programs keep those that they always use.
func ExampleOption() {
	forTests := []aio.Option{
		aio.WithClock(aio.NewVirtualClock()),
		aio.WithShutdown(0, time.Second),
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) }, forTests...)
	fmt.Println(err)
	// Output: <nil>
}

// A loop of one's own, driven by callbacks: what Run and tasks are built on.
func ExampleLoop() {
	loop := aio.NewLoop(aio.WithClock(aio.NewVirtualClock()))
	defer loop.Close()
	loop.CallSoon(func() { fmt.Println("soon") })
	loop.CallLater(time.Second, func() {
		fmt.Println("later")
		loop.Stop()
	})
	loop.RunForever()
	// Output:
	// soon
	// later
}

func ExampleNewLoop() {
	loop := aio.NewLoop()
	fmt.Println(loop.IsRunning(), loop.IsClosed())
	loop.Close()
	fmt.Println(loop.IsRunning(), loop.IsClosed())
	// Output:
	// false false
	// false true
}

func ExampleRunUntilComplete() {
	loop := aio.NewLoop()
	defer loop.Close()
	v, err := aio.RunUntilComplete(loop, func(ctx context.Context) (string, error) { return "done", aio.Yield(ctx) })
	fmt.Println(v, err)
	// Output: done <nil>
}

// Tasks can be made before the loop runs, with its ambient context.
func ExampleRunUntilComplete_task() {
	loop := aio.NewLoop()
	defer loop.Close()
	task := aio.CreateTask(loop.Context(), func(ctx context.Context) (int, error) { return 1, aio.Yield(ctx) })
	v, err := aio.RunUntilComplete(loop, task.Await)
	fmt.Println(v, err)
	// Output: 1 <nil>
}

func ExampleRunningLoop() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println(aio.RunningLoop(ctx).IsRunning())
		return nil
	})
	// Output: true
}

// Callbacks cannot wait. They start tasks with the loop's ambient context.
func ExampleLoop_Context() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		loop.CallLater(time.Second, func() {
			aio.Start(loop.Context(), func(ctx context.Context) error {
				fmt.Println("a task of a callback")
				return nil
			})
		})
		return aio.Sleep(ctx, 2*time.Second)
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: a task of a callback
}

func ExampleLoop_CallSoonThreadsafe() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		var done aiosync.Event
		go func() {
			loop.CallSoonThreadsafe(func() {
				fmt.Println("on the loop")
				done.Set()
			})
		}()
		return done.Wait(ctx)
	})
	// Output: on the loop
}

func ExampleLoop_OnShutdown() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		loop.OnShutdown(func() { fmt.Println("2. no new work") })
		loop.OnClose(func() { fmt.Println("4. files closed") })
		aio.Start(ctx, func(ctx context.Context) error {
			defer fmt.Println("3. tasks ended")
			return aio.Sleep(ctx, time.Hour)
		})
		fmt.Println("1. main ends")
		return aio.Yield(ctx)
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// 1. main ends
	// 2. no new work
	// 3. tasks ended
	// 4. files closed
}

func ExampleLoop_SetExceptionHandler() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		loop.SetExceptionHandler(func(l *aio.Loop, r aio.Report) {
			var p *aio.PanicError
			if errors.As(r.Err, &p) {
				fmt.Println("reported:", p.Value)
			}
		})
		loop.CallSoon(func() { panic("a callback has nobody to tell") })
		return aio.Yield(ctx)
	})
	// Output: reported: a callback has nobody to tell
}

func ExampleHandle() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		handle := aio.RunningLoop(ctx).CallSoon(func() { fmt.Println("never printed") })
		handle.Cancel()
		fmt.Println("cancelled:", handle.Cancelled())
		return aio.Yield(ctx)
	})
	// Output: cancelled: true
}

func ExampleTimerHandle() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		alarm := loop.CallAt(loop.Time().Add(7*time.Hour), func() { fmt.Println("good morning") })
		fmt.Println("set to", alarm.When().Format(time.Kitchen))
		return aio.Sleep(ctx, 8*time.Hour)
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// set to 7:00AM
	// good morning
}

func ExampleNow() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		until := aio.Now(ctx).Add(time.Hour) // for another machine to see
		fmt.Println("lent until", until.Format(time.DateTime))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	fmt.Println(err)
	// Output:
	// lent until 2000-01-01 01:00:00
	// <nil>
}

func ExampleVirtualClock() {
	clock := aio.NewVirtualClock()
	began := clock.Now()
	aio.Run(context.Background(), func(ctx context.Context) error { return aio.Sleep(ctx, 1000*time.Hour) }, aio.WithClock(clock))
	fmt.Println(clock.Now().Sub(began))
	// Output: 1000h0m0s
}

func ExampleNewVirtualClock() {
	fmt.Println(aio.NewVirtualClock().Now())
	// Output: 2000-01-01 00:00:00 +0000 UTC
}

func ExampleWithClock() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println(aio.RunningLoop(ctx).Time().Year())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 2000
}

// slowed is a clock on which everything takes twice as long as on another.
type slowed struct {
	aio.Clock
	began time.Time
}

func (c slowed) Now() time.Time { return c.began.Add(2 * c.Clock.Now().Sub(c.began)) }

func (c slowed) Advance(until time.Time) bool {
	return c.Clock.Advance(c.began.Add((until.Sub(c.began) + 1) / 2))
}

func ExampleClock() {
	inner := aio.NewVirtualClock()
	clock := slowed{inner, inner.Now()}
	aio.Run(context.Background(), func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) }, aio.WithClock(clock))
	fmt.Println(inner.Now().Sub(clock.began))
	// Output: 30m0s
}

// lastFirst turns every order round.
type lastFirst struct{}

func (lastFirst) Choose(what aio.Choice, n int) int { return n - 1 }

func ExampleChooser() {
	program := func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for _, name := range []string{"a", "b", "c"} {
				g.Go(func(ctx context.Context) error { fmt.Print(name, " "); return nil })
			}
			return nil
		})
	}
	aio.Run(context.Background(), program)
	aio.Run(context.Background(), program, aio.WithChooser(lastFirst{}))
	// Output: a b c c b a
}

// random makes choices that a seed repeats.
type random struct{ *rand.Rand }

func (r random) Choose(what aio.Choice, n int) int { return r.IntN(n) }

// backwards runs what has become ready last.
type backwards struct{}

func (backwards) Next(ready []aio.Entry) int { return len(ready) - 1 }
func (backwards) Await(aio.Await)            {}

func ExampleScheduler() {
	var order []string
	program := func(ctx context.Context) error {
		order = nil
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for _, name := range []string{"a", "b"} {
				g.Go(func(ctx context.Context) error {
					for i := range 2 {
						order = append(order, fmt.Sprint(name, i))
						if err := aio.Yield(ctx); err != nil {
							return err
						}
					}
					return nil
				})
			}
			return nil
		})
	}
	aio.Run(context.Background(), program)
	fmt.Println(order)
	aio.Run(context.Background(), program, aio.WithScheduler(backwards{})) // b as long as it is ready
	fmt.Println(order)
	// Output:
	// [a0 b0 a1 b1]
	// [b0 b1 a0 a1]
}

// reader prints what it sees and changes nothing.
type reader struct{}

func (reader) Next(ready []aio.Entry) int {
	e := ready[0]
	fmt.Println(len(ready), "ready; first", e.EntryKey, "after", e.Op, "because of", e.By)
	return 0
}

func (reader) Await(a aio.Await) { fmt.Println("task", a.Task, "waits in", a.Op, a.On()) }

func ExampleWithScheduler() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error { return nil }, aio.Name("job"))
		_, err := task.Await(ctx)
		return err
	}, aio.WithScheduler(reader{}))
	// Output:
	// 1 ready; first step 1 after  because of nothing 0
	// task 1 waits in Task.Await task job
	// 1 ready; first step 2 after  because of step 1
	// 1 ready; first step 1 after Task.Await because of step 2
}

func ExampleWithChooser() {
	order := func(seed uint64) (order string) {
		aio.Run(context.Background(), func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				for i := range 10 {
					g.Go(func(ctx context.Context) error { order += fmt.Sprint(i); return nil })
				}
				return nil
			})
		}, aio.WithChooser(random{rand.New(rand.NewPCG(seed, 0))}))
		return order
	}
	once, again, other := order(1), order(1), order(2)
	fmt.Println(once == again, once == other)
	// Output: true false
}

// counting counts the decisions of each kind.
type counting map[aio.Choice]int

func (c counting) Choose(what aio.Choice, n int) int { c[what]++; return 0 }

func ExampleChoice() {
	seen := counting{}
	aio.Run(context.Background(), func(ctx context.Context) error {
		tick := func(ctx context.Context, _ int) (aio.None, error) { return aio.None{}, aio.Sleep(ctx, time.Second) }
		_, err := aio.Map(ctx, make([]int, 2), tick)
		return err
	}, aio.WithChooser(seen), aio.WithClock(aio.NewVirtualClock()))
	fmt.Println(seen[aio.ChooseReady] > 0, seen[aio.ChooseTimer], seen[aio.ChooseEvent])
	// Output: true 1 0
}

// A connection is closed when nothing has come for a minute: each message starts the timer again.
func ExampleTimer() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		idle := loop.NewTimer(func() { fmt.Println("closed after", loop.Time().Sub(began)) })
		idle.Start(time.Minute)
		for range 3 { // messages
			if err := aio.Sleep(ctx, 40*time.Second); err != nil {
				return err
			}
			idle.Start(time.Minute)
		}
		return aio.Sleep(ctx, time.Hour)
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: closed after 3m0s
}

func ExampleSnapshot() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		fetch := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) }, aio.Name("fetch"))
		aio.Start(ctx, func(ctx context.Context) error {
			_, err := fetch.Await(ctx)
			return err
		}, aio.Name("show"))
		if err := aio.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		return aio.RunningLoop(ctx).Snapshot(false).WriteTree(os.Stdout)
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// main (running)
	// show (waiting in Task.Await)
	//     fetch (waiting in Sleep for 59m0s more)
}

func ExampleTaskInfo() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var lock aiosync.Lock
		if err := lock.Acquire(ctx); err != nil {
			return err
		}
		aio.Start(ctx, lock.Acquire, aio.Name("patient"))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		for _, t := range aio.RunningLoop(ctx).Snapshot(false).Tasks {
			fmt.Println(t.Name, t.State, t.Op, t.WaitsFor)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// main running  []
	// patient waiting Lock.Acquire [1]
}

// A task that does not follow a request to cancel it shows up.
func ExampleCancelInfo() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		stubborn := aio.Start(ctx, func(ctx context.Context) error {
			return aio.Sleep(context.WithoutCancel(ctx), time.Minute)
		}, aio.Name("stubborn"))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		stubborn.Cancel(errors.New("enough"))
		if err := aio.Sleep(ctx, 12*time.Second); err != nil {
			return err
		}
		for _, t := range aio.RunningLoop(ctx).Snapshot(false).Tasks {
			if t.Cancel != nil {
				fmt.Println(t.Name, "was cancelled", t.Cancel.Since, "ago:", t.Cancel.Cause)
			}
		}
		_, err := stubborn.Await(ctx)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: stubborn was cancelled 12s ago: enough
}

func ExampleCounters() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		before := l.Snapshot(false).Counters
		for range 3 {
			aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		}
		if err := aio.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		after := l.Snapshot(false).Counters
		fmt.Println("made", after.Made-before.Made, "ended", after.Ended-before.Ended)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: made 3 ended 0
}

// Two tasks that wait for each other.
func ExampleChain() {
	s := aio.Snapshot{Tasks: []aio.TaskInfo{
		{ID: 1, Name: "a", State: "waiting", Op: "Task.Await", On: "task b", WaitsFor: []uint32{2}},
		{ID: 2, Name: "b", State: "waiting", Op: "Task.Await", On: "task a", WaitsFor: []uint32{1}},
	}}
	c := s.Why(1)
	fmt.Println(len(c.Tasks), "tasks, the last waits for", c.Tasks[c.Back].Name)
	fmt.Print(c)
	// Output:
	// 2 tasks, the last waits for a
	// a (task 1) waits 0s in Task.Await for task b
	// b (task 2) waits 0s in Task.Await for task a
	// a cycle: a, b wait for each other
}

// A chain leads from a task that is stuck to the one that holds it up.
func ExampleSnapshot_Why() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var lock aiosync.Lock
		var stuck *aio.Task[aio.None]
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				return lock.With(ctx, func(ctx context.Context) error {
					return aio.Sleep(ctx, time.Hour)
				})
			}, aio.Name("holder"))
			stuck = g.Go(lock.Acquire, aio.Name("stuck"))
			if err := aio.Sleep(ctx, 10*time.Minute); err != nil {
				return err
			}
			fmt.Print(aio.RunningLoop(ctx).Snapshot(false).Why(stuck.ID()))
			g.Cancel(nil)
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// stuck (task 3) waits 10m0s in Lock.Acquire for <Lock locked, waiters:1> held by holder
	// holder (task 2) waits 10m0s in Sleep for 50m0s more
	// holder holds it up: it waits 10m0s in Sleep for 50m0s more
}

// A monitor, on another goroutine, asks a running loop.
func ExampleTakeSnapshot() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		return aio.Blocking(ctx, func(ctx context.Context) error {
			s, err := aio.TakeSnapshot(ctx, loop, false)
			for _, t := range s.Tasks {
				fmt.Println(t.Name, t.State, t.Op)
			}
			return err
		})
	})
	// Output: main waiting Blocking
}

// A goroutine that listens outside of the loop is declared, so that a virtual clock does not take
// the wait for it for a deadlock.
func ExampleLoop_MayPost() {
	lines := make(chan string) // from outside, at any time
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		inbox := aiosync.NewQueue[string](0)
		l.MayPost(1)
		go func() {
			defer l.MayPost(-1)
			for line := range lines {
				_, _ = l.CallSoonThreadsafe(func() { inbox.PutNowait(line) })
			}
		}()
		go func() { // somebody
			time.Sleep(10 * time.Millisecond) // stands for a source outside the loop that is slow
			lines <- "hello"
			close(lines)
		}()
		line, err := inbox.Get(ctx)
		fmt.Println(line)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	fmt.Println(err)
	// Output:
	// hello
	// <nil>
}

// A source stands for a device in a test. It needs no descriptor.
func ExampleSource() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		key := aio.NewFuture[aio.Interest](ctx)
		keyboard := l.NewSource(func(ev aio.Interest) { key.SetResult(ev) })
		defer keyboard.Close()
		l.CallLater(time.Hour, func() { keyboard.Report(aio.Readable) })
		ev, err := key.Await(ctx)
		fmt.Println("readable:", ev == aio.Readable)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	fmt.Println(err)
	// Output:
	// readable: true
	// <nil>
}

func ExampleWaitInfo() {
	var lock aiosync.Lock
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			if err := lock.Acquire(ctx); err != nil {
				return err
			}
			for range 3 {
				g.Go(lock.Acquire)
			}
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			for _, w := range aio.RunningLoop(ctx).Snapshot(false).Waits {
				fmt.Println(w.Waiters, "tasks in", w.Op, "for", w.Longest, "held by", w.Holder)
			}
			g.Cancel(nil)
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	fmt.Println(err)
	// Output:
	// 3 tasks in Lock.Acquire for 1s held by main
	// <nil>
}

func ExampleLoop_MustBeHere() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		switchOn := func() { loop.MustBeHere("Lamp.SwitchOn") } // and changes what tasks share
		switchOn()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { fmt.Println("panics:", recover() != nil) }()
			switchOn()
		}()
		<-done
		return nil
	}, aio.WithDebug(true))
	fmt.Println(err)
	// Output:
	// panics: true
	// <nil>
}
