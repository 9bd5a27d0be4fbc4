package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/stream"
)

// farewell is how long a worker may take to end after its connection has ended. It is real time,
// not the loop's.
const farewell = 5 * time.Second

// worker is a process as the pool's part. It belongs to the loop.
//
//	state      the slot is   in pool.idle   then
//	starting   the job's     no             busy, or ending
//	busy       the job's     no             idle, or ending
//	idle       free          yes            busy, or ending
//	ending     inherited     no             gone
//	gone       free          no             -
//
// A process may be gone before the end of its job is known: then the job has the slot until it
// ends.
type worker struct {
	pool  *Pool
	proc  *process
	from  *stream.Reader // nil until it has started
	link  *stream.Writer
	slot  *execution // inherited from its last job; nil if it is idle or has a job
	jobs  int        // done so far
	gone  bool
	ended aiosync.Event // set when it is gone
	guard *time.Timer
	sure  bool // the loop expects an event from this process
}

func newWorker(p *Pool) *worker { return &worker{pool: p, proc: newProcess(p.stderr)} }

// usable reports whether the worker runs and its connection is open.
func (w *worker) usable() bool {
	return !w.gone && !w.from.AtEOF() && w.from.Err() == nil && !w.link.IsClosing()
}

// expect tells the loop whether an event is certain to come from the process: a virtual clock
// stands still while it works or ends.
func (w *worker) expect(on bool) {
	switch {
	case on && !w.sure:
		w.pool.loop.ExpectPosts(1)
	case !on && w.sure:
		w.pool.loop.ExpectPosts(-1)
	}
	w.sure = on
}

// errNotStarted says that an idle worker had gone before it began the job.
var errNotStarted = errors.New("executor: the worker was gone before it began")

// do lets the worker do a job. After an error other than a *RemoteError the worker is of no use any
// more. After errNotStarted the job has not begun, and the caller has the slot.
func (w *worker) do(ctx context.Context, job Job, a *account) ([]byte, error) {
	if w.from == nil {
		if err := w.start(ctx); err != nil {
			return nil, w.explain(ctx, job.Name, err)
		}
	}
	var left time.Duration
	if !job.Deadline.IsZero() {
		left = max(1, job.Deadline.Sub(w.pool.loop.Time()))
	}
	if err := w.link.WriteFrame(framePrefix, appendJob(nil, job, left)); err != nil {
		return nil, w.notStarted(ctx, job.Name)
	}
	result, started, err := answer(job,
		func() (byte, []byte, error) { return w.receive(ctx) },
		func(kind byte, body []byte) error { return w.asked(ctx, a, kind, body) })
	_, own := errtree.As[*RemoteError](err)
	switch {
	case err == nil || own:
		return result, err
	case err == errLost && !started:
		return nil, w.notStarted(ctx, job.Name)
	}
	return nil, w.explain(ctx, job.Name, err)
}

// asked takes a frame that is about shared objects. Each ask is a task until its reply is on its
// way, so a worker that does not read its replies can only have so many.
func (w *worker) asked(ctx context.Context, a *account, kind byte, body []byte) error {
	if kind == settleFrame {
		id, done, err := parseSettle(body)
		if err == nil {
			a.settle(id, done)
		}
		return err
	}
	id, r, err := parseAsk(body)
	switch {
	case err != nil:
		return err
	case a.pending[id] != nil, a.holds[id].back != nil, len(a.pending) >= mostAsks,
		a.asked+len(r.data) > 2*w.pool.maxMessage, !knows(r.name):
		return errFrame
	}
	p := a.expect(id, len(r.data))
	w.expect(false) // a virtual clock may go on: what the worker waits for may need it
	p.task = aio.Start(ctx, func(ctx context.Context) error {
		defer a.forget(id, p)
		reply, err := a.do(ctx, id, p, r)
		if a.closed {
			return nil
		}
		w.expect(len(a.pending) == 1) // otherwise the worker waits for something else, too
		switch {
		case p.dropped:
			return nil
		case err == errFrame: // not an operation of this object
			w.proc.kill()
			return nil
		}
		if w.link.WriteFrame(framePrefix, appendReply(nil, id, reply, err)) == nil {
			_ = w.link.Drain(ctx) // if the worker has gone, its reader says so
		}
		return nil
	}, aio.Name("executor: "+r.name))
	return nil
}

// errLost says that the worker's end of the connection has gone.
var errLost = errors.New("executor: the worker has gone")

