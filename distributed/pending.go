package distributed

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/nats-io/nats.go"
)

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
