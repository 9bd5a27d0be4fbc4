//go:build unix

package executor_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/executor"
	"github.com/aio-go/aio/transport"
)

var calls int // in a worker: how often it was called

var (
	pid = executor.Register("pid", func(context.Context, aio.None) (int, error) {
		return os.Getpid(), nil
	})
	nth = executor.Register("nth", func(context.Context, aio.None) (int, error) {
		calls++
		return calls, nil
	})
	quit = executor.Register("quit", func(_ context.Context, code int) (int, error) {
		fmt.Fprintln(os.Stderr, "I have had enough")
		os.Exit(code)
		return 0, nil
	})
	boom = executor.Register("boom", func(_ context.Context, text string) (int, error) { panic(text) })
	// hang tells its process's number and goes on until it is killed.
	hang = executor.Register("hang", func(ctx context.Context, _ aio.None) (int, error) {
		if err := executor.Progress(ctx, os.Getpid()); err != nil {
			return 0, err
		}
		select {}
	})
	// parent starts a process, tells both numbers, and hangs.
	parent = executor.Register("parent", func(ctx context.Context, _ aio.None) (int, error) {
		cmd := exec.Command("sleep", "1000")
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		if err := executor.Progress(ctx, []int{os.Getpid(), cmd.Process.Pid}); err != nil {
			return 0, err
		}
		select {}
	})
	environment = executor.Register("environment",
		func(_ context.Context, name string) (string, error) {
			return os.Getenv(name), nil
		})
	variable = executor.Register("variable", func(context.Context, aio.None) ([]string, error) {
		return os.Environ(), nil
	})
)

// hanging starts a job that hangs and returns its task and the number of its process.
func hanging(ctx context.Context) (task *aio.Task[int], worker int, err error) {
	began := aio.NewFuture[int](ctx)
	hangs := hang.With(executor.OnProgress(func(pid int) { began.SetResult(pid) }))
	task = aio.CreateTask(ctx, aio.Bind(hangs.Run, aio.None{}))
	worker, err = began.Await(ctx)
	return task, worker, err
}

// gone reports whether there is no process of this number.
func gone(pid int) bool { return syscall.Kill(pid, 0) == syscall.ESRCH }

func TestAWorkerThatIsKilledFailsItsOwnJobAndIsReplaced(t *testing.T) {
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		other, _, err := hanging(ctx)
		if err != nil {
			return err
		}
		task, worker, err := hanging(ctx)
		if err != nil {
			return err
		}
		if err := syscall.Kill(worker, syscall.SIGKILL); err != nil {
			return err
		}
		_, err = task.Await(ctx)
		lost := wantLost(t, err)
		if status, ok := lost.State.Sys().(syscall.WaitStatus); !ok ||
			status.Signal() != syscall.SIGKILL || lost.PID != worker || lost.Name != "hang" {
			t.Errorf("the error is %+v", lost)
		}
		if want := `executor: the worker of "hang" was lost: signal: killed`; err.Error() != want {
			t.Errorf("its text is %q, want %q", err, want)
		}
		next, err := pid.Run(ctx, aio.None{})
		if next == worker || next == 0 || err != nil {
			t.Errorf("the next job ran in process %d, %v; the lost one was %d", next, err, worker)
		}
		if other.Done() {
			t.Errorf("the job of the other worker has ended: %v", other.Err())
		}
		other.Cancel(nil)
		if s := p.Statistics(); s.Started != 3 || s.Lost != 1 {
			t.Errorf("the statistics are %+v", s)
		}
		return nil
	}, executor.Workers(2))
}

func TestAWorkerThatExitsFailsItsJobWithItsStatusAndLastWords(t *testing.T) {
	inPool(t, func(ctx context.Context, _ *executor.Pool) error {
		_, err := quit.Run(ctx, 3)
		lost := wantLost(t, err)
		if lost.State.ExitCode() != 3 || lost.Stderr != "I have had enough\n" {
			t.Errorf("the error is %+v", lost)
		}
		want := `executor: the worker of "quit" was lost: exit status 3: I have had enough`
		if err.Error() != want {
			t.Errorf("its text is %q, want %q", err, want)
		}
		got, err := square.Run(ctx, 4)
		if got != 16 {
			t.Errorf("the next job returned %d", got)
		}
		return err
	}, executor.Workers(1))
}

