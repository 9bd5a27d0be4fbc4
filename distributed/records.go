package distributed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/aio-go/aio"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// recordMessage returns the message that writes a record in place of the one with the given
// revision; 0 means that there is none.
func (c *Client) recordMessage(id string, r *record, revision uint64) *nats.Msg {
	m := nats.NewMsg(c.outcome(id))
	m.Data = r.encode()
	m.Header.Set(nats.ExpectedLastSubjSeqHdr, strconv.FormatUint(revision, 10))
	// A repetition of the same write is no conflict.
	m.Header.Set(nats.MsgIdHdr, c.owner+strconv.FormatUint(c.nextWrite(), 36))
	return m
}

func (c *Client) nextWrite() uint64 {
	c.writes++
	return c.writes
}

// save writes a record in place of the one with the given revision. It returns errConflict if that
// is not the newest one any more.
func (c *Client) save(ctx context.Context, id string, r *record, revision uint64) error {
	_, _, err := c.replies.store(ctx, c.recordMessage(id, r, revision))
	if isConflict(err) {
		return errConflict
	}
	return err
}

// isConflict reports whether the broker has refused a write for its revision.
func isConflict(err error) bool {
	var e *brokerError
	return errors.As(err, &e) && (e.Code == 10071 || e.Code == 10164)
}

// load returns the record of a job and its revision, 0 if there is none.
func (c *Client) load(ctx context.Context, id string) (record, uint64, error) {
	entry, err := aio.ToThread(ctx, func(ctx context.Context) (jetstream.KeyValueEntry, error) {
		return c.kv.Get(ctx, id)
	})
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return record{}, 0, nil
	case err != nil:
		return record{}, 0, brokerErr(err)
	}
	r, err := decodeRecord(entry.Value())
	return r, entry.Revision(), err
}

// deadMessage returns the message that keeps a job without a further attempt.
func (c *Client) deadMessage(e *envelope, failures []Failure) *nats.Msg {
	m := e.message(c.names)
	m.Subject = c.deadJobs()
	if id := e.header.Get(nats.MsgIdHdr); id != "" { // Retry has given it another one
		m.Header.Set(nats.MsgIdHdr, id)
	}
	m.Header.Del("Nats-Schedule")
	m.Header.Del("Nats-Schedule-Target")
	text, err := json.Marshal(failures)
	for err == nil && len(text) > room/2 && len(failures) > 0 { // the last ones are worth most
		failures = failures[(len(failures)+1)/2:]
		text, err = json.Marshal(failures)
	}
	if err != nil {
		panic(err)
	}
	m.Header.Set(fieldFailures, string(text))
	return m
}

// finish writes the result as the outcome.
func (f *feed) finish(ctx context.Context, id string, r record, revision uint64) error {
	switch n := len(r.result); {
	case n > f.max:
		return fmt.Errorf("%w: the result has %d bytes; at most %d, see MaxPayload",
			ErrTooLarge, n, f.max)
	case n+room > f.largest:
		if err := f.putObject(ctx, "result-"+id, r.result); err != nil {
			return err
		}
		r.state = stored
	}
	return f.save(ctx, id, &r, revision)
}
