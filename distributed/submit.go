package distributed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/executor"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// JobOption is an option of [Submit].
type JobOption func(e *submission)

type submission struct {
	envelope
	key string
}

// At lets the job wait in the line of this priority. Default: [Normal].
func At(p Priority) JobOption { return func(e *submission) { e.priority = p } }

// NotBefore keeps the job from being started before t, by the broker's clock.
func NotBefore(t time.Time) JobOption { return func(e *submission) { e.due = t } }

// Key makes the job unique: within [Window] further jobs with the key are the first one, and their
// handles have its outcome, also those of other clients. The job's ID is made of the key.
func Key(key string) JobOption {
	must(key != "", "Key", "the key is empty; pass one")
	return func(e *submission) { e.key = key }
}

// Tries is [Attempts] for one job.
func Tries(n int) JobOption {
	must(n >= 1, "Tries", "the number is %d; use 1 or more", n)
	return func(e *submission) { e.attempts = n }
}

// Within limits the time until the job has ended. Workers do not begin it later, and its function's
// context ends then.
func Within(d time.Duration) JobOption {
	return func(e *submission) { e.Deadline = time.Now().Add(d) }
}

// Then calls another function with the result, as a job of its own, as soon as the job is done. The
// outcome is that of the last function. The types have to fit, which only the workers see.
func Then(name string) JobOption { return func(e *submission) { e.then = append(e.then, name) } }

// pending is a job whose outcome a task of this client waits for.
type pending struct {
	outcome  *aio.Future[record]
	reports  func(report []byte)
	waiting  int
	sequence uint64   // in the stream of jobs; 0: not known
	attempt  int      // of the last report
	seen     int      // reports of this attempt
	held     *record  // the outcome, which came before the last report
	asked    bool     // whether there is an outcome already
	ends     []func() // end the subscriptions of a job of another client
}

// Execute runs a job on a worker and waits for its outcome: it makes a Client an
// [executor.Executor]. The error is a [*FailedError] after the last attempt, [ErrCancelled] if
// another process has cancelled the job, and otherwise one of the broker.
//
// Cancellation: the job is cancelled. If it runs, its function's context ends.
func (c *Client) Execute(ctx context.Context, job executor.Job) ([]byte, error) {
	e := envelope{Job: job, attempts: c.attempts, progress: job.Progress != nil}
	e.ID = jobID(c.owner, job.ID)
	p := c.expect(e.ID)
	p.reports = job.Progress
	defer c.forget(e.ID, p)
	if err := c.submit(ctx, &e, p); err != nil {
		if ctx.Err() != nil {
			c.cancelJob(e.ID, p.sequence)
		}
		return nil, err
	}
	r, err := c.await(ctx, p)
	if err != nil {
		if !errors.Is(err, ErrClosed) {
			c.cancelJob(e.ID, p.sequence)
		}
		return nil, err
	}
	return c.outcomeOf(ctx, e.ID, &r)
}

// Submit hands a call of f to the broker, and returns when the broker has stored it. The errors are
// those of encoding, of the broker, and [ErrTooLarge]. Loop only.
//
// Cancellation: it is not known whether the broker has the job.
func Submit[A, R any](
	ctx context.Context, c *Client, f *executor.Function[A, R], arg A, opts ...JobOption,
) (*Handle[R], error) {
	job, err := f.Job(arg)
	if err != nil {
		return nil, err
	}
	s := submission{envelope: envelope{Job: job, attempts: c.attempts, progress: true}}
	if d, ok := ctx.Deadline(); ok {
		s.Deadline = d
	}
	for _, o := range opts {
		o(&s)
	}
	if s.key != "" {
		s.ID = jobID(anybody, s.key)
	} else {
		s.ID = jobID(c.owner, job.ID)
	}
	h := &Handle[R]{c: c, id: s.ID, decode: f.Result}
	p := &pending{}
	if err := c.submit(ctx, &s.envelope, p); err != nil {
		return nil, err
	}
	h.sequence = p.sequence
	return h, nil
}

// Find returns a handle of a job by its ID, in whatever process it was submitted. f is its
// function, or the last one that [Then] named.
func Find[A, R any](c *Client, f *executor.Function[A, R], id string) (*Handle[R], error) {
	if !validID(id) {
		return nil, fmt.Errorf("%w: %q is no ID of a job", ErrUnknownJob, id)
	}
	return &Handle[R]{c: c, id: id, decode: f.Result}, nil
}

