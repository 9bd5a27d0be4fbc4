package aiohttp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aio-go/aio/aiohttp"
)

func TestRedirectsAreFollowedAndRemembered(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a":
			http.Redirect(w, r, "/b?x=1", http.StatusFound)
		case "/b":
			http.Redirect(w, r, "c", http.StatusMovedPermanently)
		default:
			fmt.Fprint(w, r.URL, " from ", r.Referer())
		}
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, s.URL+"/a#top")
		equal(t, "body", text(ctx, t, r, err), "/c from "+s.URL+"/b?x=1")
		equal(t, "URL", r.URL.String(), s.URL+"/c#top")
		var steps []string
		for _, h := range r.History {
			steps = append(steps, fmt.Sprint(h.StatusCode, h.URL.Path, h.Header.Get("Location")))
		}
		equalSlices(t, "history", steps, []string{"302/a/b?x=1", "301/b/c"})
	})
}

func TestMethodsAndBodiesFollowTheRules(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		if status := 0; r.URL.Path != "/end" {
			fmt.Sscanf(r.URL.Path, "/%d", &status)
			http.Redirect(w, r, "/end", status)
			return
		}
		echo(w, r)
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		for status, want := range map[int]string{
			301: `GET /end  ""`, 302: `GET /end  ""`, 303: `GET /end  ""`,
			307: `PUT /end text/plain "data"`, 308: `PUT /end text/plain "data"`,
		} {
			req, _ := http.NewRequest("PUT", fmt.Sprintf("%s/%d", s.URL, status), strings.NewReader("data"))
			req.Header.Set("Content-Type", "text/plain")
			r, err := c.Do(ctx, req)
			equal(t, fmt.Sprint(status), text(ctx, t, r, err), want)
			equal(t, "method of the answer", r.Method, want[:3])
		}
		once := struct{ *strings.Reader }{strings.NewReader("data")} // cannot be sent again
		r, err := c.Post(ctx, s.URL+"/307", "text/plain", once)
		ok(t, err)
		equal(t, "status for a body that cannot be sent again", r.StatusCode, 307)
		r.Close()
	})
}

func TestSecretsStayWithTheirHost(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		seen := map[string]string{}
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen[r.Host] = r.Header.Get("Authorization") + r.Header.Get("Cookie") + r.Header.Get("X-Other")
			if to := r.URL.Query().Get("to"); to != "" {
				http.Redirect(w, r, to, http.StatusFound)
			}
		})
		c := aiohttp.Client{Transport: aiohttp.Direct(h)}
		defer c.Close()
		path := "https://deep.one.test/?to=" + url.QueryEscape("https://two.test/?to="+
			url.QueryEscape("https://one.test:1/"))
		req, _ := http.NewRequest("GET", "https://one.test/?to="+url.QueryEscape(path), nil)
		req.Header = http.Header{"Authorization": {"A"}, "Cookie": {"c"}, "X-Other": {"x"}}
		r, err := c.Do(ctx, req)
		text(ctx, t, r, err)
		equal(t, "the host itself", seen["one.test"], "Acx")
		equal(t, "below it", seen["deep.one.test"], "Acx")
		equal(t, "another one", seen["two.test"], "x")
		equal(t, "back again", seen["one.test:1"], "x")
	})
}

func TestRedirectsAreNotFollowedForEver(t *testing.T) {
	asked := make(chan struct{}, 20)
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		http.Redirect(w, r, "/", http.StatusFound)
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		_, err := c.Get(ctx, s.URL)
		matches(t, err, aiohttp.ErrRedirects)
		var fault *url.Error
		if !errors.As(err, &fault) {
			t.Errorf("%T", err)
		}
		equal(t, "requests", len(asked), 11)
		none := aiohttp.Client{Redirects: -1}
		defer none.Close()
		r, err := none.Get(ctx, s.URL)
		ok(t, err)
		equal(t, "status", r.StatusCode, 302)
		r.Close()
	})
}

func TestRedirectsToNowhereAreErrors(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header()["Location"] = []string{to}
		}
		w.WriteHeader(http.StatusFound)
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		for _, to := range []string{"file:///etc/passwd", "http://[::1", "mailto:me"} {
			if _, err := c.Get(ctx, s.URL+"/?to="+url.QueryEscape(to)); err == nil {
				t.Errorf("followed to %s", to)
			}
		}
		r, err := c.Get(ctx, s.URL)
		ok(t, err)
		equal(t, "without a place to go to", r.StatusCode, 302)
		r.Close()
	})
}
