package distributed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/executor"
	"github.com/aio-go/aio/internal/safetext"
)

// passed tells which workers have handed a job back because they do not have its function, since
// its last attempt.
type passed struct {
	Step    int       // of a chain
	Since   time.Time // the first one, by its worker's clock
	Times   int
	Workers []string // their names, the first maxPassed
}

// maxPassed is how many names of workers are kept.
const maxPassed = 10

// add counts that a worker has handed the job back.
func (p *passed) add(worker string) {
	p.Times++
	if len(p.Workers) < maxPassed && !slices.Contains(p.Workers, worker) {
		p.Workers = append(p.Workers, worker)
	}
}

// pause is how long the job then stays away from all workers: a tenth of a second at first, and
// twice as long each time, at most 2 seconds.
func (p *passed) pause() time.Duration {
	return min(50*time.Millisecond<<min(p.Times, 6), 2*time.Second)
}

// lacks reports whether err says that the worker does not have the job's function. A function that
// lacks another one has failed.
func lacks(err error, name string) bool {
	return errors.Is(err, executor.ErrNotRegistered) &&
		strings.HasSuffix(err.Error(), strconv.Quote(name))
}

// pass hands a job back whose function the worker does not have. That is no attempt: while a
// program is being replaced, other workers have the function already. After the time of
// [AwaitFunction] it is the outcome.
func (w *worker) pass(
	ctx context.Context, d *delivery, r *record, revision uint64, attempt int, err error,
) error {
	now := aio.RunningLoop(ctx).Time()
	if r.Passed == nil || r.Passed.Step != d.step {
		r.Passed = &passed{Step: d.step, Since: now}
	}
	r.Passed.add(w.name)
	if waited := now.Sub(r.Passed.Since); waited >= w.await {
		err = fmt.Errorf("no worker had the function within %v (%s): %w",
			waited.Round(time.Millisecond), strings.Join(r.Passed.Workers, ", "), err)
		r.addFailure(Failure{Attempt: attempt, Worker: w.name, At: now, Error: safetext.Error(err)})
		r.setError(err)
		return w.fail(ctx, d, r, revision)
	}
	r.state, r.Name, r.Returned = retrying, d.Name, r.Returned+1
	if err := w.b.save(ctx, d.ID, r, revision); err != nil {
		return err
	}
	w.b.tell(Event{Kind: JobReturned, Worker: w.name, ID: d.ID, Name: d.Name,
		Error: safetext.Error(err)})
	w.b.giveBack(d, r.Passed.pause())
	return errReturned
}
