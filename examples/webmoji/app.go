package main

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
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
)

// app is what the handlers share. They are tasks of one loop: none of this needs a lock.
type app struct {
	index    *charindex.Index
	log      io.Writer // nil: nobody wants to know
	searches int
}

// char is a character in an answer.
type char struct {
	Char string `json:"char" doc:"The character itself."`
	Name string `json:"name" doc:"Its name."`
	Code string `json:"code" pattern:"^U\\+[0-9A-F]{4,6}$" doc:"Its code point."`
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
	a.describeAPI(mux)
	for path, kind := range map[string]string{
		"style.css": "text/css; charset=utf-8",
		"app.js":    "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
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