func TestAPanicEndsTheWorkerAndItsTextIsInTheError(t *testing.T) {
	inPool(t, func(ctx context.Context, _ *executor.Pool) error {
		_, err := boom.Run(ctx, "no more bread")
		lost := wantLost(t, err)
		if lost.State.ExitCode() != 2 || !strings.Contains(lost.Stderr, "goroutine ") ||
			!strings.Contains(err.Error(), "exit status 2: panic: no more bread") {
			t.Errorf("the error is %v: %+v", err, lost)
		}
		return nil
	}, executor.Workers(1))
}

// gossip leaves a goroutine behind that goes on to report when the function has returned.
var gossip = executor.Register("gossip", func(ctx context.Context, _ aio.None) (aio.None, error) {
	go func() {
		for executor.Progress(ctx, "gossip") == nil {
		}
	}()
	return aio.None{}, nil
})

func TestAFunctionThatHasReturnedIsNotHeardAnyMore(t *testing.T) {
	inPool(t, func(ctx context.Context, _ *executor.Pool) error {
		if _, err := gossip.With(executor.OnProgress(func(string) {})).Run(ctx, aio.None{}); err != nil {
			return err
		}
		for range 5 {
			var seen []string
			_, err := count.With(executor.OnProgress(func(v string) { seen = append(seen, v) })).Run(ctx, 3)
			if err != nil {
				return err
			}
			if !slices.Equal(seen, []string{"0", "1", "2"}) {
				t.Fatalf("the progress is %q", seen)
			}
		}
		return nil
	}, executor.Workers(1))
}

func TestALostJobIsTriedAgain(t *testing.T) {
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		_, err := quit.With(executor.Attempts(3)).Run(ctx, 1)
		wantLost(t, err)
		if s := p.Statistics(); s.Started != 3 || s.Lost != 3 || s.Done != 3 {
			t.Errorf("the statistics are %+v", s)
		}
		return nil
	}, executor.Workers(2))
}

func TestACancelledJobIsKilledWithAllItHasStarted(t *testing.T) {
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		began := aio.NewFuture[[]int](ctx)
		listening := parent.With(executor.OnProgress(func(pids []int) { began.SetResult(pids) }))
		task := aio.CreateTask(ctx, aio.Bind(listening.Run, aio.None{}))
		pids, err := began.Await(ctx)
		if err != nil {
			return err
		}
		task.Cancel(errors.New("too late"))
		if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("the task ended with %v", err)
		}
		if err := p.Shutdown(ctx); err != nil {
			return err
		}
		if !gone(pids[0]) {
			t.Errorf("the worker, process %d, is still there", pids[0])
		}
		// The other one has lost its parent: somebody else waits for it, in their own time.
		for !gone(pids[1]) && !zombie(pids[1]) {
			if err := aio.Sleep(ctx, time.Millisecond); err != nil {
				return err
			}
		}
		if s := p.Statistics(); s.Lost != 1 || s.Workers != 0 {
			t.Errorf("the statistics are %+v", s)
		}
		return nil
	}, executor.Workers(1))
}

// zombie reports whether a process has ended and nobody has waited for it.
func zombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(text), ") Z ")
}

func TestJobsStartInTheOrderInWhichTheyWereAskedFor(t *testing.T) {
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		first, _, err := hanging(ctx)
		if err != nil {
			return err
		}
		var ended []int
		err = aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 5 {
				g.Go(func(ctx context.Context) error {
					_, err := square.Run(ctx, i)
					ended = append(ended, i)
					return err
				})
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			want := executor.PoolStatistics{Max: 1, Workers: 1, Running: 1, Waiting: 5, Started: 1}
			if got := p.Statistics(); got != want {
				t.Errorf("the statistics are %+v, want %+v", got, want)
			}
			if want := "<Pool 1 of 1 workers, 0 idle, 5 jobs waiting>"; p.String() != want {
				t.Errorf("the pool shows as %s, want %s", p, want)
			}
			first.Cancel(nil)
			return nil
		})
		if !slices.Equal(ended, []int{0, 1, 2, 3, 4}) {
			t.Errorf("they ended in the order %v", ended)
		}
		want := executor.PoolStatistics{Max: 1, Workers: 1, Idle: 1, Started: 2, Lost: 1, Done: 6}
		if got := p.Statistics(); got != want {
			t.Errorf("in the end the statistics are %+v, want %+v", got, want)
		}
		return err
	}, executor.Workers(1))
}

func TestAJobThatIsCancelledWhileItWaitsNeverStarts(t *testing.T) {
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		first, _, err := hanging(ctx)
		if err != nil {
			return err
		}
		second := aio.CreateTask(ctx, aio.Bind(square.Run, 1))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		second.Cancel(nil)
		if _, err := second.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("the second job ended with %v", err)
		}
		if s := p.Statistics(); first.Done() || s.Waiting != 0 || s.Lost != 0 {
			t.Errorf("the statistics are %+v", s)
		}
		first.Cancel(nil)
		return nil
	}, executor.Workers(1))
}

