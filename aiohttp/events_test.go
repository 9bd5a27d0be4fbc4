package aiohttp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// streaming is a handler that sends a text as an event stream, in pieces.
func streaming(pieces ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for _, p := range pieces {
			io.WriteString(w, p)
			w.(http.Flusher).Flush()
			aio.Sleep(r.Context(), time.Second)
		}
	})
}

// eventsOf returns the events of one answer of h, and the error.
func eventsOf(ctx context.Context, t *testing.T, h http.Handler) string {
	t.Helper()
	c := &aiohttp.Client{Transport: aiohttp.Direct(h), MaxBody: 1000, MaxLine: 100}
	defer c.Close()
	r, err := c.Get(ctx, "http://x/")
	ok(t, err)
	defer r.Close()
	var got strings.Builder
	for e, err := range r.Events(ctx) {
		if err != nil {
			fmt.Fprintf(&got, "error %v", errors.Is(err, bufio.ErrTooLong))
			break
		}
		fmt.Fprintf(&got, "[%s|%s|%q]", e.ID, e.Name, e.Data)
	}
	return got.String()
}

func TestAnEventStreamIsParsedAsBrowsersDo(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"one", "data: a\n\n", `[||"a"]`},
		{"no space", "data:a\n\n", `[||"a"]`},
		{"two spaces", "data:  a\n\n", `[||" a"]`},
		{"two lines", "data: a\ndata: b\n\n", `[||"a\nb"]`},
		{"an empty line of data", "data\n\n", `[||""]`},
		{"two empty lines of data", "data\ndata\n\n", `[||"\n"]`},
		{"no data", "event: x\n\ndata: a\n\n", `[||"a"]`},
		{"a name", "event: x\ndata: a\n\ndata: b\n\n", `[|x|"a"][||"b"]`},
		{"an ID stays", "id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", `[7||"a"][7||"b"][||"c"]`},
		{"an ID without data", "id: 7\n\ndata: b\n\n", `[7||"b"]`},
		{"an ID with a zero", "id: 7\x00\ndata: b\n\n", `[||"b"]`},
		{"comments and unknown fields", ": hello\n:\nfoo: bar\nfoo\ndata: a\n\n", `[||"a"]`},
		{"a colon in the data", "data: a:b: c\n\n", `[||"a:b: c"]`},
		{"CRLF", "data: a\r\ndata: b\r\n\r\n", `[||"a\nb"]`},
		{"CR", "data: a\rdata: b\r\r", `[||"a\nb"]`},
		{"mixed", "data: a\rdata: b\r\ndata: c\n\r\n", `[||"a\nb\nc"]`},
		{"a mark at the beginning", "\ufeffdata: a\n\n", `[||"a"]`},
		{"not complete", "data: a\n\ndata: b\n", `[||"a"]`},
		{"nothing", "", ""},
		{"a retry that is none", "retry: 1x\ndata: a\n\n", `[||"a"]`},
		{"a long line", "data: a\n\ndata: " + strings.Repeat("x", 101) + "\n\n", `[||"a"]error true`},
		{"an endless line", "data: " + strings.Repeat("x", 5000), "error true"},
		{"a long event", strings.Repeat("data: 0123456789\n", 200), "error true"},
	} {
		virtually(t, func(ctx context.Context) {
			equal(t, c.name, eventsOf(ctx, t, streaming(c.text)), c.want)
			var bits []string
			for i := range min(len(c.text), 300) {
				bits = append(bits, c.text[i:i+1])
			}
			if len(c.text) < 100 {
				equal(t, c.name+", byte by byte", eventsOf(ctx, t, streaming(bits...)), c.want)
			}
		})
	}
}

func TestEventsArriveAsTheyWereSent(t *testing.T) {
	sent := []aiohttp.Event{
		{Data: "a"}, {Data: ""}, {Data: "a\nb\r\nc\rd\n"}, {ID: "1", Name: "tick", Data: "x"},
		{Data: "y", Retry: 7 * time.Second}, {Data: ": no comment"}, {Data: strings.Repeat("z", 60_000)},
	}
	run(t, func(ctx context.Context) {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			es, err := aiohttp.Events(w, r)
			ok(t, err)
			ok(t, es.Comment("with a\nbreak"))
			for _, e := range sent {
				ok(t, es.Send(e))
			}
			for _, e := range []aiohttp.Event{{ID: "1\n"}, {Name: "x\ry"}, {ID: "\x00"}} {
				if es.Send(e) == nil {
					t.Errorf("%q was sent", e)
				}
			}
		})
		loop, _ := serving(t)
		onLoop, _ := listen(t, aiohttp.OnLoop(loop, h))
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", h)
		ok(t, err)
		defer s.Close()
		var c aiohttp.Client
		defer c.Close()
		for _, url := range []string{s.URL(), onLoop.URL} {
			r, err := c.Get(ctx, url)
			ok(t, err)
			equal(t, "type", r.Header.Get("Content-Type"), "text/event-stream")
			i, id := 0, ""
			for e, err := range r.Events(ctx) {
				ok(t, err)
				want := sent[i]
				if want.ID != "" {
					id = want.ID
				}
				want.ID = id
				want.Data = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(want.Data)
				equal(t, fmt.Sprint("event ", i), e, want)
				i++
			}
			equal(t, "events", i, len(sent))
		}
	})
}

