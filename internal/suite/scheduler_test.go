package suite_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// schedulerFunc is a scheduler made of a function.
type schedulerFunc func(ready []aio.Entry) int

func (f schedulerFunc) Next(ready []aio.Entry) int { return f(ready) }
func (schedulerFunc) Await(aio.Await)              {}

func anyOrder(seed uint64) aio.Scheduler {
	r := rand.New(rand.NewPCG(seed, 3))
	return schedulerFunc(func(ready []aio.Entry) int { return r.IntN(len(ready)) })
}

// orders runs the program until every answer of a scheduler has been given, and returns how many
// schedules there were and the different logs, in the order of the alphabet.
func orders(
	t *testing.T, program func(ctx context.Context, j *journal) error,
) (schedules int, logs []string) {
	t.Helper()
	type choice struct{ answer, of int }
	var path []choice
	seen := map[string]bool{}
	for {
		var j journal
		depth := 0
		run(t, func(ctx context.Context) error { return program(ctx, &j) },
			aio.WithScheduler(schedulerFunc(func(ready []aio.Entry) int {
				if len(ready) == 1 {
					return 0
				}
				if depth == len(path) {
					path = append(path, choice{0, len(ready)})
				}
				depth++
				return path[depth-1].answer
			})))
		schedules++
		seen[fmt.Sprint(j)] = true
		for len(path) > 0 && path[len(path)-1].answer+1 == path[len(path)-1].of {
			path = path[:len(path)-1]
		}
		if len(path) == 0 {
			break
		}
		path[len(path)-1].answer++
	}
	for log := range seen {
		logs = append(logs, log)
	}
	slices.Sort(logs)
	return schedules, logs
}

func TestASchedulerReachesEveryOrderOfTheSteps(t *testing.T) {
	schedules, logs := orders(t, func(ctx context.Context, j *journal) error {
		steps := func(name string) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				for range 3 {
					j.Add("%s", name)
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
				return nil
			}
		}
		a, b := aio.Start(ctx, steps("a")), aio.Start(ctx, steps("b"))
		_, err := aio.Gather[aio.None](ctx, a, b)
		return err
	})
	if len(logs) != 20 || schedules != 70 { // of 6 over 3; with the last, empty steps of 8 over 4
		t.Errorf("%d schedules reach %d orders", schedules, len(logs))
	}
}

func TestASleepIsChosenOnceAndTiesHaveEveryOrder(t *testing.T) {
	schedules, logs := orders(t, func(ctx context.Context, j *journal) error {
		var tasks []*aio.Task[aio.None]
		aio.RunningLoop(ctx).CallLater(time.Second, func() { j.Add("timer") })
		for i := range 2 {
			tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error {
				err := aio.Sleep(ctx, time.Second)
				j.Add("%d", i)
				return err
			}, aio.Eager()))
		}
		err := aio.Sleep(ctx, 2*time.Second)
		for _, task := range tasks {
			task.Err()
		}
		return err
	})
	if schedules != 6 || len(logs) != 6 {
		t.Errorf("%d schedules, orders %v", schedules, logs)
	}
}

func TestATimeoutAndASleepOfOneDeadlineHaveBothOrders(t *testing.T) {
	schedules, logs := orders(t, func(ctx context.Context, j *journal) error {
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			return aio.Sleep(ctx, time.Second)
		})
		j.Add("timed out: %t", err != nil)
		return nil
	})
	if schedules != 2 || fmt.Sprint(logs) != "[[timed out: false] [timed out: true]]" {
		t.Errorf("%d schedules, orders %v", schedules, logs)
	}
}

func TestASchedulerKnowsWhoWokeWhom(t *testing.T) {
	var steps []string
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](ctx)
		task := aio.Start(ctx, func(context.Context) error { return f.SetResult(1) })
		if _, err := f.Await(ctx); err != nil {
			return err
		}
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		_, err := task.Await(ctx)
		return err
	}, aio.WithScheduler(schedulerFunc(func(ready []aio.Entry) int {
		for _, e := range ready {
			steps = append(steps, fmt.Sprintf("%v %q by %v", e.EntryKey, e.Op, e.By))
		}
		return 0
	})))
	want := []string{
		`step 1 "" by nothing 0`, `step 3 "" by step 1`, `step 1 "Future.Await" by step 3`,
		`step 1 "Sleep" by nothing 0`,
	}
	if !slices.Equal(steps, want) {
		t.Errorf("steps %q", steps)
	}
}

