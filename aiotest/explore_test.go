package aiotest_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
)

// recorder is a testing.TB that keeps what a test would print.
type recorder struct {
	testing.TB
	name     string
	errors   []string
	logs     []string
	cleanups []func()
}

func (r *recorder) Helper()           {}
func (r *recorder) Name() string      { return r.name }
func (r *recorder) Cleanup(fn func()) { r.cleanups = append(r.cleanups, fn) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}
func (r *recorder) Log(args ...any) { r.logs = append(r.logs, fmt.Sprint(args...)) }
func (r *recorder) Logf(format string, args ...any) {
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}

// explore returns what Explore would print.
func explore(
	t *testing.T,
	fn func(ctx context.Context, t *aiotest.T) error,
	opts ...aiotest.Option,
) *recorder {
	r := &recorder{TB: t, name: t.Name()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		aiotest.Explore(r, fn, opts...)
	}()
	<-done
	for _, fn := range r.cleanups {
		fn()
	}
	return r
}

func anHour(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) }

func lostUpdate(yields int) func(ctx context.Context, t *aiotest.T) error {
	return func(ctx context.Context, t *aiotest.T) error {
		n := 0
		add := func(ctx context.Context) error {
			was := n
			for range yields {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			n = was + 1
			return nil
		}
		if err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error { return add(ctx) }, aio.Name("left"))
			g.Go(func(ctx context.Context) error {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				return add(ctx)
			}, aio.Name("right"))
			return nil
		}); err != nil {
			return err
		}
		if n != 2 {
			t.Errorf("n = %d, want 2", n)
		}
		return nil
	}
}

func wantOne(t *testing.T, r *recorder, parts ...string) {
	t.Helper()
	if len(r.errors) != 1 {
		t.Fatalf("errors %q", r.errors)
	}
	for _, part := range parts {
		if !strings.Contains(r.errors[0], part) {
			t.Errorf("there is no %q in:\n%s", part, r.errors[0])
		}
	}
}

func TestALostUpdateIsFoundShrunkAndTold(t *testing.T) {
	wantOne(t, explore(t, lostUpdate(2)),
		"the shortest found has 1 departure from the plain order\n",
		"n = 1, want 2",
		">   4  right      starts, in place of left; waits in Yield at explore_test.go:",
		"AIO_REPLAY='2-", "go test -run '^TestALostUpdateIsFoundShrunkAndTold$'")
}

func TestEachStrategyFindsALostUpdate(t *testing.T) {
	for _, s := range []aiotest.Strategy{
		aiotest.RandomWalk(), aiotest.PCT(2), aiotest.POS(),
		aiotest.Exhaustive(1), aiotest.Exhaustive(-1),
	} {
		wantOne(
			t,
			explore(t, lostUpdate(2), aiotest.With(s)),
			"the shortest found has 1 departure from the plain order\n",
			"n = 1, want 2",
			"in place of ",
		)
	}
}

var tokenIn = regexp.MustCompile(`AIO_REPLAY='([^']*)'`)

// tokenOf returns the token that a failure has printed.
func tokenOf(t *testing.T, r *recorder) string {
	t.Helper()
	wantOne(t, r)
	m := tokenIn.FindStringSubmatch(r.errors[0])
	if m == nil {
		t.Fatal("there is no token in:\n" + r.errors[0])
	}
	return m[1]
}

func TestATokenRepeatsTheFailure(t *testing.T) {
	t.Setenv("AIO_REPLAY", tokenOf(t, explore(t, lostUpdate(2))))
	runs := 0
	r := explore(t, func(ctx context.Context, t *aiotest.T) error {
		runs++
		return lostUpdate(2)(ctx, t)
	})
	if wantOne(t, r, "aiotest: the schedule of AIO_REPLAY fails", "n = 1, want 2"); runs != 1 {
		t.Errorf("%d runs", runs)
	}
}

func TestATokenOfAnotherTestIsNoneOfOurBusiness(t *testing.T) {
	t.Setenv("AIO_REPLAY", "2-0000-e-2.1:3")
	if r := explore(t, lostUpdate(2)); len(r.errors) != 1 ||
		strings.Contains(r.errors[0], "the schedule of AIO_REPLAY") {
		t.Errorf("%q", r.errors)
	}
}

