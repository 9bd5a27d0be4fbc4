package distributed

import (
	"context"
	"errors"
	"fmt"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/safetext"
)

// attempt runs the function once. It returns nil when the job needs nothing more of this worker.
func (w *worker) attempt(ctx context.Context, d *delivery) error {
	r := record{Step: d.step}
	var revision uint64
	attempt := d.count
	if d.count > 1 || d.step > 0 || d.again {
		var err error
		if r, revision, err = w.load(ctx, d); err != nil {
			return err
		}
		if r.over() {
			return nil
		}
		attempt -= r.Returned
	}
	attempt = max(attempt, r.lastAttempt()+1)
	if attempt > d.attempts { // its workers were lost
		for n := r.lastAttempt() + 1; n <= d.attempts; n++ {
			r.addFailure(Failure{Attempt: n})
		}
		return w.fail(ctx, d, &r, revision)
	}
	result, err := w.call(ctx, d, attempt)
	if err == nil {
		if d.step < len(d.then) {
			err = w.b.chain(ctx, &d.envelope, result)
		} else {
			out := record{state: done, result: result, Reports: w.leases[d].reports}
			err = w.finish(ctx, d, out, revision)
		}
		if !errors.Is(err, ErrTooLarge) {
			return err
		}
		err = Permanent(err) // of a result that nothing can carry
	}
	switch {
	case w.b.cancelled(d.ID):
		return nil
	case ctx.Err() != nil: // the worker ends; that is no failure of the job
		return err
	}
	if lacks(err, d.Name) {
		return w.pass(ctx, d, &r, revision, attempt, err)
	}
	text := safetext.Error(err)
	r.addFailure(Failure{
		Attempt: attempt, Worker: w.name, At: aio.RunningLoop(ctx).Time(), Error: text})
	r.setError(err)
	r.Name, r.Passed = d.Name, nil
	if attempt >= d.attempts || isPermanent(err) {
		return w.fail(ctx, d, &r, revision)
	}
	r.state = retrying
	if err := w.b.save(ctx, d.ID, &r, revision); err != nil {
		return err
	}
	w.b.tell(Event{Kind: JobFailed, Worker: w.name, ID: d.ID, Name: d.Name, Attempt: attempt,
		Error: text})
	w.b.giveBack(d, w.backoff(attempt))
	return errReturned
}

// finish writes the result. A failure that another run has written meanwhile does not count.
func (w *worker) finish(ctx context.Context, d *delivery, out record, revision uint64) error {
	for {
		err := w.b.finish(ctx, d.ID, out, revision)
		if !errors.Is(err, errConflict) {
			return err
		}
		var r record
		if r, revision, err = w.b.load(ctx, d.ID); err != nil || r.over() {
			return err
		}
	}
}

// fail ends a job without a further attempt.
func (w *worker) fail(ctx context.Context, d *delivery, r *record, revision uint64) error {
	r.state, r.Name = failed, d.Name
	if err := w.b.bury(ctx, &d.envelope, r.Failures); err != nil {
		return err
	}
	if err := w.b.save(ctx, d.ID, r, revision); err != nil {
		return err
	}
	last := ""
	if n := len(r.Failures); n > 0 {
		last = r.Failures[n-1].Error
	}
	w.b.tell(Event{Kind: JobDead, Worker: w.name, ID: d.ID, Name: d.Name,
		Attempt: r.lastAttempt(), Error: last})
	return nil
}

// call runs the function. Its context ends at the job's deadline and when the job is cancelled.
func (w *worker) call(ctx context.Context, d *delivery, attempt int) (result []byte, err error) {
	args, err := w.b.argument(ctx, &d.envelope)
	if err != nil {
		return nil, err
	}
	ctx, cancel := aio.WithCancelCause(ctx)
	defer cancel(nil)
	defer w.b.onCancel(d.ID, func() { cancel(ErrCancelled) })()
	if w.extract != nil {
		ctx = w.extract(ctx, d.header)
	}
	job := d.Job
	job.Args, job.Attempt = args, attempt
	l := w.leases[d]
	l.reported, l.reports = aio.RunningLoop(ctx).Time(), 0
	if d.progress || w.stall > 0 {
		job.Progress = func(report []byte) {
			l.reported = aio.RunningLoop(ctx).Time()
			l.reports++
			w.b.report(d.ID, attempt, report)
		}
	}
	defer func() {
		if v := recover(); v != nil { // a function that panics on a thread
			err = fmt.Errorf("panic: %v", v)
			var p *aio.PanicError
			if e, ok := v.(error); ok && errors.As(e, &p) {
				err = e
			}
		}
	}()
	run := func(ctx context.Context) ([]byte, error) {
		result, err := w.ex.Execute(ctx, job)
		if lacks := lacks(err, job.Name); lacks || ctx.Err() == nil {
			w.learn(job.Name, !lacks)
		}
		return result, err
	}
	if d.Deadline.IsZero() {
		return run(ctx)
	}
	left := d.Deadline.Sub(w.b.brokerTime(ctx))
	job.Deadline = aio.RunningLoop(ctx).Time().Add(left)
	result, err = aio.WaitFor(ctx, left, run)
	var late *aio.TimeoutError
	// The function may have time limits of its own.
	if errors.As(err, &late) && !aio.RunningLoop(ctx).Time().Before(job.Deadline) {
		err = Permanent(fmt.Errorf("the job's time is up: %w", context.DeadlineExceeded))
	}
	return result, err
}
