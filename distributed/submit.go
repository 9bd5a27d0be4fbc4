package distributed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/executor"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// JobOption is an option of [Submit].
type JobOption func(e *submission)

type submission struct {
	envelope
	key    string
	within *time.Duration // nil: for ever
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
// context ends then. A job that no worker gets has no outcome before one does.
func Within(d time.Duration) JobOption {
	return func(e *submission) { e.within = &d }
}

// Then calls another function with the result, as a job of its own, as soon as the job is done. The
// outcome is that of the last function. The types and their encoding have to fit, which only the
// workers see.
func Then(name string) JobOption { return func(e *submission) { e.then = append(e.then, name) } }

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
	if s.within != nil {
		s.Deadline = c.loop.Time().Add(*s.within)
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

// submit sends a job to its line.
func (c *Client) submit(ctx context.Context, e *envelope, p *pending) error {
	if c.closed {
		return ErrClosed
	}
	if !e.Deadline.IsZero() { // from now on by the broker's clock
		now := c.brokerTime(ctx)
		e.Deadline = now.Add(e.Deadline.Sub(c.loop.Time()))
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
	if !again {
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
	if n == 0 || size(m)+room <= c.largest {
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
