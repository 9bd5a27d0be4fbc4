package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiowebsocket"
	"github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
)

// news is what one connection says and all get, in the works on WebSockets and server-sent events.
// Its last byte is in it once, and in nothing around it.
var news = strings.Repeat("news, ", 20)[:119] + string(newsEnd)

const newsEnd = '$'

// aioRoom sends each message to all, and never waits for one of them.
func aioRoom() http.Handler {
	members := map[*aiowebsocket.Conn]bool{}
	return aiowebsocket.Handler(aiowebsocket.Options{},
		func(ctx context.Context, conn *aiowebsocket.Conn, _ *http.Request) error {
			members[conn] = true
			defer delete(members, conn)
			for m, err := range conn.Messages(ctx) {
				if err != nil {
					return err
				}
				for member := range members {
					if errors.Is(member.WriteNowait(m), aiowebsocket.ErrFull) {
						member.Abort()
					}
				}
			}
			return nil
		})
}

// hub passes messages to goroutines that write, one a member, as the examples of both libraries do:
// a slow reader must not hold up the others.
type hub struct {
	mu      sync.Mutex
	members map[chan []byte]bool
}

func (h *hub) enter() chan []byte {
	c := make(chan []byte, 16)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.members == nil {
		h.members = map[chan []byte]bool{}
	}
	h.members[c] = true
	return c
}

func (h *hub) leave(c chan []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.members[c] {
		delete(h.members, c)
		close(c)
	}
}

func (h *hub) tell(p []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.members {
		select {
		case c <- p:
		default: // too slow
			delete(h.members, c)
			close(c)
		}
	}
}

// gorillaRoom is a room with github.com/gorilla/websocket.
func gorillaRoom() http.Handler {
	var h hub
	upgrader := gorilla.Upgrader{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := h.enter() // before the client knows
		defer h.leave(c)
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		go func() {
			defer conn.Close()
			for p := range c {
				if conn.WriteMessage(gorilla.TextMessage, p) != nil {
					return
				}
			}
		}()
		for {
			_, p, err := conn.ReadMessage()
			if err != nil {
				return
			}
			h.tell(p)
		}
	})
}

// coderRoom is the same with github.com/coder/websocket.
func coderRoom() http.Handler {
	var h hub
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := h.enter()
		defer h.leave(c)
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		ctx := r.Context()
		go func() {
			defer conn.CloseNow()
			for p := range c {
				if conn.Write(ctx, websocket.MessageText, p) != nil {
					return
				}
			}
		}()
		for {
			_, p, err := conn.Read(ctx)
			if err != nil {
				return
			}
			h.tell(p)
		}
	})
}

var coderServers = map[string]netServer{
	"websocket":             plainHTTPServer(coderRoom()),
	"idle_memory_websocket": plainHTTPServer(coderRoom()),
}

// aioEvents sends what is posted to all that listen.
func aioEvents() http.Handler {
	source := aiosync.NewBroadcast[string](16)
	site := http.NewServeMux()
	site.Handle("GET /", aiohttp.HandlerFunc(
		func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			subscription := source.Subscribe()
			events, err := aiohttp.Events(w, r)
			if err != nil {
				return err
			}
			for text, err := range subscription.All(ctx) {
				if err != nil {
					return err
				}
				if err := events.Send(aiohttp.Event{Data: text}); err != nil {
					return err
				}
			}
			return nil
		}))
	site.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		p, _ := io.ReadAll(r.Body)
		source.Send(string(p))
	})
	return site
}

func plainEvents() http.Handler {
	var h hub
	site := http.NewServeMux()
	site.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		c := h.enter()
		defer h.leave(c)
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-cache")
		flusher := w.(http.Flusher)
		flusher.Flush()
		for {
			select {
			case p, more := <-c:
				if !more {
					return
				}
				fmt.Fprintf(w, "data: %s\n\n", p)
				flusher.Flush()
			case <-r.Context().Done():
				return
			}
		}
	})
	site.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		p, _ := io.ReadAll(r.Body)
		h.tell(p)
	})
	return site
}

// aioWebServer makes the handler on the loop that it belongs to.
func aioWebServer(handler func() http.Handler) netServer {
	return func(ctx context.Context, started func(net.Addr)) error {
		return aio.Run(ctx, func(ctx context.Context) error {
			server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", handler())
			if err != nil {
				return err
			}
			started(server.Addr())
			return server.ServeForever(ctx)
		})
	}
}
