package distributed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aio-go/aio"
	"github.com/nats-io/nats.go"
)

// replies are the answers that the client waits for. Each request has an address of its own below
// one subscription, so none needs a goroutine.
type replies struct {
	c     *Client
	inbox string
	last  uint64
	wait  map[string]*aio.Future[*nats.Msg]
}

func (r *replies) init(c *Client) {
	r.c, r.inbox = c, c.nc.NewInbox()+"."
	r.wait = map[string]*aio.Future[*nats.Msg]{}
}

// take hands an answer to the task that waits for it.
func (r *replies) take(m *nats.Msg) {
	if f := r.wait[m.Subject]; f != nil {
		delete(r.wait, m.Subject)
		f.SetResult(m)
	}
}

// fail ends all requests.
func (r *replies) fail(err error) {
	for _, f := range r.wait {
		f.SetError(err)
	}
	clear(r.wait)
}

// request sends a message and waits for the answer, for at most d.
func (r *replies) request(ctx context.Context, m *nats.Msg, d time.Duration) (*nats.Msg, error) {
	if r.c.closed {
		return nil, ErrClosed
	}
	if n := size(m); n > r.c.largest { // it would never be sent
		return nil, fmt.Errorf("%w: a message of %d bytes for %s; the server takes at most %d",
			ErrTooLarge, n, m.Subject, r.c.largest)
	}
	r.last++
	sent := *m // the connection reads the message later
	sent.Reply = r.inbox + strconv.FormatUint(r.last, 36)
	f := aio.NewFuture[*nats.Msg](ctx)
	r.wait[sent.Reply] = f
	r.c.out.put(&sent)
	answer, err := aio.WaitFor(ctx, d, f.Await)
	if err != nil {
		delete(r.wait, sent.Reply)
	}
	return answer, err
}

// size returns how many bytes of the server's limit a message takes.
func size(m *nats.Msg) int {
	n := len("NATS/1.0\r\n\r\n") + len(m.Data)
	for field, values := range m.Header {
		for _, v := range values {
			n += len(field) + len(v) + len(": \r\n")
		}
	}
	return n
}

// How long to wait for an answer of the broker before the request is repeated, and how long a
// broker may say that it is not ready.
const (
	patience    = 5 * time.Second
	unavailable = time.Minute
)

// brokerError is an error that the broker returned.
type brokerError struct {
	Code        int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *brokerError) Error() string {
	return fmt.Sprintf("distributed: the broker refused it: %s (%d)", e.Description, e.Code)
}

func (e *brokerError) Is(target error) bool { return target == ErrStorage && isFull(e.Code) }

// store sends a message that a stream stores, and waits until it is stored. While the broker is
// away, or does not answer, it repeats the message; a message ID or an expected revision keeps it
// from being stored twice.
func (r *replies) store(ctx context.Context, m *nats.Msg) (seq uint64, again bool, err error) {
	since := r.c.loop.Time()
	for {
		answer, err := r.request(ctx, m, patience)
		var late *aio.TimeoutError
		switch {
		case errors.As(err, &late) && ctx.Err() == nil: // lost on the way, or the broker is away
			for !r.c.online.Load() { // copies would only pile up
				if err := aio.Sleep(ctx, 100*time.Millisecond); err != nil {
					return 0, false, err
				}
			}
			continue
		case err != nil:
			return 0, false, err
		}
		if answer.Header.Get("Status") != "" { // nobody listens: it starts, or has no stream
			if r.c.loop.Time().Sub(since) > unavailable {
				return 0, false, fmt.Errorf("%w: nothing stores %s", ErrUnavailable, m.Subject)
			}
			if err := aio.Sleep(ctx, 100*time.Millisecond); err != nil {
				return 0, false, err
			}
			continue
		}
		var ack struct {
			Seq       uint64       `json:"seq"`
			Duplicate bool         `json:"duplicate"`
			Error     *brokerError `json:"error"`
		}
		if err := json.Unmarshal(answer.Data, &ack); err != nil {
			return 0, false, fmt.Errorf("distributed: an answer of the broker: %w", err)
		}
		if ack.Error != nil {
			if code := ack.Error.Code; code == 10008 || code == 10202 { // no leader yet
				if r.c.loop.Time().Sub(since) <= unavailable {
					if err := aio.Sleep(ctx, 100*time.Millisecond); err != nil {
						return 0, false, err
					}
					continue
				}
			}
			return 0, false, ack.Error
		}
		return ack.Seq, ack.Duplicate, nil
	}
}
