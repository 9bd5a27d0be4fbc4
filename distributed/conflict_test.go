package distributed

import (
	"context"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/executor"
)

// late has a run that outlives its lease, while another run fails or is handed back.
func late(t *testing.T, first, second func(r runner) executor.Executor, want state, effects int) {
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		loop := aio.RunningLoop(ctx)
		m := &model{t: t, loop: loop, lease: 300 * time.Millisecond, workers: map[*modelBroker]*worker{},
			records: map[string]record{}, effects: map[string]int{}}
		m.jobs = []*modelJob{{envelope: envelope{
			Job: executor.Job{ID: "1", Name: "new"}, attempts: 3}}}
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			defer g.Cancel(nil)
			start := func(ex func(r runner) executor.Executor) *worker {
				b := &modelBroker{model: m, held: map[*delivery]*modelJob{}}
				w := &worker{b: b, ex: ex(runner{b}), slots: aiosync.NewSemaphore(1), lease: m.lease,
					stall: time.Nanosecond, // so its lease is never extended
					await: time.Minute, backoff: func(int) time.Duration { return 10 * time.Second }}
				m.workers[b] = w
				g.Go(w.run)
				return w
			}
			start(first)
			if err := aio.Sleep(ctx, 200*time.Millisecond); err != nil {
				return err
			}
			start(second)
			if err := aio.Sleep(ctx, time.Minute); err != nil {
				return err
			}
			if r := m.records["1"]; r.state != want || m.effects["1"] != effects || !m.jobs[0].acked {
				t.Errorf("state %q, %d effects, acknowledged %v", r.state, m.effects["1"],
					m.jobs[0].acked)
			}
			return nil
		})
	})
}

// slow runs a job for longer than its lease.
type slow struct {
	runner
	err error
}

func (s slow) Execute(ctx context.Context, job executor.Job) ([]byte, error) {
	if err := aio.Sleep(ctx, 2*time.Second); err != nil {
		return nil, err
	}
	if s.err != nil {
		return nil, s.err
	}
	return s.runner.Execute(ctx, job)
}

// To acknowledge the job because another run has written would lose it.
func TestAResultThatComesAfterItsLeaseReplacesTheFailuresOfOtherRuns(t *testing.T) {
	late(t, func(r runner) executor.Executor { return slow{runner: r} }, asOld, done, 1)
}

func TestAFailureThatComesAfterItsLeaseLeavesTheJobToTheOtherRun(t *testing.T) {
	late(t, func(r runner) executor.Executor { return slow{r, errKilled} }, asOld, failed, 0)
}
