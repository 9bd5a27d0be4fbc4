package distributed

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/executor"
)

// lacksNew is the executor of a program from before the function "new" was written.
type lacksNew struct{ runner }

func (l lacksNew) Execute(ctx context.Context, job executor.Job) ([]byte, error) {
	if job.Name == "new" {
		return nil, fmt.Errorf("%w: %q", executor.ErrNotRegistered, job.Name)
	}
	return l.runner.Execute(ctx, job)
}

// busy runs the jobs of a program for whom "long" takes a minute.
type busy struct{ runner }

func (b busy) Execute(ctx context.Context, job executor.Job) ([]byte, error) {
	if job.Name == "long" {
		if err := aio.Sleep(ctx, time.Minute); err != nil {
			return nil, err
		}
	}
	return b.runner.Execute(ctx, job)
}

// starter starts a worker of a model.
type starter func(name string, ex func(runner) executor.Executor) *modelBroker

// passing calls fn beside workers of a model that wait for functions for the time await.
func passing(
	t *testing.T, await time.Duration, jobs []string,
	fn func(ctx context.Context, m *model, start starter) error,
) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		m := &model{t: t, loop: aio.RunningLoop(ctx), lease: 10 * time.Second, workers: map[*modelBroker]*worker{},
			records: map[string]record{}, effects: map[string]int{}}
		for i, name := range jobs {
			e := envelope{Job: executor.Job{ID: fmt.Sprint(i), Name: name}, attempts: 1}
			m.jobs = append(m.jobs, &modelJob{envelope: e})
		}
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			defer g.Cancel(nil)
			return fn(ctx, m, func(name string, ex func(runner) executor.Executor) *modelBroker {
				b := &modelBroker{model: m, held: map[*delivery]*modelJob{}}
				w := &worker{b: b, name: name, ex: ex(runner{b}), slots: aiosync.NewSemaphore(1),
					lease: m.lease, await: await, backoff: func(int) time.Duration { return 0 }}
				m.workers[b] = w
				g.Go(w.run)
				return b
			})
		})
	}, aiotest.Schedules(20))
}

func asOld(r runner) executor.Executor { return lacksNew{r} }
func asNew(r runner) executor.Executor { return busy{r} }

func TestAJobWaitsForABusyWorkerThatHasItsFunction(t *testing.T) {
	passing(t, 500*time.Millisecond, []string{"long", "new"}, func(ctx context.Context, m *model, start starter) error {
		start("new", asNew)
		if err := aio.Sleep(ctx, time.Second); err != nil { // it has the long job
			return err
		}
		start("old", asOld)
		if err := aio.Sleep(ctx, 2*time.Minute); err != nil {
			return err
		}
		if r := m.records["1"]; r.state != done || m.effects["1"] != 1 {
			m.t.Errorf("state %q, %d effects, %v", r.state, m.effects["1"], r.Failures)
		}
		return nil
	})
}

func TestAJobIsDeadWhenTheLastWorkerThatMayHaveItsFunctionHasDied(t *testing.T) {
	passing(t, 500*time.Millisecond, []string{"long", "new"}, func(ctx context.Context, m *model, start starter) error {
		b := start("new", asNew)
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		start("old", asOld)
		if err := aio.Sleep(ctx, 30*time.Second); err != nil {
			return err
		}
		if len(m.dead) > 0 {
			m.t.Error("the job is dead although a worker may have its function")
		}
		b.killed = true
		if err := aio.Sleep(ctx, 30*time.Second); err != nil {
			return err
		}
		r := m.records["1"]
		if r.state != failed || len(r.Failures) != 1 ||
			!strings.HasPrefix(r.Failures[0].Error, "no worker had the function within ") {
			m.t.Errorf("state %q, %v", r.state, r.Failures)
		}
		return nil
	})
}

// The clocks of two workers are not compared: the time is the sum of the pauses.
func TestTheWaitForAFunctionIsTheSumOfThePauses(t *testing.T) {
	passing(t, time.Second, []string{"new"}, func(ctx context.Context, m *model, start starter) error {
		start("old", asOld)
		if err := aio.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		p := m.records["0"].Passed
		if p == nil || p.Times != 5 || p.Waited != 1500*time.Millisecond {
			m.t.Errorf("%+v", p)
		}
		return nil
	})
}

func TestAWorkerKnowsWhichFunctionsItMayHave(t *testing.T) {
	w := &worker{ex: inProcess, lacking: map[string]struct{}{}}
	w.learn("x", true)
	if w.may("x") {
		t.Error("x is not registered")
	}
	w.ex = busy{}
	if !w.may("x") {
		t.Error("only a try tells what another executor has")
	}
	if w.learn("x", false); w.may("x") {
		t.Error("the try has told")
	}
	if w.learn("x", true); !w.may("x") {
		t.Error("x came later")
	}
	for i := range 10 * maxLacking {
		w.learn(fmt.Sprint(i), false)
	}
	if len(w.lacking) > maxLacking {
		t.Errorf("it remembers %d names", len(w.lacking))
	}
}

// What counts is the try, not what else ends a job: its time, for instance.
func TestAWorkerLearnsFromTriesOnly(t *testing.T) {
	var lacks error
	passing(t, time.Minute, nil, func(ctx context.Context, m *model, start starter) error {
		b := start("custom", func(runner) executor.Executor { return tries(func() error { return lacks }) })
		if err := aio.Sleep(ctx, time.Second); err != nil { // it has begun
			return err
		}
		w := m.workers[b]
		d := &delivery{envelope: envelope{Job: executor.Job{Name: "f"}}}
		w.leases[d] = &lease{}
		try := func(ctx context.Context, err error) bool {
			lacks = err
			_, _ = w.call(ctx, d, 1)
			return w.may("f")
		}
		missing := fmt.Errorf("%w: %q", executor.ErrNotRegistered, "f")
		got := []bool{w.may("f"), try(ctx, missing), try(ctx, nil), try(ctx, missing),
			try(ctx, errKilled), try(ctx, missing)}
		if fmt.Sprint(got) != "[true false true false true false]" {
			m.t.Error(got)
		}
		d.Deadline = aio.RunningLoop(ctx).Time().Add(-time.Second)
		if try(ctx, errKilled) {
			m.t.Error("a job whose time is up has told nothing")
		}
		return nil
	})
}

// tries is an executor of functions that end at once.
type tries func() error

func (fn tries) Execute(context.Context, executor.Job) ([]byte, error) { return nil, fn() }

// Its program may have registered the function too late for the processes.
func TestAWorkerOnAPoolLearnsThatItsProcessesLackAFunction(t *testing.T) {
	w := &worker{ex: (*executor.Pool)(nil), lacking: map[string]struct{}{}}
	before := w.may(here.Name())
	w.learn(here.Name(), false)
	if after := w.may(here.Name()); !before || after || w.may("registered nowhere") {
		t.Errorf("before the try %v, then %v", before, after)
	}
}

var here = executor.Register("here", func(context.Context, aio.None) (aio.None, error) {
	return aio.None{}, nil
})