func TestATokenOfAnotherTestFailsTheOneTestThatIsAskedFor(t *testing.T) {
	asked := flag.Lookup("test.run").Value.String()
	defer flag.Set("test.run", asked)
	flag.Set("test.run", "^"+t.Name()+"$")
	t.Setenv("AIO_REPLAY", "2-0000-e-2.1:3")
	runs := 0
	wantOne(t, explore(t, func(context.Context, *aiotest.T) error {
		runs++
		return nil
	}), "AIO_REPLAY is a token of another test")
	if runs != 0 {
		t.Errorf("%d runs", runs)
	}
}

func mustBeOne(t *aiotest.T, n int) {
	t.Helper()
	if n != 1 {
		t.Errorf("got %d", n)
	}
}

func TestAFailureInAHelperIsShownWhereTheHelperWasCalled(t *testing.T) {
	wantOne(t, explore(t, func(ctx context.Context, t *aiotest.T) error {
		mustBeOne(t, 2) // this line
		return nil
	}), "  check: explore_test.go:"+lineOf(t, "// this line")+": got 2\n")
}

// lineOf returns the number of the line of this file that has the text first.
func lineOf(t *testing.T, text string) string {
	b, err := os.ReadFile("explore_test.go")
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(b), text)
	return fmt.Sprint(strings.Count(before, "\n") + 1)
}

func TestAStaleTokenSaysWhyItDoesNotFit(t *testing.T) {
	token := tokenOf(t, explore(t, lostUpdate(2)))
	t.Setenv("AIO_REPLAY", token)
	r := explore(t, func(ctx context.Context, t *aiotest.T) error { return aio.Yield(ctx) })
	if len(r.errors) != 0 ||
		!strings.Contains(
			fmt.Sprint(r.logs),
			"the token does not fit the program any more: 1 departure",
		) {
		t.Errorf("%q, %q", r.errors, r.logs)
	}
	t.Setenv("AIO_REPLAY", strings.TrimSuffix(token, "3")+"77")
	r = explore(t, lostUpdate(2))
	if !strings.Contains(
		fmt.Sprint(r.logs),
		"the token does not fit the program any more: step 77 was to run, but it was not ready",
	) {
		t.Errorf("%q, %q", r.errors, r.logs)
	}
}

func TestATokenThatIsNoneIsRefused(t *testing.T) {
	for _, token := range []string{
		"nonsense", "3-4c68-e-2.2:3", "2-4c68", "2-4c68-f", "2-4c68-e-x", "2-4c68-e-2.2:q3",
		"2-4c68-e-!0", "@there/is/no/file",
	} {
		t.Setenv("AIO_REPLAY", token)
		wantOne(t, explore(t, lostUpdate(2)), "aiotest: AIO_REPLAY: ")
	}
}

func TestTheEnvironmentRaisesTheEffort(t *testing.T) {
	runs := 0
	fn := func(ctx context.Context, t *aiotest.T) error {
		runs++
		return twice(ctx, 20)
	}
	t.Setenv("AIO_EXPLORE", "17")
	if r := explore(t, fn, aiotest.Schedules(3)); runs != 17 || len(r.errors) > 0 {
		t.Errorf("%d runs, %q", runs, r.errors)
	}
	t.Setenv("AIO_EXPLORE", "many")
	wantOne(t, explore(t, fn), `aiotest: AIO_EXPLORE is "many"; give the number of schedules`)
}

func TestASmallProgramIsCovered(t *testing.T) {
	runs := 0
	r := explore(t, func(ctx context.Context, t *aiotest.T) error {
		runs++
		return twice(ctx, 2)
	}, aiotest.With(aiotest.Exhaustive(-1)))
	// Each task has 3 steps: 6 over 3 orders.
	if runs != 20 || len(r.errors) > 0 || len(r.logs) != 1 ||
		r.logs[0] != "aiotest: covered all 20 schedules" {
		t.Errorf("%d runs, %q, %q", runs, r.errors, r.logs)
	}
}

func TestABoundOfDeparturesIsNoCoverage(t *testing.T) {
	r := explore(
		t,
		func(ctx context.Context, t *aiotest.T) error { return twice(ctx, 3) },
		aiotest.With(aiotest.Exhaustive(1)),
	)
	if len(r.errors) > 0 || len(r.logs) != 1 || strings.Contains(r.logs[0], "covered") {
		t.Errorf("%q, %q", r.errors, r.logs)
	}
}