func TestAWorkerKeepsItsStateUntilItHasDoneItsShare(t *testing.T) {
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		var got []int
		for range 7 {
			n, err := nth.Run(ctx, aio.None{})
			if err != nil {
				return err
			}
			got = append(got, n)
		}
		if !slices.Equal(got, []int{1, 2, 3, 1, 2, 3, 1}) {
			t.Errorf("the calls were number %v of their worker", got)
		}
		if s := p.Statistics(); s.Started != 3 || s.Lost != 0 {
			t.Errorf("the statistics are %+v", s)
		}
		return nil
	}, executor.Workers(1), executor.JobsPerWorker(3))
}

func TestThereAreNeverMoreProcessesThanWorkers(t *testing.T) {
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		_, err := aio.Map(ctx, make([]aio.None, 12), func(ctx context.Context, _ aio.None) (int, error) {
			n, err := nth.Run(ctx, aio.None{})
			if s := p.Statistics(); s.Workers > 3 {
				t.Errorf("the statistics are %+v", s)
			}
			return n, err
		})
		return err
	}, executor.Workers(3), executor.JobsPerWorker(2))
}

func TestAWorkerThatDiesWhileIdleHarmsNoJob(t *testing.T) {
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		for known := range 2 { // whether the pool has noticed it
			worker, err := pid.Run(ctx, aio.None{})
			if err != nil {
				return err
			}
			// Stopped first, so that it cannot take a job at the last moment.
			err = errors.Join(syscall.Kill(worker, syscall.SIGSTOP), syscall.Kill(worker, syscall.SIGKILL))
			if err != nil {
				return err
			}
			for known == 1 && p.Statistics().Workers > 0 {
				if err := aio.Sleep(ctx, time.Millisecond); err != nil {
					return err
				}
			}
			next, err := pid.Run(ctx, aio.None{})
			if next == worker || err != nil || p.Statistics().Lost != 0 {
				t.Errorf("the next job ran in process %d, %v; %+v", next, err, p.Statistics())
			}
		}
		return nil
	}, executor.Workers(1))
}

func TestShutdownLetsJobsEndAndAcceptsNoMore(t *testing.T) {
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		var jobs []*aio.Task[int]
		for i := range 6 {
			jobs = append(jobs, aio.CreateTask(ctx, aio.Bind(square.Run, i)))
		}
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		end := aio.Start(ctx, p.Shutdown)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if _, err := square.Run(ctx, 9); !errors.Is(err, executor.ErrClosed) {
			t.Errorf("a job after Shutdown: %v", err)
		}
		if !strings.Contains(p.String(), "ending") {
			t.Errorf("the pool shows as %s", p)
		}
		if _, err := end.Await(ctx); err != nil {
			return err
		}
		for i, job := range jobs {
			if n, err := job.Result(); n != i*i || err != nil {
				t.Errorf("job %d: %d, %v", i, n, err)
			}
		}
		if s := p.Statistics(); s.Workers != 0 || s.Done != 6 || s.Lost != 0 {
			t.Errorf("the statistics are %+v", s)
		}
		return p.Shutdown(ctx) // again
	}, executor.Workers(2))
}

func TestAShutdownThatIsCancelledKillsTheWorkersAndWaitsForThat(t *testing.T) {
	run(t, func(ctx context.Context) error {
		p := executor.NewPool(ctx, executor.Workers(1))
		job, worker, err := hanging(executor.With(ctx, p))
		if err != nil {
			return err
		}
		err = aio.Timeout(ctx, time.Millisecond, p.Shutdown)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown returned %v", err)
		}
		if !gone(worker) || p.Statistics().Workers != 0 {
			t.Errorf("process %d is still there: %+v", worker, p.Statistics())
		}
		if _, err := job.Await(ctx); !errors.Is(err, executor.ErrClosed) {
			t.Errorf("the job ended with %v", err)
		}
		return nil
	})
}

func TestCloseEndsAllJobs(t *testing.T) {
	run(t, func(ctx context.Context) error {
		p := executor.NewPool(ctx, executor.Workers(1))
		job, _, err := hanging(executor.With(ctx, p))
		if err != nil {
			return err
		}
		waits := aio.CreateTask(executor.With(ctx, p), aio.Bind(square.Run, 1))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		p.Close()
		for _, task := range []*aio.Task[int]{job, waits} {
			if _, err := task.Await(ctx); !errors.Is(err, executor.ErrClosed) {
				t.Errorf("a job ended with %v", err)
			}
		}
		return p.Shutdown(ctx)
	})
}

