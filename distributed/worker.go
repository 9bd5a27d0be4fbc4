package distributed

import (
	"context"
	"errors"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/executor"
	"github.com/aio-go/aio/internal/safetext"
)

// WorkOption is an option of [Work].
type WorkOption func(w *worker)

// Concurrency is how many jobs run at a time. Default: 8.
func Concurrency(n int) WorkOption {
	must(n >= 1, "Concurrency", "the number is %d; use 1 or more", n)
	return func(w *worker) { w.slots = aiosync.NewSemaphore(n) }
}

// On runs the functions on ex, such as a pool of processes. Default: goroutines of this process.
func On(ex executor.Executor) WorkOption { return func(w *worker) { w.ex = ex } }

// Drain is how long running jobs may go on after Work was cancelled. Default: 10 seconds.
func Drain(d time.Duration) WorkOption { return func(w *worker) { w.drain = d } }

// StallAfter lets a job lose its lease if its function has not called executor.Progress for d: for
// functions that may hang. Default: the lease follows the worker's loop alone.
func StallAfter(d time.Duration) WorkOption {
	must(d > 0, "StallAfter", "the time is %v; use more than 0", d)
	return func(w *worker) { w.stall = d }
}

// AwaitFunction is how long a job may wait for a worker that has its function. A worker that does
// not have it hands the job back for a pause of up to 2 seconds, which is no attempt. When the sum
// of the pauses reaches d the worker that gets the job next ends it: the job is dead. But it waits
// on while there is a worker that may have the function, however long that one is busy. A worker
// counts if it answers within d, at least 1 second and at most a [Lease]. With an executor from
// elsewhere ([On]) a worker may have each function that it has not tried. 0 means that no other
// worker is asked. Workers can have different times; each goes by its own. Default: 1 minute.
func AwaitFunction(d time.Duration) WorkOption {
	must(d >= 0, "AwaitFunction", "the time is %v; use 0 or more", d)
	return func(w *worker) { w.await = d }
}

// Extract is called for each job with the header that [Inject] has filled. It returns the context
// of the job. Default: none.
func Extract(fn func(ctx context.Context, header Header) context.Context) WorkOption {
	must(fn != nil, "Extract", "the function is nil; pass one")
	return func(w *worker) { w.extract = fn }
}

// broker is what a worker needs of the client.
type broker interface {
	// next waits for a job. free is how many jobs the worker could take now.
	next(ctx context.Context, free int) (*delivery, error)
	// stop ends the fetching of jobs, and returns those that next has not returned.
	stop(ctx context.Context) []*delivery
	extendFetched() // the leases of jobs that next has not returned

	extend(d *delivery)                         // the lease begins anew
	ack(d *delivery)                            // the job is over
	giveBack(d *delivery, after time.Duration)  // the job is for any worker, after a time
	report(id string, attempt int, data []byte) // of the function, to the submitter
	cancelled(id string) bool                   // the broker was told so
	onCancel(id string, fn func()) (end func()) // calls fn when it is told

	load(ctx context.Context, id string) (record, uint64, error)
	save(ctx context.Context, id string, r *record, revision uint64) error
	finish(ctx context.Context, id string, r record, revision uint64) error // r is done
	argument(ctx context.Context, e *envelope) ([]byte, error)
	bury(ctx context.Context, e *envelope, failures []Failure) error
	chain(ctx context.Context, e *envelope, result []byte) error
	tell(ev Event)

	// brokerTime returns the time by the clock that the deadlines of jobs are by.
	brokerTime(ctx context.Context) time.Time
	// nobody reports whether no worker that may have the function has given a sign for the time d.
	nobody(name string, d time.Duration) bool
}

// delivery is a job that the broker has given to this worker, under a lease.
type delivery struct {
	envelope
	count int // deliveries so far
	reply string
	bad   error // it is no job
}

// inProcess runs functions on goroutines.
var inProcess = executor.From(context.Background())

// worker takes jobs from the broker and runs them. A job:
//
//	state      what happens                     the broker's lease
//	fetched    waits for a free place           extended while the loop runs
//	running    its function runs                extended, unless it has stalled
//	deciding   its outcome is written           extended
//	over       acknowledged                     none
//	returned   handed back, now or after a time none
type worker struct {
	b       broker
	ex      executor.Executor
	slots   *aiosync.Semaphore
	name    string
	lease   time.Duration
	drain   time.Duration
	stall   time.Duration // 0: never
	await   time.Duration // how long a job waits for a worker that has its function
	backoff func(attempt int) time.Duration
	extract func(ctx context.Context, header Header) context.Context
	leases  map[*delivery]*lease
	lacking map[string]struct{} // functions that ex did not have
}

// lease is what the worker knows of a job that it holds.
type lease struct {
	reported time.Time // the function's last report, or its start
	reports  int       // of this run
	stalled  bool
}

