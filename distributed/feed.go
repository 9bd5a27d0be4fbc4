package distributed

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/nats-io/nats.go"
)

// feed is the broker as a worker sees it. It asks for jobs by pull requests, first in the lines of
// higher priority. When all lines are empty it has a standing request for one job in each. A job
// comes with the number of jobs behind it in its line, so the next request is for that many. The
// requests are for as many jobs as there are free places, and one more in each line that got none.
// So the feed holds at most two jobs that cannot start at once.
//
//	request    the answer              then
//	at once    jobs, or "no messages"  the next line
//	standing   a job, or "expired"     one of either kind when there is no job
type feed struct {
	*Client
	inbox    string
	sub      *nats.Subscription // of the inbox
	last     uint64
	requests map[string]*pull
	fetched  [len(priorities)][]*delivery // by priority
	backlog  [len(priorities)]int         // by priority: what the broker still had
	waiting  *aiosync.Event               // set when an answer comes; nil: nobody waits
	ended    map[string]struct{}          // IDs of cancelled jobs, the last maxEnded of them
	order    []string
	running  map[string]func() // by ID: ends the function's context
	ends     []func()
	searches map[string]*search     // by the function's name
	may      func(name string) bool // the worker may have the function
}

// pull is a request for jobs.
type pull struct {
	priority Priority
	left     int       // jobs to come
	until    time.Time // then it is over, answered or not
}

const (
	maxEnded  = 10_000
	standing  = 20 * time.Second       // a standing request
	answering = 250 * time.Millisecond // all that a request at once gets
)

func newFeed(c *Client) (*feed, error) {
	f := &feed{Client: c, inbox: c.nc.NewInbox() + ".", requests: map[string]*pull{},
		ended: map[string]struct{}{}, running: map[string]func(){},
		searches: map[string]*search{}}
	var err error
	f.sub, err = c.nc.Subscribe(f.inbox+"*", func(m *nats.Msg) { c.post(func() { f.take(m) }) })
	if err != nil {
		return nil, brokerErr(err)
	}
	f.sub.SetPendingLimits(-1, 256<<20)
	f.ends = append(f.ends, func() { f.sub.Unsubscribe() })
	for subject, take := range map[string]func(m *nats.Msg){
		c.names.cancel("*.*"): f.takeCancel,
		c.who():               f.takeWho,
		c.have():              f.takeHave,
	} {
		end, err := c.listen(subject, func(m *nats.Msg) { c.post(func() { take(m) }) })
		if err != nil {
			return nil, err
		}
		f.ends = append(f.ends, end)
	}
	c.feeds[f] = struct{}{}
	return f, nil
}

// reconnected makes the feed ask anew: the broker has forgotten the requests.
func (f *feed) reconnected() {
	clear(f.requests)
	clear(f.searches) // answers may be lost
	f.wake()
}

func (f *feed) close() {
	delete(f.feeds, f)
	for _, end := range f.ends {
		end()
	}
}

// take is called for each answer to a pull request. A job comes under the subject of its line, not
// under that of the request, so it counts for the oldest request to the line.
func (f *feed) take(m *nats.Msg) {
	if status := m.Header.Get("Status"); status != "" && len(m.Data) == 0 {
		if status != "100" { // 100: the request is still there
			if r := f.requests[m.Subject]; r != nil {
				f.backlog[r.priority] = 0
				delete(f.requests, m.Subject)
			}
			f.wake()
		}
		return
	}
	d := &delivery{reply: m.Reply}
	var behind int
	d.count, behind = told(m.Reply)
	d.envelope, d.bad = parse(m.Header, m.Data)
	for _, p := range priorities {
		if m.Subject == f.queue(p) {
			d.priority = p
		}
	}
	f.answered(d.priority)
	f.backlog[d.priority] = behind
	f.fetched[d.priority] = append(f.fetched[d.priority], d)
	f.wake()
}

