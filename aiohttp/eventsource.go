package aiohttp

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"math"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
)

const (
	firstEventRetry = 3 * time.Second // what browsers wait, about
	lastEventRetry  = time.Minute     // of the waits that double
	// What a server may ask for. No wait at all would be a busy loop.
	leastEventRetry, mostEventRetry = 100 * time.Millisecond, time.Hour
	eventTries                      = 10
)

// Events connects to a source of server-sent events and yields them as they arrive. When the
// connection ends it connects again, and the server learns the ID of the last event. setup may
// change the request, for instance to add fields or the ID to begin with (Last-Event-ID).
//
// The first connection has to succeed, as far as [Client.Retry] goes. Later ones are tried 10 times
// in a row: after the time that the server asks for (3 s if it does not; 100 ms to 1 h), and then
// twice as long each time, up to a minute.
//
// The sequence ends when the server answers with status 204. It ends with an error if the tries are
// used up. It does so at once if waiting does not help: the answer has another status (a
// [*StatusError] from 400 on) or is no event stream. [Client.Timeout] limits each connection. A
// line may have [Client.MaxLine] bytes, an event [Client.MaxBody]; a larger one ends the sequence
// with an error that matches [bufio.ErrTooLong]. Browsers: EventSource.
//
// Cancellation: the connection is closed; the error is the last item.
func (c *Client) Events(
	ctx context.Context, url string, setup ...func(*http.Request),
) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		p := eventParser{wait: firstEventRetry}
		failures, connected := 0, false
		for {
			again, err := c.eventsOnce(ctx, url, setup, &p,
				func() { failures, connected = 0, true },
				func(e Event) bool { return yield(e, nil) })
			if !again {
				if err != nil {
					yield(Event{}, err)
				}
				return
			}
			wait := min(max(p.wait, leastEventRetry), mostEventRetry)
			if err != nil {
				if failures++; !connected || failures > eventTries {
					yield(Event{}, err)
					return
				}
				wait = max(wait, min(wait<<(failures-1), lastEventRetry))
			}
			if err := aio.Sleep(ctx, wait); err != nil {
				yield(Event{}, err)
				return
			}
		}
	}
}

// eventsOnce connects once and yields what comes. It reports whether to connect again.
func (c *Client) eventsOnce(
	ctx context.Context, url string, setup []func(*http.Request), p *eventParser,
	connected func(), yield func(Event) bool,
) (again bool, err error) {
	req, err := newRequest(http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Cache-Control", "no-store")
	for _, f := range setup {
		f(req)
	}
	if p.id != "" {
		req.Header.Set("Last-Event-ID", p.id)
	} else {
		p.id = req.Header.Get("Last-Event-ID")
	}
	r, err := c.Do(ctx, req)
	if err != nil {
		return ctx.Err() == nil && passing(err), err
	}
	defer r.Close()
	switch {
	case r.StatusCode == http.StatusNoContent:
		return false, nil
	case r.StatusCode >= 400:
		return mayPass(r.StatusCode), r.Check(ctx)
	}
	if err := r.checkEvents(); err != nil {
		return false, err
	}
	connected()
	goOn := true
	err = p.read(ctx, r, func(e Event) bool {
		goOn = yield(e)
		return goOn
	})
	switch {
	case !goOn:
		return false, nil
	case err == nil: // the server has ended the connection in order
		return true, nil
	case ctx.Err() != nil || errtree.Is(err, aio.ErrCancelled) || errtree.Is(err, bufio.ErrTooLong):
		return false, err
	}
	return true, nil // the connection was lost
}

// Events yields the server-sent events of one answer, until it ends. It does not connect again; see
// [Client.Events]. An answer with a status of 400 or above is a [*StatusError]. If a loop over it
// ends early, the response has to be closed.
//
// Cancellation: the response is closed; the error is the last item.
func (r *Response) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		err := r.Check(ctx)
		if err == nil {
			err = r.checkEvents()
		}
		if err == nil {
			goOn := true
			p := eventParser{}
			err = p.read(ctx, r, func(e Event) bool {
				goOn = yield(e, nil)
				return goOn
			})
			if !goOn {
				return
			}
		}
		if err != nil {
			yield(Event{}, err)
		}
	}
}

func (r *Response) checkEvents() error {
	kind := r.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(kind)
	if r.StatusCode == http.StatusOK && err == nil && media == "text/event-stream" {
		return nil
	}
	return r.failure(
		fmt.Errorf("status %d with the type %q is no event stream", r.StatusCode, kind))
}

// eventParser makes events of bytes. id and wait outlast a connection.
type eventParser struct {
	id   string
	wait time.Duration // before the next connection

	name string
	data []byte
	some bool // there was a line of data
	now  time.Duration
}

// read yields the events of a response. It returns nil at the end of the body, and when yield
// returns false. An event that is not complete is dropped, as browsers do.
func (p *eventParser) read(ctx context.Context, r *Response, yield func(Event) bool) error {
	p.name, p.data, p.some, p.now = "", nil, false, 0
	most, all := bound(r.a.c.MaxLine, defaultMaxLine), bound(int(r.a.c.MaxBody), defaultMaxBody)
	var line []byte
	first, afterCR := true, false
	for {
		if err := r.fill(ctx); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		for len(r.rest) > 0 {
			if afterCR && r.rest[0] == '\n' { // the second half of the line's end
				r.rest, afterCR = r.rest[1:], false
				continue
			}
			afterCR = false
			end := bytes.IndexAny(r.rest, "\r\n")
			part := r.rest
			if end >= 0 {
				part = r.rest[:end]
			}
			if len(part) > most-len(line) || len(part) > all-len(line)-len(p.data) {
				return r.failure(fmt.Errorf("a server-sent event: %w", bufio.ErrTooLong))
			}
			line = append(line, part...)
			if end < 0 {
				r.rest = nil
				break
			}
			afterCR = r.rest[end] == '\r'
			r.rest = r.rest[end+1:]
			if first {
				line, first = bytes.TrimPrefix(line, []byte("\ufeff")), false
			}
			e, whole := p.take(line)
			line = line[:0]
			if whole && !yield(e) {
				return nil
			}
		}
	}
}

// take takes a line. An empty one completes an event, if there was data.
func (p *eventParser) take(line []byte) (e Event, whole bool) {
	if len(line) == 0 {
		e = Event{ID: p.id, Name: p.name, Data: string(p.data), Retry: p.now}
		whole = p.some
		p.name, p.data, p.some, p.now = "", p.data[:0], false, 0
		return e, whole
	}
	field, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(field) {
	case "data":
		if p.some {
			p.data = append(p.data, '\n')
		}
		p.data, p.some = append(p.data, value...), true
	case "event":
		p.name = string(value)
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			p.id = string(value)
		}
	case "retry":
		if ms, err := strconv.ParseUint(string(value), 10, 31); err == nil {
			p.wait = time.Duration(ms) * time.Millisecond
			p.now = p.wait
		}
	}
	return Event{}, false
}

// bound is a setting of the client as a number of bytes.
func bound(setting, preset int) int {
	switch {
	case setting == 0:
		return preset
	case setting < 0:
		return math.MaxInt
	}
	return setting
}
