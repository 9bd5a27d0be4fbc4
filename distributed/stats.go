package distributed

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"time"

	"github.com/aio-go/aio"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Stats are counts of a namespace, as the broker has them.
type Stats struct {
	Waiting map[Priority]int // jobs that no worker has
	Running int              // jobs that workers have, and those that were handed back for a time
	Later   int              // jobs that are not due
	Retried int              // of Running: those that were delivered more than once
	Dead    int
	Bytes   uint64 // of all jobs
}

// Stats asks the broker for counts. Loop only.
func (c *Client) Stats(ctx context.Context) (Stats, error) {
	return aio.ToThread(ctx, func(ctx context.Context) (Stats, error) {
		s := Stats{Waiting: map[Priority]int{}}
		jobs, err := c.js.Stream(ctx, c.jobs())
		if err != nil {
			return s, brokerErr(err)
		}
		// A consumer learns of new jobs a moment later than the stream, so the stream counts them.
		info, err := jobs.Info(ctx, jetstream.WithSubjectFilter(c.lines()))
		if err != nil {
			return s, brokerErr(err)
		}
		s.Later = int(info.State.Msgs)
		for _, n := range info.State.Subjects { // with the anchor
			s.Later -= int(n)
		}
		s.Bytes = info.State.Bytes
		for _, p := range priorities {
			cons, err := jobs.Consumer(ctx, c.consumer(p))
			if err != nil {
				return s, brokerErr(err)
			}
			ci := cons.CachedInfo()
			s.Waiting[p] = max(0, int(info.State.Subjects[c.queue(p)])-ci.NumAckPending)
			s.Running += ci.NumAckPending
			s.Retried += ci.NumRedelivered
		}
		dead, err := c.js.Stream(ctx, c.dead())
		if err != nil {
			return s, brokerErr(err)
		}
		s.Dead = int(dead.CachedInfo().State.Msgs)
		return s, nil
	})
}

// DeadJob is a job without a further attempt.
type DeadJob struct {
	ID       string
	Name     string // of the function
	Args     []byte // as encoded
	At       time.Time
	Failures []Failure

	sequence uint64
	msg      *nats.Msg
}

// Dead returns the dead jobs, the oldest first. Loop only.
func (c *Client) Dead(ctx context.Context) iter.Seq2[DeadJob, error] {
	return func(yield func(DeadJob, error) bool) {
		for next := uint64(1); ; next++ {
			m, err := aio.ToThread(ctx, func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
				s, err := c.js.Stream(ctx, c.dead())
				if err != nil {
					return nil, err
				}
				return s.GetMsg(ctx, next, jetstream.WithGetMsgSubject(c.deadJobs()))
			})
			switch {
			case errors.Is(err, jetstream.ErrMsgNotFound):
				return
			case err != nil:
				yield(DeadJob{}, brokerErr(err))
				return
			case m.Sequence < next: // some servers return the last one again
				return
			}
			next = m.Sequence
			d := DeadJob{ID: m.Header.Get(fieldID), Name: m.Header.Get(fieldName), Args: m.Data,
				At: m.Time, sequence: m.Sequence, msg: &nats.Msg{Header: m.Header, Data: m.Data}}
			json.Unmarshal([]byte(m.Header.Get(fieldFailures)), &d.Failures)
			if !yield(d, nil) {
				return
			}
		}
	}
}

// Retry gives a dead job all its attempts once more, with the same ID. Tasks that wait for its
// outcome from now on get the new one. Loop only.
func (c *Client) Retry(ctx context.Context, d DeadJob) error {
	e, err := parse(d.msg.Header, d.msg.Data)
	if err != nil {
		return err
	}
	old, rev, err := c.load(ctx, e.ID)
	if err != nil {
		return err
	}
	if rev != 0 && old.state == failed {
		if err := c.save(ctx, e.ID, &record{state: retrying, Name: e.Name}, rev); err != nil {
			return err
		}
	}
	e.again = true
	m := e.message(c.names)
	m.Header.Set(nats.MsgIdHdr, e.ID+"/again/"+time.Now().Format(time.RFC3339Nano))
	if _, _, err := c.replies.store(ctx, m); err != nil {
		return err
	}
	return c.Drop(ctx, d)
}

// Drop removes a dead job. Loop only.
func (c *Client) Drop(ctx context.Context, d DeadJob) error {
	return aio.Blocking(ctx, func(ctx context.Context) error {
		s, err := c.js.Stream(ctx, c.dead())
		if err == nil {
			err = s.DeleteMsg(ctx, d.sequence)
		}
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		return brokerErr(err)
	})
}
