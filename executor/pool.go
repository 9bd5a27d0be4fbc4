package executor

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/nocopy"
	"github.com/aio-go/aio/internal/safetext"
)

// Pool is an [Executor] that runs jobs in worker processes. Jobs start in the order in which they were asked
// for; a job gets the worker that worked last, so that one that is not needed is not woken, or a new one.
// Workers are started when there is work for them, and stay. A pool belongs to the loop it was made on. Its
// methods are for the loop only. asyncio: ProcessPoolExecutor.
//
//	state     Execute     Shutdown                       Close
//	open      runs        ending: what is in it is done  closed
//	ending    ErrClosed   waits, too                     closed: jobs end with ErrClosed
//	closed    ErrClosed   waits for the processes        -
type Pool struct {
	_        nocopy.Mark
	loop     *aio.Loop
	max      int
	maxJobs  int
	patience time.Duration
	stderr   io.Writer

	maxMessage int // bytes

	slots   *aiosync.Limiter    // one is lent to each job that has, or gets, a worker
	starts  *aiosync.Limiter    // for the goroutines that start processes: none ever has to wait for one
	idle    []*worker           // who worked last comes last
	workers map[*worker]bool    // all, until they are gone
	pending map[*execution]bool // jobs that were accepted and have not ended
	changed aiosync.Event       // set, and cleared, when pending or workers shrink
	ending  bool
	closed  bool
	forget  func() // takes back what was left with the loop

	started, lost, done int
}

// PoolStatistics is what [Pool.Statistics] returns.
type PoolStatistics struct {
	Max     int // workers there may be
	Workers int // workers there are, also those that are starting or ending
	Idle    int // workers without a job
	Running int // jobs that have a worker, or for which one is starting
	Waiting int // jobs that wait for their turn
	Started int // workers that were started, in all
	Lost    int // workers that ended, or were ended, before their job did
	Done    int // jobs that have ended, in whatever way
}

// PoolOption is an option of [NewPool] and [Processes].
type PoolOption func(p *Pool)

// Workers is how many processes there may be at a time. It panics if n is less than one. Default: one for
// each processor.
func Workers(n int) PoolOption {
	atLeastOne("Workers", n)
	return func(p *Pool) { p.max = n }
}

// JobsPerWorker replaces a worker by a new one after n jobs: for functions that leave something behind. It
// panics if n is less than one. Default: no limit. asyncio: max_tasks_per_child.
func JobsPerWorker(n int) PoolOption {
	atLeastOne("JobsPerWorker", n)
	return func(p *Pool) { p.maxJobs = n }
}

// StartTimeout is how long a worker may take from its start until it is ready in [Main]. Default: a minute.
func StartTimeout(d time.Duration) PoolOption { return func(p *Pool) { p.patience = d } }

// Stderr is where the workers' standard error goes. It is written to on goroutines, several at a time.
// Default: os.Stderr.
func Stderr(w io.Writer) PoolOption { return func(p *Pool) { p.stderr = w } }

// MaxMessage is how large an argument, a result or a report of progress may be, encoded, in bytes. More is an error of its
// job. A worker, which may be out of its mind, can make its parent keep no more than that. It panics if n is less than 1 KiB
// or more than 1 GiB. Default: 64 MiB.
func MaxMessage(n int) PoolOption {
	if n < leastMessage || n > mostMessage {
		panic(fmt.Sprintf("executor: MaxMessage: %d bytes; use %d to %d", n, leastMessage, mostMessage))
	}
	return func(p *Pool) { p.maxMessage = n }
}

func atLeastOne(op string, n int) {
	if n < 1 {
		panic(fmt.Sprintf("executor: %s: the number is %d; use 1 or more", op, n))
	}
}

// NewPool makes a pool. It starts no process yet. Call [Pool.Shutdown] in the end; [Processes] does that by
// itself. The loop, when it is closed, ends what is left. NewPool panics if the program has not called
// [Main]: its workers would be nothing but further copies of it.
func NewPool(ctx context.Context, opts ...PoolOption) *Pool {
	if !hooked.Load() {
		panic("executor: NewPool: the program has not called executor.Main, where worker processes begin to work; " +
			"call it first thing in main, and in TestMain")
	}
	p := &Pool{
		loop: aio.RunningLoop(ctx), max: runtime.NumCPU(), patience: time.Minute, stderr: os.Stderr, maxMessage: defaultMessage,
		workers: map[*worker]bool{}, pending: map[*execution]bool{},
	}
	for _, o := range opts {
		o(p)
	}
	p.slots, p.starts = aiosync.NewLimiter(p.max), aiosync.NewLimiter(p.max)
	p.watchLoop()
	return p
}

// watchLoop has the pool told of the loop's end: before the connections that were made by now, of which it then
// closes its own.
func (p *Pool) watchLoop() {
	if p.forget != nil {
		p.forget()
	}
	p.forget = p.loop.OnClose(p.abandon)
}

// Processes makes a pool, calls fn with it, and ends it: jobs that fn has left in it are done before. In fn's
// context the pool is the executor. It returns the error of fn, or of Shutdown. asyncio: with
// ProcessPoolExecutor() as pool.
//
// Cancellation: if it hits while the pool is ending, the workers are killed. That they are gone is waited
// for in any case, also after a panic.
func Processes(ctx context.Context, fn func(ctx context.Context, p *Pool) error, opts ...PoolOption) (err error) {
	p := NewPool(ctx, opts...)
	returned := false
	defer func() {
		if !returned {
			p.Close()
		}
		if end := p.Shutdown(ctx); err == nil {
			err = end
		}
	}()
	err = fn(With(ctx, p), p)
	returned = true
	return err
}

