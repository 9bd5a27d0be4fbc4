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

// farewell is how long a worker may take to end after its connection has ended. It is real time, whatever
// the loop's clock shows.
const farewell = 5 * time.Second

// worker is a process as the pool sees it. It belongs to the loop.
//
//	state      the slot is   in pool.idle   then
//	starting   the job's     no             busy, or ending
//	busy       the job's     no             idle, or ending
//	idle       free          yes            busy, or ending
//	ending     inherited     no             gone
//	gone       free          no             -
//
// A process may be gone before it is known that its job is: then the job has the slot, until it has ended.
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
	sure  bool // the loop has been told that something will come from this process
}

func newWorker(p *Pool) *worker { return &worker{pool: p, proc: newProcess(p.stderr)} }

// usable reports whether the worker is there and its connection stands.
func (w *worker) usable() bool {
	return !w.gone && !w.from.AtEOF() && w.from.Err() == nil && !w.link.IsClosing()
}

// expect tells the loop whether something is certain to come from the process: a virtual clock stands still
// while it works or ends.
func (w *worker) expect(on bool) {
	switch {
	case on && !w.sure:
		w.pool.loop.ExpectPosts(1)
	case !on && w.sure:
		w.pool.loop.ExpectPosts(-1)
	}
	w.sure = on
}

// errNotStarted says that a worker which was idle had gone before it began with the job.
var errNotStarted = errors.New("executor: the worker was gone before it began")

// do has the worker do a job. After an error that is not a *RemoteError the worker is of no use any more. After
// errNotStarted nothing has happened, and the caller has the slot.
func (w *worker) do(ctx context.Context, job Job) ([]byte, error) {
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
	result, started, err := answer(job, func() (byte, []byte, error) { return w.receive(ctx) })
	_, own := errtree.As[*RemoteError](err)
	switch {
	case err == nil || own:
		return result, err
	case err == errLost && !started:
		return nil, w.notStarted(ctx, job.Name)
	}
	return nil, w.explain(ctx, job.Name, err)
}

// errLost says that the worker's end of the connection has gone.
var errLost = errors.New("executor: the worker has gone")

// receive waits for a frame. It returns errLost if none will come any more.
func (w *worker) receive(ctx context.Context) (kind byte, body []byte, err error) {
	kind, body, err = receive(ctx, w.from, w.pool.maxMessage)
	switch {
	case err == nil, interrupted(err), err == errFrame, errtree.Is(err, errTooLarge):
		return kind, body, err
	}
	return 0, nil, errLost
}

// interrupted reports whether a wait ended because its task, or the block around it, should.
func interrupted(err error) bool {
	return errtree.Is(err, aio.ErrCancelled) || errtree.Is(err, context.DeadlineExceeded)
}

// start starts the process and waits until it is ready.
func (w *worker) start(ctx context.Context) error {
	// That takes some milliseconds and is not for the loop. It is not left alone either: whoever is
	// cancelled kills a process that is known.
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
	if err := w.link.WriteFrame(framePrefix, appendWelcome(nil, w.proc.token, p.maxMessage)); err != nil {
		return errLost
	}
	p.watchLoop()
	late := time.AfterFunc(p.patience, w.proc.kill) // real time, as it is another process
	kind, body, err := w.receive(ctx)
	switch {
	case !late.Stop() && err == errLost:
		return fmt.Errorf("executor: it was not ready after %v", p.patience)
	case err != nil:
		return err
	}
	hello := parts{rest: body}
	if version := hello.number(); kind != helloFrame || version != protocol {
		return fmt.Errorf("executor: the worker is another program, or speaks version %d instead of %d", version, protocol)
	}
	return nil
}

// explain makes an error of what ended a job. For a lost worker it waits until it is known how that ended.
func (w *worker) explain(ctx context.Context, name string, err error) error {
	switch {
	case err == errLost:
		err = nil // how it ended says it all
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

// notStarted waits for the end of a worker that had gone before it began with a job. If it was idle until then, the
// job is as good as new; a worker that has never done anything may be one of many that cannot.
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
		w.guard = time.AfterFunc(farewell, w.proc.kill)
	}
}

// retire asks the worker to end, which it does when the connection does.
func (w *worker) retire() {
	w.leaveIdle()
	w.expect(true)
	w.link.Close()
	w.expectEnd()
}

// leaveIdle takes the worker from those that are idle.
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

// inherit takes over the slot of its last job: it is free when the worker has gone, so that there are never more
// processes than slots.
func (w *worker) inherit(slot *execution) {
	if w.gone {
		w.pool.slots.ReleaseFor(slot)
		return
	}
	w.slot = slot
}

// leave is called when the process has gone, or will not come.
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
		p.slots.ReleaseFor(w.slot)
	}
	w.ended.Set()
	p.change()
}