// Work does jobs until its context ends. Then it takes no more, lets those that run go on for
// [Drain], hands the rest back, and returns the context's error. An error of the connection does
// not end it: it goes on when the broker is back. Loop only.
func Work(ctx context.Context, c *Client, opts ...WorkOption) error {
	if c.closed {
		return ErrClosed
	}
	f, err := newFeed(c)
	if err != nil {
		return err
	}
	defer f.close()
	w := &worker{b: f, name: c.settings.name, lease: c.settings.lease, backoff: c.settings.backoff,
		slots: aiosync.NewSemaphore(8), drain: 10 * time.Second, await: time.Minute}
	for _, o := range opts {
		o(w)
	}
	f.may = w.may
	return w.run(ctx)
}

func (w *worker) run(ctx context.Context) error {
	w.leases, w.lacking = map[*delivery]*lease{}, map[string]struct{}{}
	if w.ex == nil {
		w.ex = inProcess
	}
	free := context.WithoutCancel(ctx) // what runs has its own end
	w.b.tell(Event{Kind: WorkerStarted, Worker: w.name})
	defer func() { w.b.tell(Event{Kind: WorkerEnded, Worker: w.name}) }()
	var ended error
	err := aio.Group(free, func(free context.Context, g *aio.TaskGroup) error {
		beat := g.Go(w.beat, aio.Name("leases"))
		var late *aio.TimerHandle
		err := aio.Group(free, func(free context.Context, jobs *aio.TaskGroup) error {
			ended = w.take(ctx, jobs)
			late = aio.RunningLoop(free).CallLater(w.drain, func() { jobs.Cancel(errDrained) })
			w.handBack(free)
			return nil
		})
		late.Cancel()
		beat.Cancel(nil)
		return err
	})
	if err != nil {
		return err
	}
	return ended
}

var (
	errDrained  = errors.New("distributed: the worker ends")
	errReturned = errors.New("distributed: the job is handed back") // by attempt
)

// take starts jobs until ctx ends.
func (w *worker) take(ctx context.Context, jobs *aio.TaskGroup) error {
	for {
		if err := w.slots.Acquire(ctx); err != nil {
			return err
		}
		d, err := w.b.next(ctx, 1+w.slots.Statistics().Value)
		if err != nil {
			w.slots.Release()
			return err
		}
		w.leases[d] = &lease{}
		jobs.Go(func(ctx context.Context) error {
			defer w.slots.Release()
			defer delete(w.leases, d)
			w.handle(ctx, d)
			return nil
		}, aio.Name(d.Name+" "+d.ID))
	}
}

// handBack returns the jobs that were fetched and did not start. That is no attempt.
func (w *worker) handBack(ctx context.Context) {
	for _, d := range w.b.stop(ctx) {
		if d.bad == nil {
			_ = w.returned(ctx, d) // if that is not possible, an attempt is lost and not the job
		}
		w.b.giveBack(d, 0)
	}
}

// returned writes that a delivery was no attempt.
func (w *worker) returned(ctx context.Context, d *delivery) error {
	return aio.Timeout(ctx, 2*time.Second, func(ctx context.Context) error {
		r, revision, err := w.load(ctx, d)
		if err != nil || r.over() {
			return err
		}
		r.state, r.Name, r.Returned = retrying, d.Name, r.Returned+1
		return w.b.save(ctx, d.ID, &r, revision)
	})
}

// load returns the record of a job, without what was written about the functions of its chain that
// came before.
func (w *worker) load(ctx context.Context, d *delivery) (record, uint64, error) {
	r, revision, err := w.b.load(ctx, d.ID)
	if !r.over() && r.Step != d.step {
		r = record{Step: d.step}
	}
	return r, revision, err
}

// beat extends the leases. It is a task of the loop, so a loop that stands still extends none.
func (w *worker) beat(ctx context.Context) error {
	for {
		if err := aio.Sleep(ctx, w.lease/3); err != nil {
			return err
		}
		now := aio.RunningLoop(ctx).Time()
		for d, l := range w.leases {
			if w.stall > 0 && !l.reported.IsZero() && now.Sub(l.reported) > w.stall {
				l.stalled = true
			}
			if !l.stalled {
				w.b.extend(d)
			}
		}
		w.b.extendFetched()
	}
}

// handle runs a job and decides what becomes of it.
func (w *worker) handle(ctx context.Context, d *delivery) {
	if d.bad != nil {
		w.b.ack(d)
		w.b.tell(Event{Kind: JobMalformed, Worker: w.name, Error: d.bad.Error()})
		return
	}
	if w.b.cancelled(d.ID) {
		w.b.ack(d)
		return
	}
	switch err := w.attempt(ctx, d); {
	case err == nil: // decided, by this run or by another
		w.b.ack(d)
	case errors.Is(err, errConflict):
		// Another run has written. If that is no outcome the job is its job: an answer of this one
		// would count, although its lease is over.
		if r, _, err := w.b.load(ctx, d.ID); err == nil && r.over() {
			w.b.ack(d)
		}
	case errors.Is(err, errReturned):
	default: // the broker cannot be asked, or the worker ends: another run decides
		if ctx.Err() != nil {
			_ = w.returned(context.WithoutCancel(ctx), d)
		}
		w.b.giveBack(d, 0)
		w.b.tell(Event{Kind: JobReturned, Worker: w.name, ID: d.ID, Name: d.Name,
			Error: safetext.Error(err)})
	}
}
