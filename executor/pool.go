package executor

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/nocopy"
	"github.com/aio-go/aio/internal/safetext"
)

// Pool is an [Executor] that runs jobs in worker processes. Jobs start in FIFO order. A job gets
// the idle worker that worked last, so that unneeded ones are not woken, or else a new one. Workers
// are started when there is work for them, and stay. A pool belongs to the loop that it was made
// on, and its methods are for that loop only. Other loops may share it: in their contexts by
// [With], or by [On]. It lives as long as its own loop. asyncio: ProcessPoolExecutor.
//
//	state     Execute     Shutdown                       Close
//	open      runs        ending: its jobs go on         closed
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

	slots   *aiosync.Limiter    // each job that has, or gets, a worker takes one
	starts  *aiosync.Limiter    // for the goroutines that start processes, which never wait for it
	idle    []*worker           // the last to work comes last
	workers map[*worker]bool    // all workers, until they are gone
	pending map[*execution]bool // accepted jobs that have not ended
	changed aiosync.Event       // set, and cleared, when pending or workers shrink
	ending  atomic.Bool         // read by check on other goroutines
	closed  bool
	space   *space // the shared objects
	forget  func() // removes the hooks in the loop

	started, lost, done int
}

// PoolStatistics is the result of [Pool.Statistics].
type PoolStatistics struct {
	Max     int // the largest number of workers
	Workers int // workers, also those that are starting or ending
	Idle    int // workers without a job
	Running int // jobs that have a worker, or for which one is starting
	Waiting int // jobs that wait for their turn
	Started int // workers started so far
	Lost    int // workers that ended, or were ended, before their job did
	Done    int // jobs that have ended, in any way
}

// PoolOption is an option of [NewPool] and [Processes].
type PoolOption func(p *Pool)

// Workers is the largest number of processes at a time. It panics if n is less than one. Default:
// one for each processor.
func Workers(n int) PoolOption {
	atLeastOne("Workers", n)
	return func(p *Pool) { p.max = n }
}

// JobsPerWorker replaces a worker by a new one after n jobs: for functions with leaks. It panics if
// n is less than one. Default: no limit. asyncio: max_tasks_per_child.
func JobsPerWorker(n int) PoolOption {
	atLeastOne("JobsPerWorker", n)
	return func(p *Pool) { p.maxJobs = n }
}

// StartTimeout is how long a worker may take from its start until it is ready in [Main]. Default: a
// minute.
func StartTimeout(d time.Duration) PoolOption { return func(p *Pool) { p.patience = d } }

// Stderr is the destination of the workers' standard error. Several goroutines write to it at a
// time. Default: os.Stderr.
func Stderr(w io.Writer) PoolOption { return func(p *Pool) { p.stderr = w } }

// MaxMessage is the largest size of an encoded argument, result or progress report, in bytes. A
// larger one is an error of its job. A worker, which may be compromised, cannot make its parent
// hold more than that. It panics if n is less than 1 KiB or more than 1 GiB. Default: 64 MiB.
func MaxMessage(n int) PoolOption {
	if n < leastMessage || n > mostMessage {
		panic(fmt.Sprintf("executor: MaxMessage: %d bytes; use %d to %d",
			n, leastMessage, mostMessage))
	}
	return func(p *Pool) { p.maxMessage = n }
}

func atLeastOne(op string, n int) {
	if n < 1 {
		panic(fmt.Sprintf("executor: %s: the number is %d; use 1 or more", op, n))
	}
}

// NewPool makes a pool. It starts no process yet. Call [Pool.Shutdown] at the end; [Processes] does
// that by itself. A loop that closes ends the pool. NewPool panics if the program has not called
// [Main]: its workers would only be further copies of the program.
func NewPool(ctx context.Context, opts ...PoolOption) *Pool {
	if !hooked.Load() {
		panic("executor: NewPool: the program has not called executor.Main, " +
			"where worker processes begin to work; call it first thing in main, and in TestMain")
	}
	p := &Pool{
		loop: aio.RunningLoop(ctx), max: runtime.NumCPU(), patience: time.Minute, stderr: os.Stderr,
		maxMessage: defaultMessage,
		workers:    map[*worker]bool{}, pending: map[*execution]bool{},
	}
	for _, o := range opts {
		o(p)
	}
	p.space = newSpace(p.loop, p.maxMessage)
	p.slots, p.starts = aiosync.NewLimiter(p.max), aiosync.NewLimiter(p.max)
	p.watchLoop()
	return p
}

// watchLoop lets the loop tell the pool of its end before it closes the connections made so far.
// The pool then closes its own.
func (p *Pool) watchLoop() {
	if p.forget != nil {
		p.forget()
	}
	p.forget = p.loop.OnClose(p.abandon)
}

