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
	Times   int
	Waited  time.Duration // the sum of the pauses, which depends on no clock
	Workers []string      // their names, the first maxPassed
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

const maxPause = 2 * time.Second

// pause is how long the job then stays away from all workers: a tenth of a second at first, and
// twice as long each time, at most maxPause.
func (p *passed) pause() time.Duration {
	return min(50*time.Millisecond<<min(p.Times, 6), maxPause)
}

// lacks reports whether err says that the worker does not have the job's function. A function that
// lacks another one has failed.
func lacks(err error, name string) bool {
	return errors.Is(err, executor.ErrNotRegistered) &&
		strings.HasSuffix(err.Error(), strconv.Quote(name))
}

// may reports whether the worker may have the function. Of other processes and of an executor from
// elsewhere only a try tells.
func (w *worker) may(name string) bool {
	_, lacks := w.lacking[name]
	switch w.ex.(type) {
	case *executor.Threads:
		return executor.Registered(name)
	case *executor.Pool:
		return executor.Registered(name) && !lacks
	}
	if w.ex == inProcess {
		return executor.Registered(name)
	}
	return !lacks
}

// maxLacking is how many functions that it lacks a worker remembers.
const maxLacking = 1000

// learn remembers whether the worker has the function.
func (w *worker) learn(name string, has bool) {
	if has {
		delete(w.lacking, name)
		return
	}
	w.lacking[name] = struct{}{}
	for other := range w.lacking {
		if len(w.lacking) <= maxLacking {
			break
		}
		delete(w.lacking, other)
	}
}

// nobodyHas reports whether no worker that may have the function is alive.
func (w *worker) nobodyHas(name string) bool {
	return w.await == 0 || w.b.nobody(name, max(min(w.await, w.lease), time.Second))
}

// pass hands a job back whose function the worker does not have. That is no attempt: while a
// program is being replaced, other workers have the function already. It is the outcome when the
// time of [AwaitFunction] is over and no worker that may have the function answers.
func (w *worker) pass(
	ctx context.Context, d *delivery, r *record, revision uint64, attempt int, err error,
) error {
	if r.Passed == nil {
		r.Passed = &passed{}
	}
	p := r.Passed
	p.add(w.name)
	if nobody := w.nobodyHas(d.Name); nobody && p.Waited >= w.await {
		err = fmt.Errorf("no worker had the function within %v (asked: %s): %w",
			p.Waited, strings.Join(p.Workers, ", "), err)
		r.addFailure(Failure{Attempt: attempt, Worker: w.name, At: aio.RunningLoop(ctx).Time(),
			Error: safetext.Error(err)})
		r.setError(err)
		return w.fail(ctx, d, r, revision)
	}
	pause := p.pause()
	if !d.Deadline.IsZero() { // then a worker ends the job
		pause = max(time.Millisecond, min(pause, d.Deadline.Sub(w.b.brokerTime(ctx))))
	}
	p.Waited += pause
	r.state, r.Name, r.Returned = retrying, d.Name, r.Returned+1
	if err := w.b.save(ctx, d.ID, r, revision); err != nil {
		return err
	}
	w.b.tell(Event{Kind: JobReturned, Worker: w.name, ID: d.ID, Name: d.Name,
		Error: safetext.Error(err)})
	w.b.giveBack(d, pause)
	return errReturned
}