func TestABlockThatPanicsLeavesNoProcess(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var job *aio.Task[int]
		var worker int
		wantPanic(t, func() {
			executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) (err error) {
				if job, worker, err = hanging(ctx); err != nil {
					return err
				}
				panic("out of here")
			})
		}, "out of here")
		if _, err := job.Await(ctx); !errors.Is(err, executor.ErrClosed) {
			t.Errorf("the job ended with %v", err)
		}
		if worker == 0 || !gone(worker) {
			t.Errorf("process %d is still there", worker)
		}
		return nil
	})
}

func TestALoopThatEndsTakesItsWorkersAlong(t *testing.T) {
	var busy, idle int
	run(t, func(ctx context.Context) error {
		p := executor.NewPool(ctx, executor.Workers(2))
		ctx = executor.With(ctx, p)
		var err error
		if idle, err = pid.Run(ctx, aio.None{}); err != nil {
			return err
		}
		if _, busy, err = hanging(ctx); err != nil {
			return err
		}
		_, _, err = hanging(ctx)
		return err
	})
	if !gone(busy) || !gone(idle) {
		t.Errorf("processes %d and %d are still there", busy, idle)
	}
}

func TestALoopThatEndsWhileAWorkerStartsLeavesNothing(t *testing.T) {
	run(t, func(ctx context.Context) error {
		p := executor.NewPool(ctx, executor.Workers(2))
		for range 2 {
			aio.CreateTask(executor.With(ctx, p), aio.Bind(square.Run, 2))
		}
		return aio.Yield(ctx)
	})
}

func TestAVirtualClockStandsStillWhileAProcessWorks(t *testing.T) {
	inPoolUnder := func(main func(ctx context.Context) error) {
		run(t, func(ctx context.Context) error {
			return executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) error {
				return main(ctx)
			})
		}, aio.WithClock(aio.NewVirtualClock()))
	}
	inPoolUnder(func(ctx context.Context) error {
		start := aio.RunningLoop(ctx).Time()
		sleeper := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		for i := range 3 {
			if got, err := square.Run(ctx, i); got != i*i || err != nil {
				t.Errorf("%d, %v", got, err)
			}
		}
		if took := aio.RunningLoop(ctx).Time().Sub(start); took != 0 || sleeper.Done() {
			t.Errorf("the clock has gone on by %v", took)
		}
		sleeper.Cancel(nil)
		return nil
	})
}

func TestAPoolWorksOnAPortableNetwork(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ctx = transport.WithNetwork(ctx, transport.Portable())
		return executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) error {
			got, err := aio.Map(ctx, []int{1, 2, 3}, square.Run)
			if !slices.Equal(got, []int{1, 4, 9}) {
				t.Errorf("the squares are %v", got)
			}
			if _, err := quit.Run(ctx, 1); wantLost(t, err).State.ExitCode() != 1 {
				t.Errorf("the error is %v", err)
			}
			return err
		}, executor.Workers(2), executor.Stderr(new(buffer)))
	})
}

func TestAWorkerKnowsTheEnvironmentButNotThatItIsAWorker(t *testing.T) {
	t.Setenv("AIO_TEST_GREETING", "hello")
	inPool(t, func(ctx context.Context, _ *executor.Pool) error {
		got, err := environment.Run(ctx, "AIO_TEST_GREETING")
		if err != nil {
			return err
		}
		all, err := variable.Run(ctx, aio.None{})
		if got != "hello" || slices.ContainsFunc(all,
			func(v string) bool { return strings.HasPrefix(v, "AIO_EXECUTOR_WORKER=") }) {
			t.Errorf("it has %q, and all of %q", got, all)
		}
		return err
	})
}

func init() {
	// These wait to be ended: their parent has to do it.
	parts["never ready"] = func() { time.Sleep(time.Hour) }
	parts["speaks otherwise"] = func() {
		os.NewFile(3, "parent").Write([]byte{0, 0, 0, 2, 1, 99}) // hello, of version 99
		time.Sleep(time.Hour)
	}
	parts["talks nonsense"] = func() {
		os.NewFile(3, "parent").Write([]byte("HTTP/1.1 200 OK\r\n"))
		time.Sleep(time.Hour)
	}
	parts["ends at once"] = func() {}
	parts["forgets Main"] = func() {
		defer func() { fmt.Println(recover()) }()
		aio.Run(context.Background(), func(ctx context.Context) error {
			executor.NewPool(ctx)
			return nil
		})
	}
	parts["busy parent"] = func() { playParent(true) }
	parts["idle parent"] = func() { playParent(false) }
}