// submit sends a job to its line.
func (c *Client) submit(ctx context.Context, e *envelope, p *pending) error {
	if c.closed {
		return ErrClosed
	}
	if c.inject != nil {
		e.header = Header{}
		c.inject(ctx, e.header)
	}
	m, err := c.pack(ctx, e)
	if err != nil {
		return err
	}
	seq, again, err := c.replies.store(ctx, m)
	if err != nil {
		return err
	}
	if !again && e.due.IsZero() {
		p.sequence = seq
	}
	c.count.Submitted++
	return nil
}

// room is what must be left in a message: for a trace that other workers add, and for the failures
// of a dead job.
const room = 4 << 10

// pack makes the message of a job. It puts the argument into the store if the message would be too
// large with it.
func (c *Client) pack(ctx context.Context, e *envelope) (*nats.Msg, error) {
	n := len(e.Args)
	if n > c.max {
		return nil, fmt.Errorf("%w: the argument of %q has %d bytes; at most %d, see MaxPayload",
			ErrTooLarge, e.Name, n, c.max)
	}
	m := e.message(c.names)
	if n == 0 || int64(size(m))+room <= c.nc.MaxPayload() {
		return m, nil
	}
	name := fmt.Sprintf("arg-%s-%d", e.ID, e.step)
	if err := c.putObject(ctx, name, e.Args); err != nil {
		return nil, err
	}
	e.Args, e.object = nil, true
	return e.message(c.names), nil
}

func (c *Client) putObject(ctx context.Context, name string, data []byte) error {
	_, err := aio.ToThread(ctx, func(ctx context.Context) (*jetstream.ObjectInfo, error) {
		return c.obj.PutBytes(ctx, name, data)
	})
	return brokerErr(err)
}

func (c *Client) getObject(ctx context.Context, name string) ([]byte, error) {
	data, err := aio.ToThread(ctx, func(ctx context.Context) ([]byte, error) {
		return c.obj.GetBytes(ctx, name)
	})
	return data, brokerErr(err)
}

// brokerErr tells errors of package jetstream apart as those of our own requests.
func brokerErr(err error) error {
	var api *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &api) && isFull(int(api.ErrorCode)):
		return fmt.Errorf("%w: %w", ErrStorage, err)
	case errors.Is(err, nats.ErrConnectionClosed):
		return ErrClosed
	}
	return err
}

// expect makes the client wait for the outcome of a job.
func (c *Client) expect(id string) *pending {
	p := c.pending[id]
	if p == nil {
		p = &pending{outcome: aio.NewFuture[record](c.loop.Context())}
		c.pending[id] = p
	}
	p.waiting++
	return p
}

// forget undoes expect.
func (c *Client) forget(id string, p *pending) {
	if p.waiting--; p.waiting == 0 && c.pending[id] == p {
		delete(c.pending, id)
	}
	if p.waiting == 0 {
		for _, end := range p.ends {
			go end() // it may ask the broker
		}
		p.ends = nil
	}
}

// await waits for the outcome without cancelling it for other tasks.
func (c *Client) await(ctx context.Context, p *pending) (record, error) {
	if c.closed {
		return record{}, ErrClosed
	}
	return aio.Shield(ctx, p.outcome)
}

// arrived is called for each change of a record that the client watches.
func (c *Client) arrived(id string, data []byte) {
	p := c.pending[id]
	if p == nil {
		return
	}
	r, err := decodeRecord(data)
	switch {
	case err != nil:
		p.outcome.SetError(err)
		delete(c.pending, id)
	case !r.over():
	case p.reports != nil && p.seen < r.Reports && p.held == nil:
		p.held = &r // reports take another way; they are not certain to come
		c.loop.CallLater(time.Second, func() { c.resolve(id, p, r) })
	default:
		c.resolve(id, p, r)
	}
}

// resolve gives the outcome to the tasks that wait for it.
func (c *Client) resolve(id string, p *pending, r record) {
	if c.pending[id] != p {
		return
	}
	c.count.Outcomes++
	p.outcome.SetResult(r)
	delete(c.pending, id)
}

// outcomeOf returns what the submitter gets; a large result is fetched.
func (c *Client) outcomeOf(ctx context.Context, id string, r *record) ([]byte, error) {
	if r.state == stored {
		return c.getObject(ctx, "result-"+id)
	}
	return r.outcome(id)
}

// report hands a function's report to the task that waits.
func (c *Client) report(m *nats.Msg) {
	id := strings.TrimPrefix(m.Subject, c.progress(""))
	p := c.pending[id]
	if p == nil || p.reports == nil {
		return
	}
	if n, _ := strconv.Atoi(m.Header.Get(fieldAttempt)); n > p.attempt {
		p.attempt, p.seen = n, 0
	}
	p.seen++
	p.reports(m.Data)
	if p.held != nil && p.seen >= p.held.Reports {
		c.resolve(id, p, *p.held)
	}
}