// answered counts a job for the request that is over first.
func (f *feed) answered(p Priority) {
	oldest := ""
	for inbox, r := range f.requests {
		if r.priority == p && (oldest == "" || r.until.Before(f.requests[oldest].until)) {
			oldest = inbox
		}
	}
	if r := f.requests[oldest]; r != nil {
		if r.left--; r.left <= 0 {
			delete(f.requests, oldest)
		}
	}
}

// told reads from the subject of a job's acknowledgement how often the job was delivered, and how
// many jobs are behind it in its line:
// $JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<sequence>.<time>.<pending>, with two more
// parts in front for some servers.
func told(reply string) (deliveries, behind int) {
	parts := strings.Split(reply, ".")
	i := 4
	if len(parts) > 9 {
		i = 6
	}
	number := func(i, otherwise int) int {
		if i < len(parts) {
			if n, err := strconv.Atoi(parts[i]); err == nil && n >= 0 {
				return n
			}
		}
		return otherwise
	}
	return number(i, 1), number(i+4, 0)
}

func (f *feed) wake() {
	if f.waiting != nil {
		f.waiting.Set()
	}
}

// next returns the fetched job of the highest priority, or waits for one.
func (f *feed) next(ctx context.Context, free int) (*delivery, error) {
	for {
		for _, p := range priorities {
			if q := f.fetched[p]; len(q) > 0 {
				f.fetched[p] = q[1:]
				return q[0], nil
			}
		}
		if f.Client.closed {
			return nil, cmp.Or(ctx.Err(), ErrClosed)
		}
		if err := f.fetch(ctx, free); err != nil {
			return nil, err
		}
	}
}

// fetch asks the lines for jobs, and returns when there may be some.
func (f *feed) fetch(ctx context.Context, free int) error {
	f.expire()
	if !f.online.Load() { // requests would pile up, and all be answered when it is back
		return f.wait(ctx)
	}
	if len(f.requests) == 0 {
		for _, p := range priorities {
			inbox := f.request(p, free, true)
			for len(f.fetched[p]) == 0 && f.open(inbox) {
				if err := f.wait(ctx); err != nil {
					return err
				}
			}
			if len(f.fetched[p]) > 0 {
				return nil
			}
		}
	}
	for _, p := range priorities {
		if f.asked(p) {
			continue
		}
		n := min(f.backlog[p], free)
		if n > 1 {
			f.request(p, n, true)
			free -= n
		} else {
			f.request(p, 1, false)
		}
	}
	return f.wait(ctx)
}

// expire forgets the requests whose time is over: they were lost, or answered in part.
func (f *feed) expire() {
	now := f.loop.Time()
	for inbox, p := range f.requests {
		if !p.until.After(now) {
			delete(f.requests, inbox)
		}
	}
}

// open reports whether a request can still be answered.
func (f *feed) open(inbox string) bool {
	r := f.requests[inbox]
	return r != nil && r.until.After(f.loop.Time())
}

// asked reports whether there is a request for the line.
func (f *feed) asked(p Priority) bool {
	for _, r := range f.requests {
		if r.priority == p {
			return true
		}
	}
	return false
}

// wait waits for an answer, or until the first of the requests is over. It returns ErrClosed when
// the client is closed.
func (f *feed) wait(ctx context.Context) error {
	f.expire()
	until := f.loop.Time().Add(standing)
	for _, p := range f.requests {
		if p.until.Before(until) {
			until = p.until
		}
	}
	f.waiting = new(aiosync.Event)
	err := aio.TimeoutAt(ctx, until, f.waiting.Wait)
	f.waiting = nil
	var late *aio.TimeoutError
	switch {
	case f.Client.closed:
		return cmp.Or(ctx.Err(), ErrClosed) // often both have ended
	case errors.As(err, &late):
		return nil
	}
	return err
}