// playParent is a program that uses a pool until it is killed. When a worker is there it says so.
func playParent(busy bool) {
	executor.Main()
	os.Unsetenv(partVariable) // its workers are workers
	aio.Run(context.Background(), func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) error {
			var worker int
			var err error
			if busy {
				_, worker, err = hanging(ctx)
			} else {
				worker, err = pid.Run(ctx, aio.None{})
			}
			if err != nil {
				return err
			}
			fmt.Println("worker", worker)
			return aio.Sleep(ctx, time.Hour)
		}, executor.Workers(1))
	})
}

func TestAWorkerThatDoesNotGetReadyIsGivenUp(t *testing.T) {
	for part, want := range map[string]string{
		"never ready": "signal: killed: executor: it was not ready after 50ms",
		"speaks otherwise": "signal: killed: executor: the worker is another program, or speaks " +
			"version 99 instead of 2",
		"talks nonsense": "signal: killed: executor: a message that is larger than the pool's " +
			"MaxMessage: 1213486160 bytes, at most 67108864",
		"ends at once": "exit status 0",
	} {
		t.Run(part, func(t *testing.T) {
			t.Setenv(partVariable, part)
			patience := time.Minute
			if part == "never ready" {
				patience = 50 * time.Millisecond
			}
			inPool(t, func(ctx context.Context, p *executor.Pool) error {
				_, err := square.Run(ctx, 1)
				lost := wantLost(t, err)
				if lost.Error() != `executor: the worker of "square" was lost: `+want {
					t.Errorf("the error is %v, want %s", err, want)
				}
				if err := p.Shutdown(ctx); err != nil || p.Statistics().Workers != 0 {
					t.Errorf("Shutdown: %v, %+v", err, p.Statistics())
				}
				return nil
			}, executor.StartTimeout(patience))
		})
	}
}

func TestAProgramThatForgetsMainIsTold(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), partVariable+"=forgets Main")
	out, err := cmd.CombinedOutput()
	if !strings.Contains(string(out), "the program has not called executor.Main") {
		t.Errorf("it said %q, %v", out, err)
	}
}

// A worker whose parent is killed has nobody to end it. It holds the standard output of its parent,
// so that this ends with the last of them.
func TestAWorkerWhoseParentIsKilledEnds(t *testing.T) {
	for _, part := range []string{"busy parent", "idle parent"} {
		t.Run(part, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), partVariable+"="+part)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var worker int
			if _, err := fmt.Fscanf(out, "worker %d", &worker); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			for {
				if _, err := out.Read(make([]byte, 64)); err != nil {
					break
				}
			}
			cmd.Wait()
			for runtime.GOOS == "linux" && !gone(worker) && !zombie(worker) {
				runtime.Gosched() // descriptors are closed on the way out
			}
		})
	}
}

// Another loop runs its jobs in the pool, with reports on its own loop, until the pool's loop ends.
func TestLoopsShareAPool(t *testing.T) {
	var late *executor.Function[int, int]
	run(t, func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, p *executor.Pool) error {
			late = square.With(executor.On(p))
			return aio.Blocking(ctx, func(context.Context) error {
				return aio.RunParallel(context.Background(), 2, func(ctx context.Context, i int) error {
					ctx = executor.With(ctx, p)
					l := aio.RunningLoop(ctx)
					steps := 0
					watched := climb.With(executor.OnProgress(func(int) {
						steps++
						if !l.IsHere() {
							t.Error("a report on another loop")
						}
					}))
					all, err := aio.Map(ctx, []int{1, 2, 3, 4}, square.Run)
					if err != nil || !slices.Equal(all, []int{1, 4, 9, 16}) {
						t.Errorf("got %v, %v", all, err)
					}
					if _, err := watched.Run(ctx, 5); err != nil || steps != 5 {
						t.Errorf("%d steps, %v", steps, err)
					}
					if _, err := crash.Run(ctx, aio.None{}); err == nil {
						t.Error("a crash is no error")
					} else {
						wantLost(t, err)
					}
					err = aio.Timeout(ctx, time.Millisecond, func(ctx context.Context) error {
						_, err := hang.Run(ctx, aio.None{})
						return err
					})
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("a job that is cancelled from afar: %v", err)
					}
					return nil
				})
			})
		}, executor.Workers(2))
	})
	run(t, func(ctx context.Context) error {
		if _, err := late.Run(ctx, 1); !errors.Is(err, executor.ErrClosed) {
			t.Errorf("after the end of the pool: %v", err)
		}
		return nil
	})
}