// cancelJob lets a job end as cancelled: its outcome is written, it leaves its line, and a worker
// that runs it is told. It waits for nothing; the job may have ended already.
func (c *Client) cancelJob(id string, seq uint64) {
	if c.closed {
		return
	}
	r := record{state: cancelled}
	c.out.put(c.recordMessage(id, &r, 0))
	if seq != 0 {
		m := nats.NewMsg("$JS.API.STREAM.MSG.DELETE." + c.jobs())
		m.Data, _ = json.Marshal(map[string]any{"seq": seq, "no_erase": true})
		c.out.put(m)
	}
	c.out.put(nats.NewMsg(c.cancel(id)))
}

// Handle is a job that was submitted.
type Handle[R any] struct {
	c        *Client
	id       string
	sequence uint64
	decode   func([]byte) (R, error)
}

// ID returns the job's ID. With it [Find] returns a handle in another process.
func (h *Handle[R]) ID() string { return h.id }

// Await waits for the outcome. The errors are those of [Client.Execute], but a job whose outcome
// was not kept is waited for until the context ends. Several tasks may wait. Loop only.
//
// Cancellation: the job goes on.
func (h *Handle[R]) Await(ctx context.Context) (R, error) { return h.wait(ctx, nil) }

// Cancel cancels the job. If it has ended already, its outcome stays. Loop only.
func (h *Handle[R]) Cancel(ctx context.Context) error {
	c := h.c
	if c.closed {
		return ErrClosed
	}
	r := record{state: cancelled}
	_, _, err := c.replies.store(ctx, c.recordMessage(h.id, &r, 0))
	if err != nil && !isConflict(err) {
		return err
	}
	if err == nil {
		c.cancelJob(h.id, h.sequence)
	} else if old, rev, e := c.load(ctx, h.id); e == nil && !old.over() { // it was tried before
		err := c.save(ctx, h.id, &r, rev)
		if err == nil || errors.Is(err, errConflict) {
			c.cancelJob(h.id, h.sequence)
		}
	}
	return nil
}

func (h *Handle[R]) wait(ctx context.Context, reports func([]byte)) (R, error) {
	var zero R
	c := h.c
	if c.closed {
		return zero, ErrClosed
	}
	p := c.expect(h.id)
	if reports != nil {
		p.reports = reports
	}
	defer c.forget(h.id, p)
	if err := h.attend(ctx, p); err != nil {
		return zero, err
	}
	r, err := c.await(ctx, p)
	if err != nil {
		return zero, err
	}
	data, err := c.outcomeOf(ctx, h.id, &r)
	if err != nil {
		return zero, err
	}
	return h.decode(data)
}

// attend makes sure that the outcome arrives: it may have come already, or go to another client.
func (h *Handle[R]) attend(ctx context.Context, p *pending) error {
	c := h.c
	if p.asked {
		return nil
	}
	p.asked = true
	if owner, _, _ := strings.Cut(h.id, "."); owner != c.owner {
		end, err := c.listen(c.progress(h.id), func(m *nats.Msg) { c.post(func() { c.report(m) }) })
		if err != nil {
			return err
		}
		p.ends = append(p.ends, end)
		if end, err = c.watch(ctx, h.id); err == nil {
			p.ends = append(p.ends, end)
		}
		return err
	}
	r, _, err := c.load(ctx, h.id)
	if err == nil && r.over() {
		c.resolve(h.id, p, r)
	}
	return err
}

// Progress returns the reports of the job's function until it has an outcome, and then that. The
// reports of a job that is not watched are lost. P is the type that the function uses.
func Progress[P, R any](ctx context.Context, h *Handle[R]) iter.Seq2[P, error] {
	return func(yield func(P, error) bool) {
		queue := aiosync.NewQueue[[]byte](0)
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				defer queue.Shutdown(false)
				_, err := h.wait(ctx, func(report []byte) { queue.PutNowait(report) })
				return err
			})
			for report, err := range queue.All(ctx) {
				if err != nil {
					return err
				}
				v, err := executor.DecodeProgress[P](report)
				if err != nil {
					return err
				}
				if !yield(v, nil) {
					yield = nil
					g.Cancel(nil)
					return nil
				}
			}
			return nil
		})
		if err != nil && yield != nil {
			var zero P
			yield(zero, err)
		}
	}
}