// execution is a job on its way through the pool.
type execution struct{ name string }

// String names the job in the statistics of the limiter.
func (e *execution) String() string { return e.name }

// Execute runs a job in a worker process. See [Executor].
//
// It returns [ErrClosed] if the pool is ending, a [*WorkerError] if the worker was lost, a [*RemoteError] for
// an error of the function.
//
// Cancellation: a job that waits leaves the line. One that runs is ended, by SIGKILL for its worker and
// whatever else is in its process group; a new worker will take its place.
func (p *Pool) Execute(ctx context.Context, job Job) ([]byte, error) {
	if size := len(job.Args) + len(job.Name) + len(job.ID) + jobOverhead; size > p.maxMessage {
		return nil, fmt.Errorf("executor: %s: an argument of %d bytes is too large; the pool's MaxMessage allows %d", safetext.Line(job.Name), len(job.Args), p.maxMessage)
	}
	if p.ending {
		return nil, ErrClosed
	}
	e := &execution{job.Name}
	p.pending[e] = true
	defer func() {
		p.done++
		delete(p.pending, e)
		p.change()
	}()
	if err := p.slots.AcquireFor(ctx, e); err != nil {
		return nil, err
	}
	for {
		if p.closed {
			p.slots.ReleaseFor(e)
			return nil, ErrClosed
		}
		data, err := p.attempt(ctx, p.ready(), e, job)
		switch {
		case err == errNotStarted:
			continue // with another worker; it has kept its slot
		case err != nil && p.closed:
			return nil, ErrClosed
		}
		return data, err
	}
}

// attempt has a worker do a job, and takes the worker and e's slot back, or gives the worker up.
func (p *Pool) attempt(ctx context.Context, w *worker, e *execution, job Job) (data []byte, err error) {
	finished := false
	defer func() {
		switch {
		case finished:
			p.release(w, e)
		case err != errNotStarted:
			p.lost++
			w.discard()
			w.inherit(e)
		}
	}()
	data, err = w.do(ctx, job)
	_, own := errtree.As[*RemoteError](err)
	finished = err == nil || own
	return data, err
}

// ready returns an idle worker, or one that has yet to be started.
func (p *Pool) ready() *worker {
	for len(p.idle) > 0 {
		last := len(p.idle) - 1
		w := p.idle[last]
		if w.usable() {
			p.idle = p.idle[:last]
			w.expect(true)
			return w
		}
		w.retire()
	}
	w := newWorker(p)
	p.workers[w] = true
	w.expect(true)
	return w
}

// release takes a worker back that has done a job.
func (p *Pool) release(w *worker, e *execution) {
	w.jobs++
	if w.jobs == p.maxJobs || p.closed || !w.usable() {
		w.retire()
		w.inherit(e)
		return
	}
	p.slots.ReleaseFor(e)
	w.expect(false)
	p.idle = append(p.idle, w)
}

// change wakes those who wait for the end of jobs or workers.
func (p *Pool) change() {
	p.changed.Set()
	p.changed.Clear()
}

// Shutdown ends the pool: no further job is accepted, those that are in it are done, also those that wait for
// their turn, and then the workers end. It returns when all processes have gone: nil, or the error of a
// cancellation. Several tasks may call it. asyncio: shutdown_default_executor, ProcessPoolExecutor.shutdown.
//
// Cancellation: the pool is closed as by Close, and that the processes have gone is waited for.
func (p *Pool) Shutdown(ctx context.Context) error {
	p.ending = true
	var err error
	wait := func(more func() bool) {
		for more() {
			if e := p.changed.Wait(ctx); e != nil {
				err = e
				p.Close()
				ctx = context.WithoutCancel(ctx) // it will not take long
			}
		}
	}
	wait(func() bool { return len(p.pending) > 0 })
	for len(p.idle) > 0 {
		p.idle[0].retire()
	}
	wait(func() bool { return len(p.workers) > 0 })
	p.forget()
	return err
}

// Close kills the workers. Jobs that are in the pool end with [ErrClosed]. It does not wait; Shutdown does,
// after it too.
func (p *Pool) Close() {
	p.ending, p.closed = true, true
	for w := range p.workers { // in any order: it cannot be seen
		w.proc.kill()
	}
}

// abandon is called when the loop has ended: nobody waits any more.
func (p *Pool) abandon() {
	p.Close()
	for w := range p.workers {
		if w.link != nil {
			w.link.Abort()
		}
		select {
		case <-w.proc.ended:
		case <-time.After(farewell): // the system keeps it
		}
	}
}

// Statistics returns a picture of the pool as it is now.
func (p *Pool) Statistics() PoolStatistics {
	s := p.slots.Statistics()
	return PoolStatistics{
		Max: p.max, Workers: len(p.workers), Idle: len(p.idle), Running: len(p.pending) - s.Waiting, Waiting: s.Waiting,
		Started: p.started, Lost: p.lost, Done: p.done,
	}
}

// String shows how many workers and jobs there are.
func (p *Pool) String() string {
	s := p.Statistics()
	state := ""
	switch {
	case p.closed:
		state = ", closed"
	case p.ending:
		state = ", ending"
	}
	return fmt.Sprintf("<Pool %d of %d workers, %d idle, %d jobs waiting%s>", s.Workers, s.Max, s.Idle, s.Waiting, state)
}
