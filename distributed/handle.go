package distributed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/executor"
	"github.com/nats-io/nats.go"
)

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
	wrote, err := c.markCancelled(ctx, h.id)
	if wrote {
		c.dropJob(h.id, h.sequence)
	}
	return err
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

// Find returns a handle of a job by its ID, in whatever process it was submitted. f is its
// function, or the last one that [Then] named.
func Find[A, R any](c *Client, f *executor.Function[A, R], id string) (*Handle[R], error) {
	if !validID(id) {
		return nil, fmt.Errorf("%w: %q is no ID of a job", ErrUnknownJob, id)
	}
	return &Handle[R]{c: c, id: id, decode: f.Result}, nil
}

// cancelJob lets a job end as cancelled. It waits for nothing; the job may have ended already.
func (c *Client) cancelJob(id string, seq uint64) {
	if c.closed {
		return
	}
	// The first write is under way when this returns, so also before a Close.
	aio.Start(c.loop.Context(), func(ctx context.Context) error {
		if _, err := c.markCancelled(ctx, id); err != nil && !errors.Is(err, ErrClosed) &&
			ctx.Err() == nil {
			slog.Warn("distributed: a job is cancelled without an outcome", "job", id, "error", err)
		}
		return nil
	}, aio.Name("cancel "+id), aio.Eager())
	c.dropJob(id, seq)
}

// markCancelled writes that a job was cancelled, unless it has an outcome. Workers may write about
// it meanwhile.
func (c *Client) markCancelled(ctx context.Context, id string) (wrote bool, err error) {
	for revision := uint64(0); ; {
		err := c.save(ctx, id, &record{state: cancelled}, revision)
		if !errors.Is(err, errConflict) {
			return err == nil, err
		}
		var old record
		if old, revision, err = c.load(ctx, id); err != nil || old.over() {
			return false, err
		}
	}
}

// dropJob takes a job out of its line, and tells a worker that runs it.
func (c *Client) dropJob(id string, seq uint64) {
	if seq != 0 {
		m := nats.NewMsg("$JS.API.STREAM.MSG.DELETE." + c.jobs())
		m.Data, _ = json.Marshal(map[string]any{"seq": seq, "no_erase": true})
		c.out.put(m)
	}
	c.out.put(nats.NewMsg(c.cancel(id)))
}
