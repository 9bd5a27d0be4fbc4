package aiohttp_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

func TestCopyingInACancelledTaskReturns(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 100_000)) })
	clients := map[string]*aiohttp.Client{
		"net/http": {},
		"direct":   {Transport: aiohttp.Direct(s.Config.Handler)},
	}
	for name, c := range clients {
		for _, read := range []bool{false, true} {
			run(t, func(ctx context.Context) {
				task := aio.Start(ctx, func(ctx context.Context) error {
					r, err := c.Get(ctx, s.URL)
					if err != nil {
						return err
					}
					if read {
						io.Copy(io.Discard, r.Body(ctx))
					}
					aio.CurrentTask(ctx).Cancel(nil)
					// which has nothing to wait for
					if _, err = r.CopyTo(ctx, io.Discard); err == nil && !(read && name == "direct") {
						t.Errorf("%s: no error", name)
					}
					return nil
				})
				task.Await(ctx)
				c.Close()
				*c = aiohttp.Client{Transport: c.Transport}
			})
		}
	}
}

func TestARequestMadeByHandNeedsNoHeader(t *testing.T) {
	run(t, func(ctx context.Context) {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				http.Redirect(w, r, "/there", http.StatusFound)
				return
			}
			io.WriteString(w, r.Header.Get("Color"))
		})
		c := aiohttp.Client{Transport: aiohttp.Direct(handler), Header: http.Header{"Color": {"blue"}}}
		defer c.Close()
		req := &http.Request{URL: &url.URL{Scheme: "http", Host: "example.com", Path: "/"}}
		r, err := c.Do(ctx, req)
		equal(t, "answer", text(ctx, t, r, err), "blue")
		equal(t, "fields in the caller's request", len(req.Header), 0)
	})
}

func TestATimeOutOfADirectClientEndsTheReadingOfABody(t *testing.T) {
	handler := aiohttp.HandlerFunc(func(
		ctx context.Context, w http.ResponseWriter, r *http.Request,
	) error {
		io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		return aio.Sleep(ctx, time.Hour)
	})
	virtually(t, func(ctx context.Context) {
		c := aiohttp.Client{Transport: aiohttp.Direct(handler), Timeout: time.Second}
		defer c.Close()
		began := aio.RunningLoop(ctx).Time()
		r, err := c.Get(ctx, "http://example.com/")
		ok(t, err)
		_, err = r.Bytes(ctx)
		matches(t, err, context.DeadlineExceeded)
		equal(t, "time", aio.RunningLoop(ctx).Time().Sub(began), time.Second)
	})
}

func TestDirectClosesTheBodyOfTheRequest(t *testing.T) {
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{Transport: aiohttp.Direct(
			http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))}
		defer c.Close()
		body := &closeCounter{Reader: strings.NewReader("unread")}
		r, err := c.Post(ctx, "http://example.com/", "text/plain", body)
		equal(t, "answer", text(ctx, t, r, err), "")
		yields(ctx, 2)
		equal(t, "times closed", body.closed, 1)
	})
}

type closeCounter struct {
	io.Reader
	closed int
}

func (c *closeCounter) Close() error { c.closed++; return nil }

func TestAResponseThatIsLeftOpenEndsWithTheLoop(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	before := resourcesNow()
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		_, err := c.Get(ctx, s.URL)
		ok(t, err)
	})
	before.comeBack(t)
}
