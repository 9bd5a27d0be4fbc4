package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// village is a site of 60 pages or so with everything that a crawler may come upon: links in
// circles and to where there is nothing, redirects, pages for people only, slow ones.
var village = newVillage()

const streets, houses = 6, 8

func newVillage() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, delay time.Duration, page func(
		r *http.Request,
	) (title, body string)) {
		mux.Handle("GET "+pattern, aiohttp.HandlerFunc(func(
			ctx context.Context, w http.ResponseWriter, r *http.Request,
		) error {
			if err := aio.Sleep(ctx, delay); err != nil {
				return err
			}
			title, body := page(r)
			if title == "" {
				http.NotFound(w, r)
				return nil
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, err := fmt.Fprintf(w, "<!DOCTYPE html><title>%s</title>\n<h1>%s</h1>\n%s\n<a "+
				"href='/'>Home</a>\n", title, title, body)
			return err
		}))
	}
	handle("/{$}", 20*time.Millisecond, func(*http.Request) (string, string) {
		body := "<a href='/about'>About</a> <a href='/map.txt'>Map</a> <a href='/old'>The old " +
			"village</a> <a href='/private/diary'>Diary</a>" +
			" <a href='https://example.org/'>Elsewhere</a> <a rel=nofollow href='/trap'>For " +
			"robots</a> <a href='mailto:mayor@village.example'>Write</a>"
		for s := range streets {
			body += fmt.Sprintf("\n<a href='/street/%d'>Street %d</a>", s+1, s+1)
		}
		return "The village", body
	})
	handle("/street/{s}", 50*time.Millisecond, func(r *http.Request) (string, string) {
		s, err := strconv.Atoi(r.PathValue("s"))
		if err != nil || s < 1 || s > streets {
			return "", ""
		}
		body := ""
		for h := range houses {
			body += fmt.Sprintf("<a href='/street/%d/house/%d'>House %d</a>\n", s, h+1, h+1)
		}
		return fmt.Sprint("Street ", s), body + fmt.Sprintf("<a href='%d'>Next street</a>",
			s%streets+1)
	})
	handle("/street/{s}/house/{h}", 80*time.Millisecond, func(r *http.Request) (string, string) {
		h, err := strconv.Atoi(r.PathValue("h"))
		if err != nil || h < 1 || h > houses {
			return "", ""
		}
		// The last house of each street has a neighbour that was pulled down.
		return fmt.Sprintf("House %d in street %s",
			h, r.PathValue("s")), fmt.Sprintf("<a href='%d#door'>Next door</a>", h+1)
	})
	handle("/about", 300*time.Millisecond, func(*http.Request) (string, string) {
		return "About", "It takes its time."
	})
	handle("/new", 20*time.Millisecond, func(*http.Request) (string, string) {
		return "The new village", "<a href='/street/1?view=old'>As it was</a>"
	})
	handle("/private/", 0, func(*http.Request) (string, string) { return "Private", "" })
	handle("/trap", 0, func(*http.Request) (string, string) { return "Trap", "" })
	mux.Handle("GET /old", http.RedirectHandler("/older", http.StatusMovedPermanently))
	mux.Handle("GET /older", http.RedirectHandler("/new", http.StatusFound))
	mux.HandleFunc("GET /map.txt", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "North is up.\n")
	})
	mux.HandleFunc("GET /robots.txt", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "User-agent: *\nDisallow: /private/\nDisallow: /*?view=\n")
	})
	return mux
}