// receive waits for a frame. It returns errLost if no more will come.
func (w *worker) receive(ctx context.Context) (kind byte, body []byte, err error) {
	kind, body, err = receive(ctx, w.from, w.pool.maxMessage)
	switch {
	case err == nil, interrupted(err), err == errFrame, errtree.Is(err, errTooLarge):
		return kind, body, err
	}
	return 0, nil, errLost
}

// interrupted reports whether a wait ended because of its task, or of the block around it.
func interrupted(err error) bool {
	return errtree.Is(err, aio.ErrCancelled) || errtree.Is(err, context.DeadlineExceeded)
}

// start starts the process and waits until it is ready.
func (w *worker) start(ctx context.Context) error {
	// Starting takes some milliseconds and is not for the loop. It is not abandoned either: a
	// cancelled task kills a process that is known.
	p := w.pool
	p.started++
	err := aio.Blocking(context.WithoutCancel(ctx), func(context.Context) error {
		return w.proc.start(func() { p.loop.CallSoonThreadsafe(w.leave) })
	}, aio.LimitedBy(p.starts))
	if err != nil {
		return err
	}
	conn := w.proc.take()
	if conn == nil {
		return errLost
	}
	if w.from, w.link, err = stream.Adopt(ctx, conn); err != nil {
		return err
	}
	if err := w.link.WriteFrame(framePrefix,
		appendWelcome(nil, w.proc.token, p.maxMessage)); err != nil {
		return errLost
	}
	p.watchLoop()
	late := time.AfterFunc(p.patience, w.proc.kill) // real time, as for any process
	kind, body, err := w.receive(ctx)
	switch {
	case !late.Stop() && err == errLost:
		return fmt.Errorf("executor: it was not ready after %v", p.patience)
	case err != nil:
		return err
	}
	hello := parts{rest: body}
	if version := hello.number(); kind != helloFrame || version != protocol {
		return fmt.Errorf("executor: the worker is another program, "+
			"or speaks version %d instead of %d", version, protocol)
	}
	return nil
}

// explain makes an error of the end of a job. For a lost worker it waits for the worker's end.
func (w *worker) explain(ctx context.Context, name string, err error) error {
	switch {
	case err == errLost:
		err = nil // its end says it all
	case interrupted(err):
		return err
	default:
		w.proc.kill() // it cannot be used any more
	}
	if w.proc.begun() {
		w.expectEnd()
		if e := w.ended.Wait(ctx); e != nil {
			return e
		}
	}
	pid, state := w.proc.state()
	return &WorkerError{Name: name, PID: pid, State: state, Stderr: w.proc.tail.String(), Err: err}
}

// notStarted waits for the end of a worker that had gone before it began a job. If it was idle
// before, the job can be tried again. A worker that has never worked may be one of many that
// cannot.
func (w *worker) notStarted(ctx context.Context, name string) error {
	if w.jobs == 0 {
		return w.explain(ctx, name, errLost)
	}
	w.expectEnd()
	if err := w.ended.Wait(ctx); err != nil {
		return err
	}
	return errNotStarted
}

// expectEnd kills a worker that does not end by itself.
func (w *worker) expectEnd() {
	if w.guard == nil && !w.gone {
		w.expect(true)
		w.guard = time.AfterFunc(farewell, w.proc.kill)
	}
}

// retire makes the worker end by closing the connection.
func (w *worker) retire() {
	w.leaveIdle()
	w.expect(true)
	w.link.Close()
	w.expectEnd()
}

// leaveIdle removes the worker from the idle ones.
func (w *worker) leaveIdle() {
	p := w.pool
	if i := slices.Index(p.idle, w); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
}

// discard ends the worker.
func (w *worker) discard() {
	w.proc.kill()
	if w.link != nil {
		w.link.Abort()
	}
	if !w.proc.begun() {
		w.leave()
	}
}

// inherit takes over the slot of the worker's last job, and its account. It is free when the worker
// has gone, so there are never more processes than slots, and a lock is not given away while the
// worker may still do what the lock protects.
func (w *worker) inherit(slot *execution) {
	if w.gone {
		slot.account.close(true)
		w.pool.slots.ReleaseFor(slot)
		return
	}
	w.slot = slot
}

// leave is called when the process has gone, or could not be started.
func (w *worker) leave() {
	p := w.pool
	if w.gone {
		return
	}
	w.gone = true
	if w.guard != nil {
		w.guard.Stop()
	}
	if w.link != nil {
		w.link.Abort()
	}
	w.leaveIdle()
	w.expect(false)
	delete(p.workers, w)
	if w.slot != nil {
		w.slot.account.close(true)
		p.slots.ReleaseFor(w.slot)
	}
	w.ended.Set()
	p.change()
}
