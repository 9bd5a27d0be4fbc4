package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiowebsocket"
	"github.com/aio-go/aio/examples/internal/cli"
)

//go:embed page.html
var page string

// window is the ear of a member in a browser.
type window struct{ conn *aiowebsocket.Conn }

func (w window) hear(line string) bool {
	return !errors.Is(w.conn.WriteNowait(aiowebsocket.Text(line)), aiowebsocket.ErrFull)
}

func (w window) abort() { w.conn.Abort() }

// serveWeb serves the page and its WebSockets, if that is wanted.
func (h *hall) serveWeb(ctx context.Context, s settings, std cli.Streams) (*aiohttp.Server, error) {
	if s.web == "" {
		return nil, nil
	}
	site := http.NewServeMux()
	site.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; connect-src 'self'; img-src data:; "+
				"script-src 'unsafe-inline'; style-src 'unsafe-inline'")
		io.WriteString(w, page)
	})
	talk := aiowebsocket.Handler(aiowebsocket.Options{
		MaxMessage: longestLine, Backlog: s.backlog, Timeout: parting,
	}, h.visit)
	site.HandleFunc("GET /chat", func(w http.ResponseWriter, r *http.Request) {
		if !h.limits.Enter() {
			http.Error(w, "too many members", http.StatusServiceUnavailable)
			return
		}
		defer h.limits.Leave()
		talk.ServeHTTP(w, r)
	})
	server, err := aiohttp.Serve(ctx, "tcp", s.web, site,
		aiohttp.MaxConnections(s.limits.Connections))
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(std.Out, "The page is %s.\n", server.URL())
	return server, nil
}

// visit is the conversation with a member in a browser.
func (h *hall) visit(ctx context.Context, conn *aiowebsocket.Conn, r *http.Request) error {
	m := h.enter(window{conn})
	fmt.Fprintf(h.log, "%s has come from %s, %d here\n", m.nick, r.RemoteAddr, len(h.members))
	why := "has gone"
	defer func() {
		if m.slow {
			why = "was too slow to read and is cut off"
		}
		h.exit(m, why)
	}()
	pace := h.newPace(ctx)
	for {
		var message aiowebsocket.Message
		err := aio.Timeout(ctx, h.limits.Idle, func(ctx context.Context) (err error) {
			message, err = conn.Read(ctx)
			return err
		})
		switch {
		case errors.Is(err, aiowebsocket.ErrClosed):
			return nil
		case ctx.Err() != nil:
			return err
		case err != nil:
			why = "has said nothing for too long"
			return nil
		}
		flooding, err := pace.wait(ctx)
		if err != nil {
			return err
		}
		if flooding {
			why = "has sent too much for too long"
			return conn.Close(ctx, aiowebsocket.PolicyViolation, why)
		}
		if quit, last := h.obey(m, plain(message.String())); quit {
			why = "has gone" + last
			return nil
		}
	}
}
