package aiohttp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aio-go/aio/aiohttp"
)

func TestDirectShowsFieldsAndTrailersAsAServerDoes(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/spelling", func(w http.ResponseWriter, r *http.Request) {
		w.Header()["x-lower"] = []string{"1"}
		w.Header()["X-Lower"] = []string{"0"}
		io.WriteString(w, "x")
	})
	mux.HandleFunc("/none", func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"], w.Header()["X-None"] = nil, []string{}
		io.WriteString(w, "<html>")
	})
	mux.HandleFunc("/close", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "x")
	})
	mux.HandleFunc("/trailers", func(w http.ResponseWriter, r *http.Request) {
		before := fmt.Sprint(r.Trailer)
		_, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, before, r.Trailer, err)
	})
	run(t, func(ctx context.Context) {
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", mux)
		ok(t, err)
		defer s.Close()
		ask := func(c *aiohttp.Client, path string, size int) string {
			req, err := http.NewRequest("POST", s.URL()+path, struct{ io.Reader }{strings.NewReader(strings.Repeat("x", size))})
			ok(t, err)
			req.Trailer = http.Header{"X-Sum": {"7"}}
			resp, err := c.Do(ctx, req)
			body := text(ctx, t, resp, err)
			resp.Header.Del("Date")
			return fmt.Sprint(resp.Header, body)
		}
		real, direct := new(aiohttp.Client), &aiohttp.Client{Transport: aiohttp.Direct(mux)}
		defer real.Close()
		defer direct.Close()
		for _, path := range []string{"/spelling", "/none", "/close", "/trailers"} {
			for _, size := range []int{1, 100_000} {
				equal(t, path, ask(direct, path, size), ask(real, path, size))
			}
		}
	})
}
