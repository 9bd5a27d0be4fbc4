package main

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/charindex"
	"github.com/aio-go/aio/examples/internal/cli"
)

//go:embed web
var web embed.FS

var page = template.Must(template.ParseFS(web, "web/page.html"))

const (
	longestQuery = 200 // characters
	shown        = 300 // characters on the page
	portion      = 100 // characters between two looks at whether somebody else wants to go on
)

// app is what the handlers share. They are tasks of one loop: none of this needs a lock.
type app struct {
	index    *charindex.Index
	log      io.Writer // nil: nobody wants to know
	searches int
}

// char is a character in an answer.
type char struct {
	Char string `json:"char"`
	Name string `json:"name"`
	Code string `json:"code"`
}

func describe(c charindex.Char) char {
	return char{string(c.Rune), c.Name, fmt.Sprintf("U+%04X", c.Rune)}
}

// Glyph is the character as it can be shown alone: what goes on top of another letter gets a circle
// for that.
func (c char) Glyph() string {
	for _, r := range c.Char {
		if unicode.Is(unicode.M, r) {
			return "\u25cc" + c.Char
		}
	}
	return c.Char
}

func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", aiohttp.HandlerFunc(a.form))
	mux.Handle("GET /search", aiohttp.HandlerFunc(a.search))
	for path, kind := range map[string]string{
		"openapi.json": "application/json", "style.css": "text/css; charset=utf-8",
		"app.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
	} {
		content, err := web.ReadFile("web/" + path)
		if err != nil {
			panic(err) // it was compiled in
		}
		mux.HandleFunc("GET /"+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Write(content)
		})
	}
	return mux
}

// find counts a search and makes it, on another goroutine: there may be 100,000 characters. It
// returns how many there are, and the first of them. The index does not change, so any goroutine
// may use it.
func (a *app) find(ctx context.Context, query string, most int) ([]charindex.Char, int, error) {
	a.searches++
	type found struct {
		first []charindex.Char
		total int
	}
	// a search may outlast the task that gave it up
	got, err := aio.ToThread(ctx, func(context.Context) (f found, _ error) {
		for c := range a.index.All(query) {
			if f.total++; len(f.first) < most {
				f.first = append(f.first, c)
			}
		}
		return f, nil
	})
	if err == nil && a.log != nil {
		fmt.Fprintf(a.log, "%q: %d found\n", cli.Printable(query), got.total)
	}
	return got.first, got.total, err
}

// search answers with JSON.
func (a *app) search(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	asked := r.URL.Query()
	query, limit := asked.Get("q"), 0
	switch {
	case !asked.Has("q"):
		return refuse(w, "q", "Field required")
	case len([]rune(query)) > longestQuery:
		return refuse(w, "q", fmt.Sprintf("Should have at most %d characters", longestQuery))
	}
	if asked.Has("limit") {
		var err error
		if limit, err = strconv.Atoi(asked.Get("limit")); err != nil || limit < 1 {
			return refuse(w, "limit", "Should be a whole number from 1")
		}
	}
	_, total, err := a.find(ctx, query, 0)
	if err != nil {
		return err
	}
	w.Header().Set("X-Total-Count", strconv.Itoa(total))
	if limit == 0 {
		limit = total
	}
	return writeList(ctx, w, a.index.All(query), limit)
}

// writeList writes the first of the characters as a JSON array. Each full buffer waits for the
// client, so no more than that is kept for a slow one. Between two buffers others have their turn.
func writeList(ctx context.Context, w io.Writer, found iter.Seq[charindex.Char], most int) error {
	separator, i := "[", 0
	for c := range found {
		if i == most {
			break
		}
		line, err := json.Marshal(describe(c))
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, separator+string(line)); err != nil {
			return err
		}
		separator = ",\n"
		if i++; i%portion == 0 {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
	}
	if i == 0 {
		_, err := io.WriteString(w, "[]\n")
		return err
	}
	_, err := io.WriteString(w, "]\n")
	return err
}

// refuse says what is wrong with a parameter, in the form that the description has.
func refuse(w http.ResponseWriter, parameter, problem string) error {
	type detail struct {
		Loc []string `json:"loc"`
		Msg string   `json:"msg"`
	}
	w.WriteHeader(http.StatusUnprocessableEntity)
	return json.NewEncoder(w).Encode(map[string][]detail{"detail": {{[]string{"query", parameter},
		problem}}})
}

// form answers with the page, and what is found on it if a query comes along.
func (a *app) form(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	view := struct {
		Query         string
		Found         []char
		Total, Hidden int
		Longest       int
		Unicode       string
		Searches      int
		Ideas         []string
	}{Longest: longestQuery, Unicode: charindex.UnicodeVersion, Ideas: []string{"cat face", "chess",
		"heart", "arrow right", "circled digit", "musical symbol", "euro"}}
	if runes := []rune(strings.TrimSpace(r.URL.Query().Get("q"))); len(runes) > 0 {
		view.Query = string(runes[:min(len(runes), longestQuery)])
		found, total, err := a.find(ctx, view.Query, shown)
		if err != nil {
			return err
		}
		view.Total = total
		view.Hidden = total - len(found)
		for _, c := range found {
			view.Found = append(view.Found, describe(c))
		}
	}
	view.Searches = a.searches
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; "+
		"connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'")
	return page.Execute(w, view)
}
