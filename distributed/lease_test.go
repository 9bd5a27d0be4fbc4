package distributed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/executor"
)

// model is a broker in memory, with leases under the loop's clock. It does what JetStream promises
// and no more: an unacknowledged job comes again when its lease is over.
type model struct {
	t       *aiotest.T
	loop    *aio.Loop
	lease   time.Duration
	jobs    []*modelJob
	records map[string]record
	effects map[string]int
	dead    []string
	workers map[*modelBroker]*worker
	asking  []*modelBroker
}

type modelJob struct {
	envelope
	count  int
	until  time.Time // of the lease, or of the pause before another attempt
	leased *modelBroker
	acked  bool
}

// modelBroker is the model as one worker sees it. A worker that was killed can do nothing more.
type modelBroker struct {
	*model
	killed bool
	held   map[*delivery]*modelJob
}

var errKilled = errors.New("the worker was killed")

func (b *modelBroker) next(ctx context.Context, free int) (*delivery, error) {
	b.asking = append(b.asking, b) // jobs go to the worker that has asked first
	defer func() {
		b.asking = slices.DeleteFunc(b.asking, func(other *modelBroker) bool { return other == b })
	}()
	for {
		now := b.loop.Time()
		for _, j := range b.jobs {
			if b.asking[0] == b && !j.acked && !j.until.After(now) {
				j.count++
				j.until, j.leased = now.Add(b.lease), b
				d := &delivery{envelope: j.envelope, count: j.count}
				b.held[d] = j
				return d, nil
			}
		}
		if err := aio.Sleep(ctx, b.lease/10); err != nil {
			return nil, err
		}
	}
}

// mine returns the job of a delivery, nil if the worker may say nothing of it any more.
func (b *modelBroker) mine(d *delivery) *modelJob {
	if j := b.held[d]; !b.killed && j.leased == b && !j.acked {
		return j
	}
	return nil
}

func (b *modelBroker) extend(d *delivery) {
	if j := b.mine(d); j != nil {
		j.until = b.loop.Time().Add(b.lease)
	}
}

// ack is honoured from every worker that is alive, also if its lease is over, as JetStream does.
func (b *modelBroker) ack(d *delivery) {
	j := b.held[d]
	if b.killed || j.acked {
		return
	}
	if r, ok := b.records[j.ID]; !ok || !r.over() {
		b.t.Errorf("job %s is acknowledged without an outcome", j.ID)
	}
	j.acked = true
}

func (b *modelBroker) giveBack(d *delivery, after time.Duration) {
	if j := b.mine(d); j != nil {
		j.until, j.leased = b.loop.Time().Add(after), nil
	}
}

// nobody knows all workers, and asks none.
func (b *modelBroker) nobody(name string, d time.Duration) bool {
	for other, w := range b.workers {
		if !other.killed && w.may(name) {
			return false
		}
	}
	return true
}

func (b *modelBroker) stop(context.Context) []*delivery               { return nil }
func (b *modelBroker) extendFetched()                                 {}
func (b *modelBroker) report(string, int, []byte)                     {}
func (b *modelBroker) cancelled(string) bool                          { return false }
func (b *modelBroker) onCancel(string, func()) (end func())           { return func() {} }
func (b *modelBroker) tell(Event)                                     {}
func (b *modelBroker) chain(context.Context, *envelope, []byte) error { panic("no chains here") }

func (b *modelBroker) brokerTime(context.Context) time.Time { return b.loop.Time() }

func (b *modelBroker) argument(_ context.Context, e *envelope) ([]byte, error) { return e.Args, nil }

// ask is the way to the broker and back.
func (b *modelBroker) ask(ctx context.Context) error {
	if err := aio.Sleep(ctx, time.Millisecond); err != nil {
		return err
	}
	if b.killed {
		return errKilled
	}
	return nil
}

func (b *modelBroker) load(ctx context.Context, id string) (record, uint64, error) {
	if err := b.ask(ctx); err != nil {
		return record{}, 0, err
	}
	r := b.records[id]
	return r, uint64(r.Reports), nil // the model keeps the revision there
}

func (b *modelBroker) save(ctx context.Context, id string, r *record, revision uint64) error {
	if err := b.ask(ctx); err != nil {
		return err
	}
	old := b.records[id]
	if uint64(old.Reports) != revision {
		return errConflict
	}
	if old.over() {
		b.t.Errorf("the outcome of %s is replaced", id)
	}
	kept := *r
	kept.Failures = slices.Clone(r.Failures)
	kept.Reports = int(revision) + 1
	b.records[id] = kept
	return nil
}