// Processes makes a pool, calls fn with it, and ends it: jobs that fn has left in it are finished
// first. In fn's context the pool is the executor. It returns the error of fn, or of Shutdown.
// asyncio: with ProcessPoolExecutor() as pool.
//
// Cancellation: while the pool is ending, it kills the workers. Processes waits for their end in
// any case, also after a panic.
func Processes(
	ctx context.Context, fn func(ctx context.Context, p *Pool) error, opts ...PoolOption,
) (err error) {
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
type execution struct {
	name    string
	account *account // what the function has of the shared objects
}

// String names the job in the statistics of the limiter.
func (e *execution) String() string { return e.name }

// Execute runs a job in a worker process. See [Executor]. Tasks of other loops may call it, too:
// the job is then a task of the pool's loop.
//
// It returns [ErrClosed] if the pool is ending, a [*WorkerError] if the worker was lost, and a
// [*RemoteError] for an error of the function.
//
// Cancellation: a waiting job leaves the line. A running job is ended by SIGKILL for its worker and
// its process group; a new worker will take its place.
func (p *Pool) Execute(ctx context.Context, job Job) ([]byte, error) {
	if size := len(job.Args) + len(job.Name) + len(job.ID) + jobOverhead; size > p.maxMessage {
		return nil, fmt.Errorf("executor: %s: an argument of %d bytes is too large; "+
			"the pool's MaxMessage allows %d", safetext.Line(job.Name), len(job.Args), p.maxMessage)
	}
	if !p.loop.IsHere() {
		return p.fromAfar(ctx, job)
	}
	if p.ending.Load() {
		return nil, ErrClosed
	}
	e := &execution{job.Name, newAccount(p.loop, p.space, job.pipe)}
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
			continue // with another worker; the job has kept its slot
		case err != nil && p.closed:
			return nil, ErrClosed
		}
		return data, err
	}
}

// fromAfar executes a job for another loop.
func (p *Pool) fromAfar(ctx context.Context, job Job) ([]byte, error) {
	l := aio.RunningLoop(ctx)
	if !job.Deadline.IsZero() { // by the clock of this loop
		job.Deadline = p.loop.Time().Add(job.Deadline.Sub(l.Time()))
	}
	if listener := job.Progress; listener != nil {
		over := false
		defer func() { over = true }()
		job.Progress = func(report []byte) {
			// It fails only if the loop is closed: then the report is not needed.
			l.CallSoonThreadsafe(func() {
				if !over {
					listener(report)
				}
			})
		}
	}
	data, err := aio.SubmitValue(ctx, p.loop, func(ctx context.Context) ([]byte, error) {
		return p.Execute(ctx, job)
	})
	if err == aio.ErrLoopClosed {
		err = ErrClosed
	}
	return data, err
}

// shared implements sharer.
func (p *Pool) shared(context.Context) *space { return p.space }

// attempt lets a worker do a job. Then it takes back the worker and e's slot, or gives the worker
// up.
func (p *Pool) attempt(
	ctx context.Context, w *worker, e *execution, job Job,
) (data []byte, err error) {
	finished := false
	defer func() {
		switch {
		case finished:
			e.account.close(false)
			p.release(w, e)
		case err != errNotStarted:
			p.lost++
			e.account.stop()
			w.discard()
			w.inherit(e)
		}
	}()
	data, err = w.do(ctx, job, e.account)
	_, own := errtree.As[*RemoteError](err)
	finished = err == nil || own
	return data, err
}

// ready returns an idle worker, or a new one that is not started yet.
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

// release takes back a worker that has done a job.
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

// change wakes tasks that wait for the end of jobs or workers.
func (p *Pool) change() {
	p.changed.Set()
	p.changed.Clear()
}

// Shutdown ends the pool: it accepts no more jobs, finishes its jobs, also waiting ones, and then
// ends the workers. It returns when all processes have gone: nil, or the error of a cancellation.
// Several tasks may call it. asyncio: shutdown_default_executor, ProcessPoolExecutor.shutdown.
//
// Cancellation: the pool is closed as by Close, and Shutdown waits for the end of the processes.
func (p *Pool) Shutdown(ctx context.Context) error {
	p.ending.Store(true)
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
	p.space.end()
	p.forget()
	return err
}

// Close kills the workers. Jobs in the pool end with [ErrClosed]. It does not wait; call Shutdown
// for that, also after Close.
func (p *Pool) Close() {
	p.ending.Store(true)
	p.closed = true
	for w := range p.workers { // the order cannot be observed
		w.proc.kill()
	}
}

// abandon is called when the loop has ended: no task waits any more.
func (p *Pool) abandon() {
	p.Close()
	for w := range p.workers {
		if w.link != nil {
			w.link.Abort()
		}
		select {
		case <-w.proc.ended:
		case <-time.After(farewell): // the system cannot end it
		}
	}
}

// Statistics returns the current state of the pool.
func (p *Pool) Statistics() PoolStatistics {
	s := p.slots.Statistics()
	return PoolStatistics{
		Max: p.max, Workers: len(p.workers), Idle: len(p.idle), Running: len(p.pending) - s.Waiting,
		Waiting: s.Waiting,
		Started: p.started, Lost: p.lost, Done: p.done,
	}
}

// String shows the numbers of workers and jobs.
func (p *Pool) String() string {
	s := p.Statistics()
	state := ""
	switch {
	case p.closed:
		state = ", closed"
	case p.ending.Load():
		state = ", ending"
	}
	return fmt.Sprintf("<Pool %d of %d workers, %d idle, %d jobs waiting%s>",
		s.Workers, s.Max, s.Idle, s.Waiting, state)
}
