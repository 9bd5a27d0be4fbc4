package suite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// The programs in this file pin down the order in which things happen. The files in
// testdata/programs hold what CPython's asyncio prints for the same program, and ours has to print
// the same, to the letter.

// script is one program: it prints to out.
type script func(t *testing.T, out *printer)

type printer struct{ strings.Builder }

func (p *printer) print(args ...any) { fmt.Fprintln(p, args...) }

func (p *printer) printf(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// inMain makes a script of a main function that runs under a virtual clock.
func inMain(main func(ctx context.Context, out *printer) error) script {
	return func(t *testing.T, out *printer) {
		run(t, func(ctx context.Context) error { return main(ctx, out) })
	}
}

// pass waits for a gate, without closing it to others when it is cancelled.
func pass(ctx context.Context, g *aio.Future[aio.None]) error {
	_, err := aio.Shield(ctx, g)
	return err
}

func pyList(items []string) string {
	if len(items) == 0 {
		return "[]"
	}
	return "['" + strings.Join(items, "', '") + "']"
}

var programs = map[string]script{
	"p01_call_soon_fifo": func(t *testing.T, out *printer) {
		l := aio.NewLoop()
		for _, name := range []string{"a", "b", "c", "d"} {
			l.CallSoon(func() { out.print(name) })
		}
		l.CallSoon(l.Stop)
		l.RunForever()
		l.Close()
		out.print("end")
	},

	"p02_breadth_first": func(t *testing.T, out *printer) {
		l := aio.NewLoop()
		defer l.Close()
		var step func(name string, depth int)
		step = func(name string, depth int) {
			out.print(name, depth)
			switch {
			case depth < 2:
				l.CallSoon(func() { step(name, depth+1) })
			case name == "z":
				l.Stop()
			}
		}
		for _, name := range []string{"x", "y", "z"} {
			l.CallSoon(func() { step(name, 0) })
		}
		l.RunForever()
	},

	"p03_create_task_is_deferred": inMain(func(ctx context.Context, out *printer) error {
		child := func(n int) *aio.Task[aio.None] {
			return aio.Start(ctx, func(ctx context.Context) error {
				out.print("child", n, "runs")
				return nil
			})
		}
		out.print("main 1")
		one, two := child(1), child(2)
		out.print("main 2")
		_, err := two.Await(ctx)
		out.print("main 3", pyBool(one.Done()))
		return err
	}),

	"p04_round_robin": inMain(func(ctx context.Context, out *printer) error {
		var tasks []*aio.Task[aio.None]
		for _, name := range []string{"A", "B", "C"} {
			tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error {
				for i := range 3 {
					out.print(name, i)
					if err := aio.Sleep(ctx, 0); err != nil {
						return err
					}
				}
				return nil
			}))
		}
		for _, task := range tasks {
			if _, err := task.Await(ctx); err != nil {
				return err
			}
		}
		return nil
	}),

	"p06_direct_await_does_not_yield": inMain(func(ctx context.Context, out *printer) error {
		l := aio.RunningLoop(ctx)
		l.CallSoon(func() { out.print("callback") })
		helper := func(ctx context.Context) (int, error) {
			out.print("helper")
			return 7, nil
		}
		v, _ := helper(ctx)
		out.print("got", v)
		f := aio.NewFuture[int](l.Context())
		f.SetResult(8)
		v, err := f.Await(ctx)
		if err != nil {
			return err
		}
		out.print("got", v)
		err = aio.Sleep(ctx, 0)
		out.print("after yield")
		return err
	}),

	"p07_cancelled_handles": inMain(func(ctx context.Context, out *printer) error {
		l := aio.RunningLoop(ctx)
		say := func(what string) *aio.Handle { return l.CallSoon(func() { out.print(what) }) }
		one, two, three := say("one"), say("two"), say("three")
		var four *aio.Handle
		l.CallSoon(func() {
			out.print("kill four")
			four.Cancel()
		})
		four = say("four")
		two.Cancel()
		two.Cancel()
		timer := l.CallLater(10*time.Millisecond, func() { out.print("timer") })
		timer.Cancel()
		if err := aio.Sleep(ctx, 30*time.Millisecond); err != nil {
			return err
		}
		one.Cancel()
		out.print(pyBool(one.Cancelled()), pyBool(two.Cancelled()), pyBool(three.Cancelled()),
			pyBool(four.Cancelled()), pyBool(timer.Cancelled()))
		return nil
	}),

	"p09_threadsafe_fifo": inMain(func(ctx context.Context, out *printer) error {
		l := aio.RunningLoop(ctx)
		var seen []int
		done := gate(ctx)
		var thread sync.WaitGroup
		l.ExpectPosts(1)
		thread.Go(func() {
			for i := range 5 {
				l.CallSoonThreadsafe(func() { seen = append(seen, i) })
			}
			l.CallSoonThreadsafe(func() { l.ExpectPosts(-1); open(done) })
		})
		if _, err := done.Await(ctx); err != nil {
			return err
		}
		thread.Wait()
		out.print("[" + strings.ReplaceAll(strings.Trim(fmt.Sprint(seen), "[]"), " ", ", ") + "]")
		l.CallSoonThreadsafe(func() { out.print("same thread 1") })
		l.CallSoon(func() { out.print("same thread 2") })
		l.CallSoonThreadsafe(func() { out.print("same thread 3") })
		return aio.Sleep(ctx, 0)
	}),

	"p10_timers_by_deadline": inMain(func(ctx context.Context, out *printer) error {
		l := aio.RunningLoop(ctx)
		now := l.Time()
		at := func(ms int) *aio.TimerHandle {
			return l.CallAt(now.Add(time.Duration(ms)*time.Millisecond), func() { out.print(ms) })
		}
		at(90)
		at(30)
		at(60)
		at(45).Cancel()
		err := aio.Sleep(ctx, 120*time.Millisecond)
		out.print("done")
		return err
	}),

	"p11_due_timer_goes_behind_ready": inMain(func(ctx context.Context, out *printer) error {
		l := aio.RunningLoop(ctx)
		l.CallLater(0, func() { out.print("timer zero") })
		l.CallLater(-5*time.Second, func() { out.print("timer past") })
		l.CallSoon(func() { out.print("soon 1") })
		l.CallSoon(func() { out.print("soon 2") })
		if err := aio.Sleep(ctx, 0); err != nil {
			return err
		}
		out.print("main")
		err := aio.Sleep(ctx, 0)
		out.print("main again")
		return err
	}),

	"p12_negative_delays": func(t *testing.T, out *printer) {
		l := aio.NewLoop()
		defer l.Close()
		for i, name := range []string{"a", "b", "c"} {
			l.CallLater(-time.Duration(i+1)*time.Second, func() { out.printf("%s (%d s ago)", name, i+1) })
		}
		l.CallLater(0, l.Stop)
		l.RunForever()
	},

	"p14_sleep_order": inMain(func(ctx context.Context, out *printer) error {
		sleeper := func(d time.Duration, what string) aio.Func[aio.None] {
			return aio.Action(func(ctx context.Context) error {
				err := aio.Sleep(ctx, d)
				out.print(what)
				return err
			})
		}
		_, err := aio.All(ctx,
			sleeper(450*time.Millisecond, "long"),
			sleeper(150*time.Millisecond, "short"),
			sleeper(300*time.Millisecond, "middle"),
			aio.Action(func(ctx context.Context) error {
				for range 3 {
					if err := aio.Sleep(ctx, 0); err != nil {
						return err
					}
				}
				out.print("three zero sleeps")
				return nil
			}),
			sleeper(0, "zero"),
			sleeper(-time.Second, "negative"),
		)
		// Sleep has no value to return in Go; a function that sleeps and returns one takes its
		// place.
		value, _ := func(ctx context.Context) (string, error) {
			return "value from sleep", aio.Sleep(ctx, 0)
		}(ctx)
		out.print(value)
		return err
	}),

	"p15_done_callbacks_order": inMain(func(ctx context.Context, out *printer) error {
		l := aio.RunningLoop(ctx)
		f := aio.NewFuture[string](l.Context())
		callback := func(what string) func() {
			return func() {
				v, _ := f.Result()
				out.print(what, v)
			}
		}
		for i := range 3 {
			f.AddDoneCallback(callback(fmt.Sprint("callback ", i+1)))
		}
		l.CallSoon(func() { out.print("queued before completion") })
		f.SetResult("r")
		out.print("after set_result")
		l.CallSoon(func() { out.print("queued after completion") })
		f.AddDoneCallback(callback("late callback"))
		err := aio.Sleep(ctx, 0)
		out.print("end")
		return err
	}),

	"p16_remove_done_callback": inMain(func(ctx context.Context, out *printer) error {
		f := aio.NewFuture[aio.None](ctx)
		tokens := map[string][]func() bool{}
		add := func(name string) {
			tokens[name] = append(tokens[name], f.AddDoneCallback(func() { out.print(name) }))
		}
		remove := func(name string) (count int) {
			for _, token := range tokens[name] {
				if token() {
					count++
				}
			}
			return count
		}
		for _, name := range []string{"x", "y", "x", "z", "x"} {
			add(name)
		}
		out.print("removed", remove("x"))
		out.print("removed", remove("x"))
		add("x")
		open(f)
		return aio.Sleep(ctx, 0)
	}),

	"p18_waiters_wake_in_wait_order": inMain(func(ctx context.Context, out *printer) error {
		f := aio.NewFuture[int](ctx)
		wait := func(name string) *aio.Task[aio.None] {
			return aio.Start(ctx, func(ctx context.Context) error {
				out.print(name, "waits")
				v, err := f.Await(ctx)
				out.print(name, "got", v)
				return err
			})
		}
		var tasks []*aio.Task[aio.None]
		for _, name := range []string{"A", "B", "C"} {
			tasks = append(tasks, wait(name))
		}
		if err := aio.Sleep(ctx, 0); err != nil {
			return err
		}
		f.AddDoneCallback(func() { out.print("callback between") })
		tasks = append(tasks, wait("D"))
		if err := aio.Sleep(ctx, 0); err != nil {
			return err
		}
		f.SetResult(42)
		tasks = append(tasks, wait("E"))
		_, err := aio.Gather(ctx, tasks...)
		return err
	}),

	"p19_gather_result_order": inMain(func(ctx context.Context, out *printer) error {
		events := map[string]*aio.Future[aio.None]{}
		var jobs []*aio.Task[string]
		for _, name := range []string{"a", "b", "c"} {
			event := gate(ctx)
			events[name] = event
			jobs = append(jobs, aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
				err := pass(ctx, event)
				out.print("finished", name)
				return name, err
			}))
		}
		aio.Start(ctx, func(ctx context.Context) error {
			for _, name := range []string{"b", "c", "a"} {
				if err := aio.Sleep(ctx, 0); err != nil {
					return err
				}
				open(events[name])
			}
			return nil
		})
		results, err := aio.Gather(ctx, jobs...)
		if err != nil {
			return err
		}
		out.print(pyList(results))
		results, err = aio.Gather[string, *aio.Task[string]](ctx)
		out.print(pyList(results))
		return err
	}),

	"p20_gather_duplicates": inMain(func(ctx context.Context, out *printer) error {
		runs := 0
		job := func(name string) *aio.Task[string] {
			return aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
				runs++
				return name, aio.Sleep(ctx, 0)
			})
		}
		t, u := job("t"), job("u")
		results, err := aio.Gather(ctx, t, t, u, t)
		out.print(pyList(results))
		out.print("runs", runs)
		return err
	}),

	"p21_gather_first_error_leaves_siblings": inMain(func(ctx context.Context, out *printer) error {
		goSlow, goBad2 := gate(ctx), gate(ctx)
		slow := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			err := pass(ctx, goSlow)
			out.print("slow finished")
			return "slow", err
		})
		bad := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			if err := aio.Sleep(ctx, 0); err != nil {
				return "", err
			}
			return "", errors.New("bad")
		})
		bad2 := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			if err := pass(ctx, goBad2); err != nil {
				return "", err
			}
			out.print("bad2 raising")
			return "", errors.New("bad2")
		})
		_, err := aio.Gather(ctx, slow, bad, bad2)
		out.print("caught", err, "- slow done:", pyBool(slow.Done()), "- bad2 done:", pyBool(bad2.Done()))
		open(goBad2)
		for !bad2.Done() {
			if err := aio.Sleep(ctx, 0); err != nil {
				return err
			}
		}
		open(goSlow)
		v, err := slow.Await(ctx)
		out.print(v)
		return err
	}),

	"p23_gather_cancel_in_argument_order": inMain(func(ctx context.Context, out *printer) error {
		outer := aio.Start(ctx, func(ctx context.Context) error {
			var children []*aio.Task[aio.None]
			for _, n := range []int{3, 1, 2} {
				children = append(children, aio.Start(ctx, func(ctx context.Context) error {
					err := aio.Sleep(ctx, time.Hour)
					if errors.Is(err, aio.ErrCancelled) {
						out.print("child", n, "cancelled")
					}
					return err
				}))
			}
			_, err := aio.Gather(ctx, children...)
			return err
		})
		for range 2 {
			if err := aio.Sleep(ctx, 0); err != nil {
				return err
			}
		}
		out.print("cancel ->", pyBool(outer.Cancel(nil)))
		outer.Await(ctx)
		out.print("outer cancelled", pyBool(outer.Cancelled()))
		out.print("cancel again ->", pyBool(outer.Cancel(nil)))
		return nil
	}),

	"p24_wait_modes": inMain(func(ctx context.Context, out *printer) error {
		l := aio.RunningLoop(ctx)
		events := map[string]*aio.Future[aio.None]{}
		var tasks []*aio.Task[aio.None]
		for _, name := range []string{"a", "b", "c"} {
			event := gate(ctx)
			events[name] = event
			tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error {
				if err := pass(ctx, event); err != nil {
					return err
				}
				if name == "b" {
					return errors.New("b")
				}
				return nil
			}, aio.Name(name)))
		}
		names := func(tasks []*aio.Task[aio.None]) string {
			var list []string
			for _, task := range tasks {
				list = append(list, task.Name())
			}
			slices.Sort(list)
			return pyList(list)
		}

		l.CallSoon(func() { open(events["a"]) })
		done, pending, err := aio.Wait(ctx, aio.FirstCompleted, tasks...)
		out.print("FIRST_COMPLETED", names(done), names(pending))
		if err != nil {
			return err
		}
		l.CallSoon(func() { open(events["b"]) })
		done, pending, err = aio.Wait(ctx, aio.FirstException, tasks...)
		out.print("FIRST_EXCEPTION", names(done), names(pending))
		if err != nil {
			return err
		}
		done, pending, err = aio.WaitTimeout(ctx, 20*time.Millisecond, aio.AllCompleted, tasks...)
		var flags []string
		for _, task := range pending {
			flags = append(flags, pyBool(task.Cancelled()))
		}
		out.print("timeout", names(done), names(pending), "pending cancelled: ["+
			strings.Join(flags, ", ")+"]")
		if err != nil {
			return err
		}
		l.CallSoon(func() { open(events["c"]) })
		done, pending, err = aio.Wait(ctx, aio.AllCompleted, tasks...)
		out.print("ALL_COMPLETED", names(done), names(pending))
		out.print("error of b:", tasks[1].Err())
		return err
	}),

	"p25_as_completed_order": inMain(func(ctx context.Context, out *printer) error {
		events := map[string]*aio.Future[aio.None]{}
		job := func(name string) *aio.Task[string] {
			event := gate(ctx)
			events[name] = event
			return aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
				return name, pass(ctx, event)
			})
		}
		tasks := []*aio.Task[string]{job("one"), job("two"), job("three")}
		aio.Start(ctx, func(ctx context.Context) error {
			for _, name := range []string{"two", "three", "one"} {
				if err := aio.Sleep(ctx, 0); err != nil {
					return err
				}
				open(events[name])
			}
			return nil
		})
		for task, err := range aio.AsCompleted(ctx, tasks...) {
			if err != nil {
				return err
			}
			v, _ := task.Result()
			out.print(v)
		}

		out.print("-- with timeout")
		slow := job("slow")
		quick := aio.CreateTask(ctx, func(ctx context.Context) (string, error) { return "quick", nil })
		err := aio.Timeout(ctx, 300*time.Millisecond, func(ctx context.Context) error {
			for task, err := range aio.AsCompleted(ctx, slow, quick) {
				if err != nil {
					return err
				}
				v, _ := task.Result()
				out.print(v)
			}
			return nil
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("want a time-out, got %v", err)
		}
		out.print("timeout; the slow one is still running:", pyBool(!slow.Done()))
		slow.Cancel(nil)
		slow.Await(ctx)
		return nil
	}),

	"p27_shield": inMain(func(ctx context.Context, out *printer) error {
		event := gate(ctx)
		inner := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			err := pass(ctx, event)
			out.print("inner completes")
			return "value", err
		})
		outer := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			v, err := aio.Shield(ctx, inner)
			if errors.Is(err, aio.ErrCancelled) {
				out.print("outer cancelled, inner done:", pyBool(inner.Done()))
			}
			return v, err
		})
		if err := aio.Sleep(ctx, 0); err != nil {
			return err
		}
		outer.Cancel(nil)
		outcomes, err := aio.GatherSettled(ctx, outer)
		if err != nil {
			return err
		}
		out.print(strings.TrimPrefix(fmt.Sprintf("%T", outcomes[0].Err), "*aio."))
		open(event)
		v, err := inner.Await(ctx)
		out.print(v, pyBool(inner.Cancelled()))
		return err
	}),

	"p29_taskgroup_success": inMain(func(ctx context.Context, out *printer) error {
		event := gate(ctx)
		var one, two *aio.Task[int]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			one = aio.GoValue(g, func(ctx context.Context) (int, error) {
				out.print("start 1")
				err := pass(ctx, event)
				out.print("end 1")
				return 10, err
			})
			two = aio.GoValue(g, func(ctx context.Context) (int, error) {
				out.print("start 2")
				open(event)
				out.print("end 2")
				return 20, nil
			})
			out.print("body ends")
			return nil
		})
		if err != nil {
			return err
		}
		a, _ := one.Result()
		b, _ := two.Result()
		out.printf("joined [%d, %d]", a, b)
		err = aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				if err := aio.Sleep(ctx, 0); err != nil {
					return err
				}
				out.print("parent")
				g.Go(func(ctx context.Context) error {
					err := aio.Sleep(ctx, 10*time.Millisecond)
					out.print("leaf")
					return err
				})
				return nil
			})
			return nil
		})
		out.print("group waited for the grandchild")
		return err
	}),

	"p31_taskgroup_error_order": inMain(func(ctx context.Context, out *printer) error {
		show := func(err error) {
			list := []error{err}
			if joined, ok := err.(interface{ Unwrap() []error }); ok {
				list = joined.Unwrap()
			}
			var texts []string
			for _, err := range list {
				texts = append(texts, `"`+err.Error()+`"`)
			}
			out.print("[" + strings.Join(texts, ", ") + "]")
		}
		// answer waits to be cancelled and answers with an error of its own.
		answer := func(err error) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				if errors.Is(aio.Sleep(ctx, time.Hour), aio.ErrCancelled) {
					return err
				}
				return nil
			}
		}
		fail := func(err error) func(ctx context.Context) error {
			return func(ctx context.Context) error { return err }
		}
		show(aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(answer(errors.New("KeyError('during cancel')")))
			g.Go(fail(errors.New("ValueError('first')")))
			return nil
		}))
		show(aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(answer(errors.New("OSError('child cleanup')")))
			if err := aio.Sleep(ctx, 0); err != nil {
				return err
			}
			return errors.New("LookupError('body')")
		}))
		show(aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(fail(errors.New("ValueError('one')")))
			g.Go(fail(errors.New("ValueError('two')")))
			g.Go(fail(errors.New("ValueError('three')")))
			return nil
		}))
		return nil
	}),
}

func TestOrderingProgramsPrintWhatAsyncioPrints(t *testing.T) {
	files, err := filepath.Glob("testdata/programs/*.out")
	if err != nil || len(files) < len(programs) {
		t.Fatalf("%d files in testdata/programs for %d programs: %v", len(files), len(programs), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".out")
		program, ok := programs[name]
		if !ok {
			continue // another file has it
		}
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var out printer
			program(t, &out)
			if out.String() != string(want) {
				t.Errorf("it printed\n%swant\n%s", &out, want)
			}
		})
	}
}