func (b *modelBroker) finish(ctx context.Context, id string, r record, revision uint64) error {
	return b.save(ctx, id, &r, revision)
}

func (b *modelBroker) bury(ctx context.Context, e *envelope, failures []Failure) error {
	if err := b.ask(ctx); err != nil {
		return err
	}
	b.dead = append(b.dead, e.ID)
	return nil
}

// runner runs jobs in the loop, with an effect in the middle. Jobs named "fails" fail.
type runner struct{ b *modelBroker }

func (r runner) Execute(ctx context.Context, job executor.Job) ([]byte, error) {
	if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
		return nil, err
	}
	if r.b.killed {
		return nil, errKilled
	}
	r.b.effects[job.ID]++
	if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
		return nil, err
	}
	if job.Name == "fails" {
		return nil, fmt.Errorf("attempt %d", job.Attempt)
	}
	return []byte("result"), nil
}

// Two workers do jobs; one is killed or ends at any moment. Each job has its effect and exactly one
// outcome, and is tried as often as it may be.
func TestNoJobIsLostWhereverAWorkerEnds(t *testing.T) {
	for n := range 80 {
		kill, when := n%2 == 0, time.Duration(n/2)*2*time.Millisecond
		t.Run(fmt.Sprintf("kill=%v,%v", kill, when), func(t *testing.T) {
			aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
				loop := aio.RunningLoop(ctx)
				m := &model{t: t, loop: loop, lease: 100 * time.Millisecond,
					records: map[string]record{}, effects: map[string]int{}}
				for i, name := range []string{"works", "fails", "works"} {
					e := envelope{Job: executor.Job{ID: fmt.Sprint(i), Name: name}, attempts: 2}
					m.jobs = append(m.jobs, &modelJob{envelope: e})
				}
				return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
					start := func() (*modelBroker, *aio.Task[aio.None]) {
						b := &modelBroker{model: m, held: map[*delivery]*modelJob{}}
						w := &worker{b: b, ex: runner{b}, slots: aiosync.NewSemaphore(2), lease: m.lease,
							drain:   5 * time.Millisecond,
							backoff: func(int) time.Duration { return 20 * time.Millisecond }}
						return b, g.Go(w.run)
					}
					first, task := start()
					start()
					if err := aio.Sleep(ctx, when); err != nil {
						return err
					}
					first.killed = kill
					task.Cancel(nil)
					if err := aio.Sleep(ctx, 2*time.Second); err != nil {
						return err
					}
					g.Cancel(nil)
					for _, j := range m.jobs {
						r := m.records[j.ID]
						want := done
						if j.Name == "fails" {
							want = failed
						}
						if !j.acked || r.state != want || m.effects[j.ID] == 0 {
							t.Errorf("job %s: acknowledged %v, state %q, %d effects", j.ID, j.acked,
								r.state, m.effects[j.ID])
						}
						if n := m.effects[j.ID]; j.Name == "fails" && n > 3 {
							t.Errorf("job %s ran %d times", j.ID, n)
						}
						if len(r.Failures) > 2 {
							t.Errorf("job %s has failures %v", j.ID, r.Failures)
						}
					}
					return nil
				})
			}, aiotest.Schedules(20))
		})
	}
}

// A worker whose loop stands still loses its jobs; the other one decides the outcome, and the first
// one's result is dropped.
func TestAWorkerThatStandsStillLosesItsLease(t *testing.T) {
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		loop := aio.RunningLoop(ctx)
		m := &model{t: t, loop: loop, lease: 90 * time.Millisecond,
			records: map[string]record{}, effects: map[string]int{}}
		m.jobs = []*modelJob{{envelope: envelope{Job: executor.Job{ID: "1", Name: "works"}, attempts: 3}}}
		b := &modelBroker{model: m, held: map[*delivery]*modelJob{}}
		d, err := b.next(ctx, 1)
		if err != nil {
			return err
		}
		other := &modelBroker{model: m, held: map[*delivery]*modelJob{}}
		w := &worker{b: other, ex: runner{other}, slots: aiosync.NewSemaphore(1), lease: m.lease,
			backoff: func(int) time.Duration { return 0 }}
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(w.run)
			if err := aio.Sleep(ctx, 300*time.Millisecond); err != nil { // b gives no sign of life
				return err
			}
			if r := m.records["1"]; r.state != done || m.effects["1"] != 1 {
				t.Errorf("%q, %d effects", r.state, m.effects["1"])
			}
			if err := b.finish(ctx, "1", record{state: done}, 0); !errors.Is(err, errConflict) {
				t.Errorf("the late outcome: %v", err)
			}
			b.ack(d)
			g.Cancel(nil)
			return nil
		})
	})
}
