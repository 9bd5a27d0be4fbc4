package aiohttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiosync"
)

func TestABodyIsSentWhileATaskProducesIt(t *testing.T) {
	lines := make(chan string)
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		in := bufio.NewScanner(r.Body)
		n := 0
		for ; in.Scan(); n++ {
			lines <- in.Text()
		}
		fmt.Fprint(w, r.Method, r.Header.Get("Content-Type"), r.ContentLength, n)
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Upload(ctx, "PUT", s.URL, "text/plain", func(ctx context.Context, w io.Writer) error {
			for i := range 5 {
				fmt.Fprintln(w, "line", i)
				line, _, err := aio.Recv(ctx, lines) // the server has it before there is more
				equal(t, "line", line, fmt.Sprint("line ", i))
				if err != nil {
					return err
				}
			}
			return nil
		})
		equal(t, "answer", text(ctx, t, r, err), "PUTtext/plain-1 5")
	})
}

func TestALargeUploadWaitsForItsServer(t *testing.T) {
	goOn := make(chan struct{})
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		<-goOn
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, err)
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		const pieces = 300
		piece := strings.Repeat("x", 100_000)
		written := 0
		r, err := c.Upload(ctx, "POST", s.URL, "", func(ctx context.Context, w io.Writer) error {
			loop := aio.RunningLoop(ctx)
			loop.CallLater(20*time.Millisecond, func() {
				if written == pieces {
					t.Error("30 MB were taken by one that does not read")
				}
				close(goOn)
			})
			for ; written < pieces; written++ {
				if _, err := io.WriteString(w, piece); err != nil {
					return err
				}
			}
			return nil
		})
		equal(t, "answer", text(ctx, t, r, err), "30000000 <nil>")
	})
}

func TestAnUploadThatFailsIsTorn(t *testing.T) {
	ends := make(chan error, 1)
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		ends <- err
	})
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{Retry: aiohttp.Retry{Attempts: 4}}
		defer c.Close()
		noMore := errors.New("no more paper")
		_, err := c.Upload(ctx, "PUT", s.URL, "", func(ctx context.Context, w io.Writer) error {
			io.WriteString(w, "half")
			return noMore
		})
		matches(t, err, noMore)
		end, _, err := aio.Recv(ctx, ends)
		ok(t, err)
		matches(t, end, io.ErrUnexpectedEOF)
		func() {
			defer func() {
				if v, is := recover().(*aio.PanicError); !is || v.Value != "oops" {
					t.Error(v)
				}
			}()
			c.Upload(ctx, "PUT", s.URL, "", func(ctx context.Context, w io.Writer) error { panic("oops") })
		}()
	})
}

func TestACancelledUploadLeavesNothingBehind(t *testing.T) {
	begun := make(chan struct{}, 1)
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		r.Body.Read(make([]byte, 1))
		begun <- struct{}{}
		io.Copy(io.Discard, r.Body) // until the client goes away
	})
	run(t, func(ctx context.Context) {
		watching(ctx, t)
		before := resourcesNow()
		var c aiohttp.Client
		defer c.Close()
		var end error
		task := aio.Start(ctx, func(ctx context.Context) error {
			_, err := c.Upload(ctx, "POST", s.URL, "", func(ctx context.Context, w io.Writer) error {
				for end == nil {
					_, end = w.Write(make([]byte, 100_000))
				}
				return end
			})
			return err
		})
		_, _, err := aio.Recv(ctx, begun)
		ok(t, err)
		task.Cancel(nil)
		_, err = task.Await(ctx)
		matches(t, err, aio.ErrCancelled)
		if end == nil {
			t.Error("the function goes on")
		}
		ok(t, aio.Blocking(ctx, func(context.Context) error {
			before.plus(1, 0).comeBack(t)
			return nil
		}))
	})
}

func TestAServerMayAnswerBeforeTheEnd(t *testing.T) {
	over := make(chan struct{})
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		w.(http.Flusher).Flush()
		<-over
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		var ended aiosync.Event
		r, err := c.Upload(ctx, "POST", s.URL, "", func(ctx context.Context, w io.Writer) error {
			defer ended.Set()
			for {
				if _, err := w.Write(make([]byte, 100_000)); err != nil {
					return err
				}
			}
		})
		ok(t, err)
		equal(t, "status", r.StatusCode, 413)
		r.Close()
		ok(t, ended.Wait(ctx))
	})
	close(over)
}

func TestUploadsToAHandlerTakeNoTime(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		c := aiohttp.Client{Transport: aiohttp.Direct(aiohttp.HandlerFunc(func(
			ctx context.Context, w http.ResponseWriter, r *http.Request,
		) error {
			if r.URL.Path == "/busy" {
				http.Error(w, "not now", http.StatusServiceUnavailable)
				return nil
			}
			in := bufio.NewScanner(r.Body)
			for in.Scan() {
				fmt.Fprintln(w, in.Text(), loop.Time().Sub(began))
			}
			return in.Err()
		}))}
		defer c.Close()
		produce := func(ctx context.Context, w io.Writer) error {
			for range 3 {
				if err := aio.Sleep(ctx, time.Hour); err != nil {
					return err
				}
				if _, err := fmt.Fprintln(w, "tick"); err != nil {
					return err
				}
			}
			return nil
		}
		r, err := c.Upload(ctx, "POST", "http://x/", "", produce)
		equal(t, "answer", text(ctx, t, r, err), "tick 1h0m0s\ntick 2h0m0s\ntick 3h0m0s\n")
		r, err = c.Upload(ctx, "POST", "http://x/busy", "", produce)
		equal(t, "early answer", text(ctx, t, r, err), "not now\n")
		equal(t, "time", loop.Time().Sub(began), 3*time.Hour)
		large := strings.Repeat("x", 60_000)
		r, err = c.Upload(ctx, "POST", "http://x/", "", func(ctx context.Context, w io.Writer) error {
			_, err := io.WriteString(w, large)
			return err
		})
		equal(t, "large", len(text(ctx, t, r, err)), 60_000+len(" 3h0m0s\n"))
	})
}

func ExampleClient_Upload() {
	sum := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		total, n := 0, 0
		for {
			if _, err := fmt.Fscan(r.Body, &n); err != nil {
				break
			}
			total += n
		}
		fmt.Fprint(w, total)
	})
	aio.Run(context.Background(), func(ctx context.Context) error {
		c := aiohttp.Client{Transport: aiohttp.Direct(sum)}
		defer c.Close()
		r, err := c.Upload(ctx, "POST", "http://adder/", "text/plain",
			func(ctx context.Context, w io.Writer) error {
				for n := range 5 {
					if err := aio.Sleep(ctx, time.Millisecond); err != nil { // it takes a while to find the next
						return err
					}
					fmt.Fprintln(w, n)
				}
				return nil
			})
		if err != nil {
			return err
		}
		total, err := r.Text(ctx)
		fmt.Println(total)
		return err
	})
	// Output: 10
}