func TestWhatFailsASchedule(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		name string
		fn   func(ctx context.Context, t *aiotest.T) error
		want string
	}{
		{"an error", func(context.Context, *aiotest.T) error { return boom }, "  error: boom\n"},
		{"a panic", func(context.Context, *aiotest.T) error { panic(boom) }, "  panic: boom\n"},
		{"Fatal in main", func(_ context.Context, t *aiotest.T) error {
			t.Fatal("over")
			return nil
		}, "over\n"},
		{"Fatalf in a task", func(ctx context.Context, t *aiotest.T) error {
			return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
				g.Go(func(context.Context) error {
					t.Fatalf("over %d", 2)
					return nil
				})
				return nil
			})
		}, "over 2\n"},
		{"an invariant", func(ctx context.Context, t *aiotest.T) error {
			n := 0
			t.Always("n is small", func() bool { return n < 3 })
			for range 5 {
				n++
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			return nil
		}, "  invariant: n is small does not hold\n"},
		{"a task is left", func(ctx context.Context, t *aiotest.T) error {
			aio.Start(ctx, anHour, aio.Name("lost"))
			return aio.Yield(ctx)
		}, "  leak: the function has returned, but task lost, made at explore_test.go:"},
		{"an error that nobody sees", func(ctx context.Context, t *aiotest.T) error {
			fail := func(ctx context.Context) error { return boom }
			task := aio.Start(ctx, fail, aio.Name("lost"))
			for !task.Done() {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			return nil
		}, "task lost, made at explore_test.go:"},
		{"a deadlock", func(ctx context.Context, t *aiotest.T) error {
			_, err := aio.NewFuture[int](ctx).Await(ctx)
			return err
		}, "  deadlock: nothing is ready, no timer runs"},
		{"no progress", func(ctx context.Context, t *aiotest.T) error {
			for {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
		}, "  no progress: the schedule has more steps than MaxSteps allows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantOne(
				t,
				explore(t, c.fn, aiotest.MaxSteps(1000)),
				"aiotest: schedule 1 fails; the shortest found has 0 departures",
				c.want,
			)
		})
	}
}

func TestWhatSometimesHappensHasToHappenOnce(t *testing.T) {
	fn := func(ctx context.Context, t *aiotest.T) error {
		order := ""
		a := aio.Start(ctx, func(context.Context) error { order += "a"; return nil })
		b := aio.Start(ctx, func(context.Context) error { order += "b"; return nil })
		_, err := aio.Gather[aio.None](ctx, a, b)
		t.Sometimes("b is first", order == "ba")
		t.Sometimes("c is first", order == "c")
		return err
	}
	wantOne(t, explore(t, fn), `aiotest: no schedule reached "c is first"`)
}

func TestAFunctionThatDependsOnMoreThanTheOrderIsAccusedOfThat(t *testing.T) {
	runs := 0
	wantOne(t, explore(t, func(ctx context.Context, t *aiotest.T) error {
		if runs++; runs == 3 {
			t.Error("the third run")
		}
		return twice(ctx, 5)
	}), "the function depends on more than the order of its steps",
		"The same steps led to another result, 6 times. Does it use the machine's clock,")
}

func TestTheStepInWhichTwoRunsPartIsNamed(t *testing.T) {
	runs := 0
	wantOne(t, explore(t, func(ctx context.Context, t *aiotest.T) error {
		if runs++; runs == 3 {
			t.Error("the third run")
		}
		if runs%2 == 0 {
			return aio.Yield(ctx)
		}
		return aio.Sleep(ctx, time.Second)
	}, aiotest.With(aiotest.RandomWalk())), "Two runs part at step 1:\n",
		"waits in Yield at explore_test.go:", "waits in Sleep")
}

func TestCallsOfOtherGoroutinesAreNamed(t *testing.T) {
	runs := 0
	wantOne(t, explore(t, func(ctx context.Context, t *aiotest.T) error {
		if runs++; runs == 2 {
			t.Error("the second run")
		}
		f := aio.NewFuture[int](ctx)
		loop := aio.RunningLoop(ctx)
		loop.ExpectPosts(1)
		go loop.CallSoonThreadsafe(func() {
			loop.ExpectPosts(-1)
			f.SetResult(1)
		})
		_, err := f.Await(ctx)
		return err
	}, aiotest.With(aiotest.RandomWalk())), ": a goroutine is none of the loop's; use tasks")
}

