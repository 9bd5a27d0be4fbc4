package main

import (
	"context"
	_ "embed"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

//go:embed page.html
var page string

// quiet is after which time without an event a comment is sent: proxies end silent connections.
const quiet = 15 * time.Second

func routes(m *market) http.Handler {
	site := http.NewServeMux()
	site.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, page)
	})
	site.Handle("GET /events", aiohttp.HandlerFunc(m.events))
	return site
}

// events is the handler for one listener. It sends from the history, so a slow listener holds up
// nobody: what it misses is what the market forgets.
func (m *market) events(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	events, err := aiohttp.Events(w, r)
	if err != nil {
		return err
	}
	n := m.changes
	if last, err := strconv.Atoi(events.LastID); err == nil && last >= 0 && last <= n {
		n = last // of a server before this one the IDs may be higher
	}
	for {
		var e aiohttp.Event
		err := aio.Timeout(ctx, quiet, func(ctx context.Context) (err error) {
			e, n, err = m.after(ctx, n)
			return err
		})
		switch {
		case err == nil:
			err = events.Send(e)
		case errors.Is(err, context.DeadlineExceeded):
			err = events.Comment("still here")
		}
		if err != nil {
			return err // the listener has gone, or the server ends
		}
	}
}
