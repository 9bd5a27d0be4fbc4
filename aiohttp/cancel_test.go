package aiohttp_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/internal/tlstest"
)

// mute is a server of raw connections: it accepts and says what talk writes.
func mute(t *testing.T, talk func(conn net.Conn)) (address string, accepted chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	accepted = make(chan struct{}, 10)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			talk(conn)
			accepted <- struct{}{}
			io.Copy(io.Discard, conn) // until the other side closes
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-ended
	})
	return l.Addr().String(), accepted
}

// A request that is cancelled leaves no goroutine and no descriptor, whatever stage it is in,
// although neither its loop nor its client has ended.
func TestACancelledRequestLeavesNothingBehind(t *testing.T) {
	// so the other side is done with dialling
	silent := func(conn net.Conn) { conn.Read(make([]byte, 1)) }
	begun := func(conn net.Conn) {
		conn.Read(make([]byte, 1000))
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nsome of it")
	}
	for _, stage := range []struct {
		name   string
		scheme string
		server func(net.Conn)
		body   func(ctx context.Context, r *aiohttp.Response) error
	}{
		{"waiting for the head", "http", silent, nil},
		{"shaking hands", "https", silent, nil},
		{"reading", "http", begun, func(ctx context.Context, r *aiohttp.Response) error {
			for _, err := range r.Chunks(ctx) {
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"reading all", "http", begun, func(ctx context.Context, r *aiohttp.Response) error {
			_, err := r.Bytes(ctx)
			return err
		}},
		{"copying", "http", begun, func(ctx context.Context, r *aiohttp.Response) error {
			_, err := r.CopyTo(ctx, io.Discard)
			return err
		}},
		{"decoding", "http", begun, func(ctx context.Context, r *aiohttp.Response) error {
			_, err := aiohttp.DecodeJSON[int](ctx, r)
			return err
		}},
	} {
		for _, how := range []string{"cancelled", "late"} {
			t.Run(stage.name+", "+how, func(t *testing.T) {
				address, seen := mute(t, stage.server)
				run(t, func(ctx context.Context) {
					watching(ctx, t)
					before := resourcesNow()
					var c aiohttp.Client
					defer c.Close()
					task := aio.Start(ctx, func(ctx context.Context) error {
						work := func(ctx context.Context) error {
							r, err := c.Get(ctx, stage.scheme+"://"+address)
							if err != nil {
								return err
							}
							return stage.body(ctx, r)
						}
						if how == "late" {
							return aio.Timeout(ctx, 30*time.Millisecond, work)
						}
						return work(ctx)
					})
					want := context.DeadlineExceeded // at that stage, or before on a slow machine
					if how == "cancelled" {
						want = aio.ErrCancelled
						_, _, err := aio.Recv(ctx, seen)
						ok(t, err)
						yields(ctx, 10)
						task.Cancel(nil)
					}
					_, err := task.Await(ctx)
					matches(t, err, want)
					// a connection that was made at that very moment is kept for the next request
					if how == "late" {
						c.Close()
					}
					ok(t, aio.Blocking(ctx, func(context.Context) error {
						before.plus(1, 0).comeBack(t)
						return nil
					}))
				})
			})
		}
	}
}

// plus allows for what the test itself uses.
func (r resources) plus(goroutines, descriptors int) resources {
	return resources{r.goroutines + goroutines, r.descriptors + descriptors}
}

func TestARequestInHTTP2IsGivenUpAlone(t *testing.T) {
	a := tlstest.New(t)
	gone := make(chan struct{})
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			fmt.Fprintln(w, "begun")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			close(gone)
		}
	}))
	s.TLS, s.EnableHTTP2 = a.Server(), true
	s.StartTLS()
	defer s.Close()
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{TLS: a.Client()}
		defer c.Close()
		r, err := c.Get(ctx, s.URL+"/slow")
		ok(t, err)
		_, err = r.Read(ctx, make([]byte, 100))
		ok(t, err)
		r.Close()
		_, _, err = aio.Recv(ctx, gone)
		ok(t, err)
		r, err = c.Get(ctx, s.URL)
		equal(t, "another on the same connection", text(ctx, t, r, err), "")
	})
}

func TestWhoWaitsForATurnCanBeCancelled(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		c := aiohttp.Client{PerHost: 1, Transport: aiohttp.Direct(aiohttp.HandlerFunc(func(
			ctx context.Context, w http.ResponseWriter, r *http.Request,
		) error {
			return aio.Sleep(ctx, time.Second)
		}))}
		defer c.Close()
		get := func(ctx context.Context) error {
			r, err := c.Get(ctx, "http://x/")
			if err == nil {
				r.Close()
			}
			return err
		}
		first, second, third := aio.Start(ctx, get), aio.Start(ctx, get), aio.Start(ctx, get)
		yields(ctx, 3)
		second.Cancel(nil)
		_, err := second.Await(ctx)
		matches(t, err, aio.ErrCancelled)
		for _, task := range []*aio.Task[aio.None]{first, third} {
			_, err := task.Await(ctx)
			ok(t, err)
		}
	})
}

// slowWriter blocks until it is told not to.
type slowWriter struct{ writing, release chan struct{} }

func (w slowWriter) Write(p []byte) (int, error) {
	w.writing <- struct{}{}
	<-w.release
	return len(p), nil
}

func TestCopyToReturnsWhenNobodyWritesAnyMore(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "data") })
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, s.URL)
		ok(t, err)
		w := slowWriter{make(chan struct{}, 1), make(chan struct{})}
		task := aio.Start(ctx, func(ctx context.Context) error { _, err := r.CopyTo(ctx, w); return err })
		_, _, err = aio.Recv(ctx, w.writing)
		ok(t, err)
		task.Cancel(nil)
		yields(ctx, 20)
		equal(t, "done while w is in use", task.Done(), false)
		close(w.release)
		_, err = task.Await(ctx)
		matches(t, err, aio.ErrCancelled)
	})
}

func TestARequestEndsWithItsLoop(t *testing.T) {
	silent, heard := mute(t, func(net.Conn) {})
	before := resourcesNow()
	var c aiohttp.Client
	run(t, func(ctx context.Context) {
		aio.Start(ctx, func(ctx context.Context) error {
			_, err := c.Get(ctx, "http://"+silent)
			return err
		})
		_, _, err := aio.Recv(ctx, heard)
		ok(t, err)
	})
	before.comeBack(t)
}