func TestAClientConnectsAgainWithTheLastID(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		var log []string
		visits := 0
		h := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			visits++
			log = append(log, fmt.Sprintf("%v %q", loop.Time().Sub(began), r.Header.Get("Last-Event-ID")))
			switch visits {
			case 3, 4:
				http.Error(w, "busy", http.StatusServiceUnavailable)
				return nil
			case 6:
				w.WriteHeader(http.StatusNoContent)
				return nil
			}
			es, err := aiohttp.Events(w, r)
			ok(t, err)
			if visits == 2 {
				ok(t, es.Send(aiohttp.Event{ID: "b", Data: "two", Retry: 10 * time.Second}))
				panic(http.ErrAbortHandler) // the connection is lost
			}
			return es.Send(aiohttp.Event{ID: fmt.Sprint(es.LastID, "+"), Data: "more"})
		})
		c := &aiohttp.Client{Transport: aiohttp.Direct(h)}
		defer c.Close()
		setup := func(r *http.Request) { r.Header.Set("Last-Event-ID", "a") }
		var got []string
		for e, err := range c.Events(ctx, "http://x/", setup) {
			ok(t, err)
			got = append(got, e.ID)
		}
		equal(t, "events", fmt.Sprint(got), "[a+ b b+]")
		equal(t, "visits", strings.Join(log, ", "),
			`0s "a", 3s "a+", 13s "b", 23s "b", 43s "b", 53s "b+"`)
	})
}

func TestEventsEndWithAnErrorThatWaitingDoesNotMend(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		visits := 0
		status, kind := 404, "text/plain"
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			visits++
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			io.WriteString(w, "data: x\n\n")
		})
		c := &aiohttp.Client{Transport: aiohttp.Direct(h)}
		defer c.Close()
		ask := func() (last error) {
			for e, err := range c.Events(ctx, "http://x/") {
				if last = err; err == nil {
					t.Error(e)
				}
			}
			return last
		}
		var s *aiohttp.StatusError
		equal(t, "404", errors.As(ask(), &s), true)
		status = 200
		err := ask()
		equal(t, "text", err != nil && strings.Contains(err.Error(), "no event stream"), true)
		status, kind = 201, "text/event-stream"
		equal(t, "201", ask() != nil, true)
		status = 503 // for the first connection the client's own retries count
		equal(t, "503", errors.As(ask(), &s), true)
		equal(t, "visits", visits, 4)
		for _, err := range c.Events(ctx, "http://%zz") {
			equal(t, "a bad URL", err != nil, true)
		}

		// Later the client is patient, but not for ever.
		visits = 0
		h = func(w http.ResponseWriter, r *http.Request) {
			if visits++; visits > 1 {
				http.Error(w, "gone", http.StatusBadGateway)
				return
			}
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "data: x\n\nretry: 0\n")
		}
		c = &aiohttp.Client{Transport: aiohttp.Direct(h)}
		n, began := 0, aio.RunningLoop(ctx).Time()
		var last error
		for _, err := range c.Events(ctx, "http://x/") {
			n, last = n+1, err
		}
		equal(t, "items", n, 2)
		equal(t, "502", errors.As(last, &s), true)
		equal(t, "visits", visits, 12)
		equal(t, "after", aio.RunningLoop(ctx).Time().Sub(began).Round(time.Second), 102*time.Second)
		c.Close()
	})
}

func TestABreakEndsTheConnectionAndACancellationIsTheLastItem(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		ended := 0
		h := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			es, err := aiohttp.Events(w, r)
			defer func() { ended++ }()
			for err == nil {
				if err = es.Send(aiohttp.Event{Data: "tick"}); err == nil {
					err = aio.Sleep(ctx, time.Second)
				}
			}
			return err
		})
		c := &aiohttp.Client{Transport: aiohttp.Direct(h)}
		defer c.Close()
		for _, err := range c.Events(ctx, "http://x/") {
			ok(t, err)
			break
		}
		n := 0
		err := aio.Timeout(ctx, 3500*time.Millisecond, func(ctx context.Context) (last error) {
			for _, err := range c.Events(ctx, "http://x/") {
				n, last = n+1, err
			}
			return last
		})
		matches(t, err, context.DeadlineExceeded)
		equal(t, "items", n, 5)
		ok(t, aio.Sleep(ctx, time.Second))
		equal(t, "ended", ended, 2)
	})
}

func FuzzEventStream(f *testing.F) {
	f.Add([]byte("id: 1\r\nevent: x\rdata: a\n\ndata\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		virtually(t, func(ctx context.Context) {
			whole := eventsOf(ctx, t, streaming(string(text)))
			var bits []string
			for _, b := range bytes.SplitAfter(text, []byte("\n")) {
				bits = append(bits, string(b))
			}
			if parts := eventsOf(ctx, t, streaming(bits...)); parts != whole {
				t.Errorf("%q: %s in pieces, %s as a whole", text, parts, whole)
			}
		})
	})
}