// request sends a pull request for n jobs and returns its inbox.
func (f *feed) request(p Priority, n int, atOnce bool) string {
	f.last++
	m := nats.NewMsg("$JS.API.CONSUMER.MSG.NEXT." + f.jobs() + "." + f.consumer(p))
	m.Reply = f.inbox + strconv.FormatUint(f.last, 36)
	body, until := map[string]any{"batch": n}, f.loop.Time()
	if atOnce {
		body["no_wait"], until = true, until.Add(answering)
	} else {
		body["expires"], until = standing, until.Add(standing+time.Second)
	}
	m.Data, _ = json.Marshal(body)
	f.requests[m.Reply] = &pull{priority: p, left: n, until: until}
	f.out.put(m)
	return m.Reply
}

// stop takes back the requests. What the broker has sent before it knows that arrives first.
func (f *feed) stop(ctx context.Context) (left []*delivery) {
	drained := aio.NewFuture[aio.None](ctx)
	f.sub.SetClosedHandler(func(string) { f.post(func() { drained.SetResult(aio.None{}) }) })
	if err := f.sub.Drain(); err == nil {
		_, _ = aio.WaitFor(ctx, 2*time.Second, drained.Await)
	}
	for i := range f.fetched {
		left = append(left, f.fetched[i]...)
		f.fetched[i] = nil
	}
	return left
}

func (f *feed) extendFetched() {
	for _, q := range f.fetched {
		for _, d := range q {
			f.extend(d)
		}
	}
}

func (f *feed) answer(d *delivery, data string) {
	m := nats.NewMsg(d.reply)
	m.Data = []byte(data)
	f.out.put(m)
}

func (f *feed) ack(d *delivery) { f.answer(d, "+ACK") }

func (f *feed) extend(d *delivery) {
	if f.online.Load() {
		f.answer(d, "+WPI")
	}
}

func (f *feed) giveBack(d *delivery, after time.Duration) {
	if after <= 0 {
		f.answer(d, "-NAK")
		return
	}
	f.answer(d, fmt.Sprintf(`-NAK {"delay": %d}`, after))
}

// takeCancel is called when a job is cancelled, on whatever worker it is.
func (f *feed) takeCancel(m *nats.Msg) {
	id := strings.TrimPrefix(m.Subject, f.names.cancel(""))
	if _, ok := f.ended[id]; !ok {
		f.ended[id] = struct{}{}
		if f.order = append(f.order, id); len(f.order) > maxEnded {
			delete(f.ended, f.order[0])
			f.order = slices.Delete(f.order, 0, 1)
		}
	}
	if end := f.running[id]; end != nil {
		end()
	}
}

func (f *feed) cancelled(id string) bool {
	_, ok := f.ended[id]
	return ok
}

func (f *feed) onCancel(id string, fn func()) (end func()) {
	f.running[id] = fn
	return func() { delete(f.running, id) }
}

func (f *feed) report(id string, attempt int, data []byte) {
	m := nats.NewMsg(f.names.progress(id))
	m.Header.Set(fieldAttempt, strconv.Itoa(attempt))
	m.Data = bytes.Clone(data)
	f.offer(m)
}

func (f *feed) argument(ctx context.Context, e *envelope) ([]byte, error) {
	if !e.object {
		return e.Args, nil
	}
	return f.getObject(ctx, fmt.Sprintf("arg-%s-%d", e.ID, e.step))
}

func (f *feed) bury(ctx context.Context, e *envelope, failures []Failure) error {
	_, _, err := f.replies.store(ctx, f.deadMessage(e, failures))
	return err
}

// chain submits the next function of a chain.
func (f *feed) chain(ctx context.Context, e *envelope, result []byte) error {
	next := *e
	next.Name, next.Args, next.step, next.object = e.then[e.step], result, e.step+1, false
	next.due = time.Time{}
	m, err := f.pack(ctx, &next)
	if err != nil {
		return err
	}
	_, _, err = f.replies.store(ctx, m)
	return err
}