func TestTwoTasksThatWaitForEachOtherInALoopMakeProgress(t *testing.T) {
	r := explore(t, func(ctx context.Context, t *aiotest.T) error {
		turn := 0
		play := func(me int) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				for turn < 6 {
					if turn%2 == me {
						turn++
					}
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
				return nil
			}
		}
		_, err := aio.Gather[aio.None](ctx, aio.Start(ctx, play(0)), aio.Start(ctx, play(1)))
		return err
	}, aiotest.Schedules(500))
	if len(r.errors) > 0 {
		t.Errorf("%q", r.errors)
	}
}

func TestCleanupsRunAfterEachSchedule(t *testing.T) {
	open, most := 0, 0
	explore(t, func(ctx context.Context, t *aiotest.T) error {
		open++
		most = max(most, open)
		t.Cleanup(func() { open-- })
		return twice(ctx, 3)
	}, aiotest.Schedules(50))
	if open != 0 || most != 1 {
		t.Errorf("%d are open, %d were", open, most)
	}
}

func TestAWaitThatIsLateMeetsTheNextTimer(t *testing.T) {
	fn := func(ctx context.Context, t *aiotest.T) error {
		var order string
		sleep := func(d time.Duration, name string) *aio.Task[aio.None] {
			return aio.Start(ctx, func(ctx context.Context) error {
				err := aio.Sleep(ctx, d)
				order += name
				return err
			})
		}
		_, err := aio.Gather[aio.None](
			ctx,
			sleep(time.Second, "a"),
			sleep(time.Second+80*time.Millisecond, "b"),
		)
		if order != "ab" {
			t.Error("b was first")
		}
		return err
	}
	if r := explore(t, fn); len(r.errors) > 0 {
		t.Errorf("%q", r.errors)
	}
	wantOne(t, explore(t, fn, aiotest.Lateness(100*time.Millisecond)), ">      80ms pass while Task-2 is ready\n")
}

func TestEachAwaitIsCancelledOnce(t *testing.T) {
	cancelledAt := map[int]bool{}
	r := explore(t, func(ctx context.Context, t *aiotest.T) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			for i := range 4 {
				if err := aio.Yield(ctx); err != nil {
					cancelledAt[i] = true
					return err
				}
			}
			return nil
		})
		_, err := task.Await(ctx)
		return err
	}, aiotest.CancelEachAwait())
	if len(r.errors) > 0 || len(cancelledAt) != 4 {
		t.Errorf("%v, %q", cancelledAt, r.errors)
	}
}

func TestOnlyTasksWithTheGivenNamesAreCancelled(t *testing.T) {
	cancelled := map[string]bool{}
	r := explore(t, func(ctx context.Context, t *aiotest.T) error {
		var tasks []*aio.Task[aio.None]
		for _, name := range []string{"user 1", "user 2", "helper"} {
			tasks = append(tasks, aio.Start(ctx, aio.Yield, aio.Name(name)))
		}
		_, err := aio.GatherSettled[aio.None](ctx, tasks...)
		for _, task := range tasks {
			cancelled[task.Name()] = cancelled[task.Name()] || task.Cancelled()
		}
		return err
	}, aiotest.CancelEachAwait("user *"))
	if len(r.errors) > 0 || !cancelled["user 1"] || !cancelled["user 2"] || cancelled["helper"] {
		t.Errorf("%v, %q", cancelled, r.errors)
	}
	defer func() {
		if v := recover(); v == nil {
			t.Error("a malformed pattern is accepted")
		}
	}()
	aiotest.CancelEachAwait("[")
}

