package aiohttp

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Event is a server-sent event (text/event-stream). A server sends them with an [EventWriter], a
// client gets them from [Client.Events] or [Response.Events].
type Event struct {
	// ID is what a client sends when it connects again, so that it gets what it has missed. A
	// client sees the last ID that was sent with this event or before it.
	ID string
	// Name is the kind of the event. "" is what browsers call "message".
	Name string
	// Data may have several lines. A client sees "\n" between them, whatever was sent.
	Data string
	// Retry is how long a client is to wait before it connects again. 0: what it was, or 3 s.
	Retry time.Duration
}

// EventWriter sends events to one client.
type EventWriter struct {
	w   http.ResponseWriter
	c   *http.ResponseController
	buf []byte
	// LastID is the ID of the last event that the client has got, "" for a client that is new.
	LastID string
}

// Events begins an answer of server-sent events and sends its head. The handler sends events until
// it returns; the client then connects again after a while. Send status 204 instead, and the client
// does not come back. When the client goes away the task is cancelled. Python: sse_starlette's
// EventSourceResponse.
//
// Cancellation: the head may not have been sent.
func Events(w http.ResponseWriter, r *http.Request) (*EventWriter, error) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx would collect events
	e := &EventWriter{w: w, c: http.NewResponseController(w), LastID: r.Header.Get("Last-Event-ID")}
	return e, e.c.Flush()
}

// Send sends an event and waits until there is room for more, so a slow client slows the sender
// down. A client that takes nothing for [BodyTimeout] is lost. An ID or a name with a line break is
// refused: a client would take the rest for something else.
//
// Cancellation: the event may be sent, in whole or not at all as far as the client sees.
func (e *EventWriter) Send(event Event) error {
	if strings.ContainsAny(event.ID, "\r\n\x00") || strings.ContainsAny(event.Name, "\r\n") {
		return errors.New("aiohttp: EventWriter.Send: the ID or the name of the event " +
			"has a line break or a zero byte")
	}
	b := e.buf[:0]
	if event.ID != "" {
		b = append(append(append(b, "id: "...), event.ID...), '\n')
	}
	if event.Name != "" {
		b = append(append(append(b, "event: "...), event.Name...), '\n')
	}
	if event.Retry > 0 {
		b = append(strconv.AppendInt(append(b, "retry: "...), event.Retry.Milliseconds(), 10), '\n')
	}
	for data := event.Data; ; {
		end := strings.IndexAny(data, "\r\n")
		line := data
		if end >= 0 {
			line = data[:end]
		}
		b = append(append(append(b, "data: "...), line...), '\n')
		if end < 0 {
			break
		}
		if strings.HasPrefix(data[end:], "\r\n") {
			end++
		}
		data = data[end+1:]
	}
	return e.send(append(b, '\n'))
}

// Comment sends a line that clients ignore. Sent every 15 seconds or so, it keeps proxies from
// ending a connection that is quiet.
//
// Cancellation: as for Send.
func (e *EventWriter) Comment(text string) error {
	text = strings.NewReplacer("\r", " ", "\n", " ").Replace(text)
	return e.send(append(append(append(e.buf[:0], ": "...), text...), "\n\n"...))
}

func (e *EventWriter) send(b []byte) error {
	if e.buf = b; cap(b) > pieceSize {
		e.buf = nil
	}
	if _, err := e.w.Write(b); err != nil {
		return err
	}
	return e.c.Flush()
}
