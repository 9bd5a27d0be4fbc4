package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

//go:embed page.html
var page string

// quiet is after which time without an event a comment is sent: proxies end silent connections.
const quiet = 15 * time.Second

func routes(b *board) http.Handler {
	site := http.NewServeMux()
	site.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, page)
	})
	site.Handle("GET /events", aiohttp.HandlerFunc(b.events))
	return site
}

// events is the handler for one listener: all thermometers first, and then each that changes.
func (b *board) events(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	events, err := aiohttp.Events(w, r)
	if err != nil {
		return err
	}
	for n := 0; ; {
		var news []sensor
		err := aio.Timeout(ctx, quiet, func(ctx context.Context) (err error) {
			news, n, err = b.after(ctx, n)
			return err
		})
		if errors.Is(err, context.DeadlineExceeded) {
			err = events.Comment("still here")
		}
		for _, s := range news {
			if err == nil {
				err = send(events, s)
			}
		}
		if err != nil {
			return err // the listener has gone, or the server ends
		}
	}
}

func send(events *aiohttp.EventWriter, s sensor) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return events.Send(aiohttp.Event{Name: "sensor", Data: string(data)})
}
