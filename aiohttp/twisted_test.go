package aiohttp_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// twisted is an error of the user's that turns on those who ask it, and wraps itself.
type twisted struct{}

func (e *twisted) Error() string { return "twisted" }
func (e *twisted) Unwrap() error { return e }
func (e *twisted) Is(error) bool { panic("Is") }
func (e *twisted) As(any) bool   { panic("As") }
func (e *twisted) Timeout() bool { panic("Timeout") }

// breaks is a body that ends with an error of the user's.
type breaks struct{}

func (breaks) Read([]byte) (int, error) { return 0, &twisted{} }
func (breaks) Close() error             { return nil }

func TestErrorsOfUsersAreAskedWithCare(t *testing.T) {
	failing := roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			io.Copy(io.Discard, req.Body)
			req.Body.Close()
		}
		return nil, &twisted{}
	})
	breaking := roundTripper(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Status: "200 OK", Proto: "HTTP/1.1", Header: http.Header{}, Body: breaks{}, Request: req}, nil
	})
	run(t, func(ctx context.Context) {
		for _, timeout := range []time.Duration{0, time.Minute} {
			for name, transport := range map[string]http.RoundTripper{"the transport": failing, "the body": breaking} {
				c := &aiohttp.Client{
					Transport: transport, Timeout: timeout,
					Retry: aiohttp.Retry{Attempts: 3, Timeout: timeout, Backoff: func(int) time.Duration { return 0 }},
				}
				resp, err := c.Get(ctx, "http://example.com/")
				if err == nil {
					_, err = resp.Bytes(ctx)
				}
				if err == nil || !strings.Contains(err.Error(), "twisted") {
					t.Errorf("%s: %v", name, err)
				}
				c.Close()
			}
		}
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
		ok(t, err)
		defer s.Close()
		c := new(aiohttp.Client)
		defer c.Close()
		if _, err := c.Post(ctx, s.URL(), "text/plain", breaks{}); err == nil || !strings.Contains(err.Error(), "twisted") {
			t.Errorf("the request's body: %v", err)
		}
		why, cancel := aio.WithCancelCause(ctx)
		cancel(&twisted{})
		if _, err := c.Get(why, s.URL()); err == nil {
			t.Error("a request that was cancelled has an answer")
		}
	})
}