// twice runs two tasks of n yields each.
func twice(ctx context.Context, n int) error {
	fn := func(ctx context.Context) error {
		for range n {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	_, err := aio.Gather[aio.None](ctx, aio.Start(ctx, fn), aio.Start(ctx, fn))
	return err
}

func TestBytesAreASchedule(t *testing.T) {
	if r := explore(t, lostUpdate(2), aiotest.With(aiotest.Bytes(nil))); len(r.errors) != 0 {
		t.Errorf("%q", r.errors)
	}
	wantOne(
		t,
		explore(t, lostUpdate(2), aiotest.With(aiotest.Bytes([]byte{0, 1}))),
		"schedule 1 fails",
		"n = 1, want 2",
	)
}

func FuzzALostUpdate(f *testing.F) {
	f.Add([]byte{0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		aiotest.Explore(t, lostUpdate(0), aiotest.With(aiotest.Bytes(data)))
	})
}

// A task that waits in a loop of yields, with a bound, gets what it waits for under each strategy.
func TestNoStrategyStarvesATaskThatIsReady(t *testing.T) {
	for _, s := range []aiotest.Strategy{
		aiotest.Portfolio(), aiotest.RandomWalk(), aiotest.PCT(3), aiotest.POS(),
		aiotest.Exhaustive(1),
	} {
		aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
			arrived := 0
			meet := func(ctx context.Context) error {
				arrived++
				for range 200 {
					if arrived == 3 {
						return nil
					}
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
				t.Error("a task was not let run")
				return nil
			}
			_, err := aio.Gather[aio.None](
				ctx,
				aio.Start(ctx, meet),
				aio.Start(ctx, meet),
				aio.Start(ctx, meet),
			)
			return err
		}, aiotest.With(s), aiotest.Schedules(500))
	}
}

// bySleeping lets two tasks sleep for times that are 6 ms apart, and fails if the second is first.
func bySleeping(ctx context.Context, t *aiotest.T) error {
	first := 0
	sleeper := func(n int, d time.Duration) *aio.Task[aio.None] {
		return aio.Start(ctx, func(ctx context.Context) error {
			if err := aio.Sleep(ctx, d); err != nil {
				return err
			}
			if first == 0 {
				first = n
			}
			return nil
		})
	}
	a, b := sleeper(1, 5*time.Millisecond), sleeper(2, 11*time.Millisecond)
	_, err := aio.Gather[aio.None](ctx, a, b)
	if first != 1 {
		t.Errorf("task %d is first", first)
	}
	return err
}

func TestTheLogSaysHowMuchLatenessWouldLetTimersSwap(t *testing.T) {
	for name, c := range map[string]struct {
		opts []aiotest.Option
		want string
	}{
		"covered": {[]aiotest.Option{aiotest.With(aiotest.Exhaustive(-1))},
			"; with aiotest.Lateness(5ms) more timers swap"},
		"exact": {[]aiotest.Option{aiotest.With(aiotest.Exhaustive(-1)), aiotest.Lateness(0)},
			"; with aiotest.Lateness(5ms) more timers swap"},
		"not covered": {[]aiotest.Option{aiotest.With(aiotest.POS()), aiotest.Schedules(3)},
			"; with aiotest.Lateness(5ms) more timers swap"},
	} {
		t.Run(name, func(t *testing.T) {
			r := explore(t, bySleeping, c.opts...)
			if len(r.errors) > 0 || len(r.logs) != 1 || !strings.HasSuffix(r.logs[0], c.want) {
				t.Errorf("%q, %q", r.errors, r.logs)
			}
		})
	}
	wantOne(t, explore(t, bySleeping, aiotest.Lateness(6*time.Millisecond)), "task 2 is first")
}

func TestTheCommandNamesThePackage(t *testing.T) {
	wantOne(t, explore(t, lostUpdate(2)),
		" go test -run '^TestTheCommandNamesThePackage$' github.com/aio-go/aio/aiotest")
}

func TestAStoryEndsSoonAfterTheFailure(t *testing.T) {
	wantOne(t, explore(t, func(ctx context.Context, t *aiotest.T) error {
		t.Error("too early")
		for range 10 {
			if err := aio.Sleep(ctx, 90*time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	}), "!      check: explore_test.go:", ": too early\n       ... 10 lines after the failure ...\nLevel: ")
}

func TestAStoryTellsWhoHasCancelledATask(t *testing.T) {
	wantOne(t, explore(t, func(ctx context.Context, t *aiotest.T) error {
		victim := aio.Start(ctx, anHour, aio.Name("victim"))
		aio.Yield(ctx)
		victim.Cancel(nil)
		victim.Await(context.WithoutCancel(ctx))
		if err := aio.Sleep(ctx, 90*time.Millisecond); err != nil {
			return err
		}
		return aio.NewWaiter(ctx, "Gate.Pass", nil).Park()
	}, aiotest.DocumentedOrder()),
		"  victim     goes on after Sleep, cancelled by task main; ends\n",
		"  main       goes on after Sleep, its time has come at 90ms; waits in Gate.Pass at ",
		"  main       goes on after Gate.Pass, cancelled because of the deadlock; ends\n")
}