func TestASchedulerMayLookAtTheLoopAndCancel(t *testing.T) {
	r := aio.NewRunner(aio.WithClock(aio.NewVirtualClock()),
		aio.WithScheduler(schedulerFunc(func([]aio.Entry) int { return 0 })))
	r.Close()
	var loop *aio.Loop
	asked := 0
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop = aio.RunningLoop(ctx)
		victim := aio.Start(ctx, forever, aio.Name("victim"))
		_, err := aio.GatherSettled[aio.None](ctx, victim)
		if !victim.Cancelled() {
			t.Errorf("%v was not cancelled", victim)
		}
		return err
	}, aio.WithClock(aio.NewVirtualClock()),
		aio.WithScheduler(schedulerFunc(func(ready []aio.Entry) int {
			if asked++; loop != nil {
				if loop.CurrentTask() != nil {
					t.Error("a task runs while the scheduler is asked")
				}
				for _, task := range loop.AllTasks() {
					if task.Name() == "victim" && asked == 2 {
						task.Cancel(nil)
					}
				}
			}
			return len(ready) - 1
		})))
	if err != nil {
		t.Error(err)
	}
}

func TestAWrongAnswerOfASchedulerPanicsAndLeavesNothing(t *testing.T) {
	for _, answer := range []int{-2, 1} {
		wantPanic(t, func() {
			aio.Run(context.Background(), forever, aio.WithScheduler(schedulerFunc(func([]aio.Entry) int {
				return answer
			})),
				aio.WithClock(aio.NewVirtualClock()), (&reports{}).Option())
		}, "aio: Scheduler.Next: the answer is not the index of an entry")
	}
}

func TestThreadsAreWaitedForBeforeASchedulerIsAsked(t *testing.T) {
	for range 20 {
		var seen []string
		run(t, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				for range 3 {
					g.Go(func(ctx context.Context) error {
						_, err := aio.ToThread(ctx, func(context.Context) (int, error) { return 1, nil })
						return err
					})
				}
				return nil
			})
		}, aio.WithScheduler(schedulerFunc(func(ready []aio.Entry) int {
			line := ""
			for _, e := range ready {
				line += e.String() + " "
			}
			seen = append(seen, line)
			return len(ready) - 1
		})))
		want := []string{
			"step 1 ", "step 2 step 3 step 4 ", "step 2 step 3 step 4 ", "step 2 step 3 ",
			"step 2 step 3 ", "step 2 ", "step 2 ", "step 1 ",
		}
		if !slices.Equal(seen, want) {
			t.Fatalf("%q", seen)
		}
	}
}

func TestAResetRunnerBeginsAnew(t *testing.T) {
	r := aio.NewRunner(aio.WithClock(aio.NewVirtualClock()))
	defer r.Close()
	for range 3 {
		first := r.Loop()
		if err := r.Run(context.Background(), func(ctx context.Context) error {
			left := aio.Start(ctx, forever)
			if left.ID() != 2 || left.Name() != "Task-2" {
				t.Errorf("task %d, %s", left.ID(), left.Name())
			}
			return aio.Yield(ctx)
		}); err != nil {
			t.Error(err)
		}
		if r.Reset(); !first.IsClosed() || r.Loop() == first {
			t.Error("the loop is the same")
		}
	}
}

type panicsInAwait struct{ aio.Scheduler }

func (panicsInAwait) Await(aio.Await) { panic("in Await") }

// The wait that the task was about to begin must not wake it after its end.
func TestAPanicOfASchedulersAwaitIsThePanicOfTheTask(t *testing.T) {
	defer func() {
		if p, ok := recover().(*aio.PanicError); !ok || p.Value != "in Await" {
			t.Errorf("the panic is %v", p)
		}
	}()
	_ = aio.Run(context.Background(), func(ctx context.Context) error {
		for range 2 {
			aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Millisecond) })
		}
		return aio.Sleep(ctx, time.Second)
	}, aio.WithClock(aio.NewVirtualClock()), aio.WithScheduler(panicsInAwait{anyOrder(1)}), aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {}))
}
