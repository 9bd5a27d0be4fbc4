package monitor

import (
	"context"
	_ "embed"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/aio-go/aio"
)

// page is the whole page: it loads nothing else.
//
//go:embed page.html
var page []byte

// Handler shows the loops of this process in a browser, and as JSON to programs. Mount it where
// only operators come:
//
//	mux.Handle("/debug/aio/", monitor.Handler())
//
// Below its path are the page, "picture" (a [Picture]; the parameters loop, stacks, force and brief
// are those of [Question]), "record" (loop, task and last are those of [RecordQuestion]) and, with
// [AllowCancel], "cancel" for POST. It checks nobody's identity: that is for the mux, as with
// net/http/pprof. Path and TCP have no effect on it. On a mux of aiohttp it waits for other loops
// on another goroutine.
func Handler(opts ...Option) http.Handler {
	return newHandler(newSettings(opts), answer)
}

// Forward is [Handler] for the process behind a client: aio web shows it. One request at a time
// goes to the client.
func Forward(c *Client) http.Handler {
	turn := make(chan struct{}, 1)
	ask := func(ctx context.Context, _ settings, r request, _ string) response {
		turn <- struct{}{}
		defer func() { <-turn }()
		a, err := c.ask(context.WithoutCancel(ctx), r)
		if err != nil {
			return response{Version: Version, Error: err.Error()}
		}
		return a
	}
	return newHandler(settings{cancel: true}, ask) // the process itself may refuse
}

type answerer func(ctx context.Context, set settings, r request, who string) response

func newHandler(set settings, ask answerer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		switch what := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]; what {
		case "":
			if allowed(w, r, http.MethodGet, http.MethodHead) {
				showPage(w)
			}
		case "picture", "record", "cancel":
			method := http.MethodGet
			if what == "cancel" {
				method = http.MethodPost
			}
			if !allowed(w, r, method) {
				return
			}
			if what == "cancel" && r.Header.Get("X-Aio-Monitor") == "" {
				// A page of another site cannot set the header.
				http.Error(w, "the header X-Aio-Monitor is missing", http.StatusForbidden)
				return
			}
			q, err := requestOf(what, r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			showAnswer(w, offLoop(r.Context(), func(ctx context.Context) response {
				return ask(ctx, set, q, "a client of HTTP at "+r.RemoteAddr)
			}))
		default:
			http.NotFound(w, r)
		}
	})
}

// offLoop calls fn on another goroutine if the caller is a task, which must not block its loop.
func offLoop(ctx context.Context, fn func(ctx context.Context) response) response {
	if !aio.InTask(ctx) {
		return fn(ctx)
	}
	a, err := aio.ToThread(ctx, func(ctx context.Context) (response, error) { return fn(ctx), nil })
	if err != nil {
		return response{Error: err.Error()}
	}
	return a
}

func allowed(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	for _, m := range methods {
		if r.Method == m {
			return true
		}
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	http.Error(w, "the method is not allowed here", http.StatusMethodNotAllowed)
	return false
}

func requestOf(op string, r *http.Request) (q request, err error) {
	q = request{Version: Version, Op: op}
	values := r.URL.Query()
	q.Reason = values.Get("reason")
	number := func(name string, bits int) (n uint64) {
		if text := values.Get(name); text != "" && err == nil {
			n, err = strconv.ParseUint(text, 10, bits)
		}
		return n
	}
	flag := func(name string) (on bool) {
		if text := values.Get(name); text != "" && err == nil {
			on, err = strconv.ParseBool(text)
		}
		return on
	}
	q.Loop, q.Task = number("loop", 64), uint32(number("task", 32))
	q.Last = int(number("last", 31))
	q.Stacks, q.Force, q.Brief = flag("stacks"), flag("force"), flag("brief")
	return q, err
}

func showPage(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// The page has its script and style inside, and talks to its own server alone.
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'unsafe-inline'; "+
		"style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; "+
		"frame-ancestors 'none'")
	_, _ = w.Write(page)
}

func showAnswer(w http.ResponseWriter, a response) {
	a.Version = Version
	w.Header().Set("Content-Type", "application/json")
	var err error
	if a.Picture != nil {
		err = json.NewEncoder(w).Encode(a.Picture)
	} else {
		if a.Error != "" {
			w.WriteHeader(http.StatusConflict)
		}
		err = json.NewEncoder(w).Encode(a)
	}
	_ = err // the client has gone
}
