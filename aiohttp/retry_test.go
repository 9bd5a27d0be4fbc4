package aiohttp_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/looptest"
)

// flaky answers with the given statuses in turn, then with 200.
func flaky(calls *[]string, statuses ...int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*calls = append(*calls, r.Method+string(body))
		if n := len(*calls); n <= len(statuses) {
			w.WriteHeader(statuses[n-1])
			return
		}
		fmt.Fprint(w, "well")
	}
}

func seconds(try int) time.Duration { return time.Duration(try) * time.Second }

func TestWhatMayWorkLaterIsTriedAgain(t *testing.T) {
	for _, status := range []int{408, 429, 502, 503, 504} {
		virtually(t, func(ctx context.Context) {
			var calls []string
			c := aiohttp.Client{
				Transport: aiohttp.Direct(flaky(&calls, status, status)),
				Limit:     1,
				Retry:     aiohttp.Retry{Attempts: 3, Backoff: seconds},
			}
			defer c.Close()
			began := aio.RunningLoop(ctx).Time()
			req, _ := http.NewRequest("PUT", "http://x/", strings.NewReader("+"))
			r, err := c.Do(ctx, req)
			equal(t, "body", text(ctx, t, r, err), "well")
			equalSlices(t, "calls", calls, []string{"PUT+", "PUT+", "PUT+"})
			equal(t, "time", aio.RunningLoop(ctx).Time().Sub(began), 3*time.Second)
		})
	}
}

func TestTheLastAnswerIsKept(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		var calls []string
		c := aiohttp.Client{
			Transport: aiohttp.Direct(flaky(&calls, 503, 503, 503)),
			Retry:     aiohttp.Retry{Attempts: 2},
		}
		defer c.Close()
		r, err := c.Get(ctx, "http://x/")
		ok(t, err)
		equal(t, "status", r.StatusCode, 503)
		equal(t, "calls", len(calls), 2)
		r.Close()
	})
}

func TestAttemptsCountTheFirstTryToo(t *testing.T) {
	for attempts, want := range map[int]int{-1: 1, 0: 1, 1: 1, 2: 2, 3: 3} {
		virtually(t, func(ctx context.Context) {
			var calls []string
			c := aiohttp.Client{
				Transport: aiohttp.Direct(flaky(&calls, 503, 503, 503, 503)),
				Retry:     aiohttp.Retry{Attempts: attempts},
			}
			defer c.Close()
			r, err := c.Get(ctx, "http://x/")
			ok(t, err)
			r.Close()
			equal(t, fmt.Sprint("calls with Attempts ", attempts), len(calls), want)
		})
	}
}

func TestNothingIsDoneTwice(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		for _, again := range []bool{false, true} {
			var calls []string
			c := aiohttp.Client{
				Transport: aiohttp.Direct(flaky(&calls, 503)),
				Retry:     aiohttp.Retry{Attempts: 4},
			}
			req, _ := http.NewRequest("POST", "http://x/", strings.NewReader("pay"))
			if again {
				req.Header.Set("Idempotency-Key", "1")
			}
			r, err := c.Do(ctx, req)
			ok(t, err)
			r.Close()
			c.Close()
			equal(t, fmt.Sprint("calls, with a key: ", again), len(calls), map[bool]int{
				false: 1,
				true:  2,
			}[again])
		}
		var calls []string
		c := aiohttp.Client{
			Transport: aiohttp.Direct(flaky(&calls, 503, 404, 500)),
			Retry:     aiohttp.Retry{Attempts: 10},
		}
		defer c.Close()
		once := struct{ io.Reader }{strings.NewReader("data")}
		req, _ := http.NewRequest("PUT", "http://x/", once)
		// a body that cannot be sent again; and statuses that stay
		for _, status := range []int{503, 404, 500} {
			r, err := c.Do(ctx, req)
			ok(t, err)
			equal(t, "status", r.StatusCode, status)
			r.Close()
			req, _ = http.NewRequest("GET", "http://x/", nil)
		}
	})
}

func TestTheServerSaysWhen(t *testing.T) {
	for _, test := range []struct {
		after, date string
		want        time.Duration
		status      int
	}{
		{"7", "", 7 * time.Second, 200},
		{"Fri, 20 Nov 2026 10:00:09 GMT", "Fri, 20 Nov 2026 10:00:00 GMT", 9 * time.Second, 200},
		{"Fri, 20 Nov 2026 10:00:00 GMT", "Fri, 20 Nov 2026 10:00:05 GMT", 0, 200},
		{"soon", "", time.Second, 200},
		{"3600", "", 0, 503}, // nobody waits that long
	} {
		virtually(t, func(ctx context.Context) {
			n := 0
			c := aiohttp.Client{Retry: aiohttp.Retry{
				Attempts: 2,
				Backoff:  seconds,
			}, Transport: aiohttp.Direct(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n++; n == 1 {
					w.Header().Set("Retry-After", test.after)
					w.Header().Set("Date", test.date)
					w.WriteHeader(503)
				}
			}))}
			defer c.Close()
			began := aio.RunningLoop(ctx).Time()
			r, err := c.Get(ctx, "http://x/")
			ok(t, err)
			equal(t, test.after+": status", r.StatusCode, test.status)
			equal(t, test.after+": time", aio.RunningLoop(ctx).Time().Sub(began), test.want)
			r.Close()
		})
	}
}

func TestAConnectionThatFailedIsTriedAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	accepted := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if accepted++; accepted < 3 {
				conn.(*net.TCPConn).SetLinger(0)
				conn.Close()
				continue
			}
			buf := make([]byte, 1000)
			conn.Read(buf)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwell")
			conn.Close()
		}
	}()
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{Retry: aiohttp.Retry{Attempts: 3, Backoff: func(int) time.Duration {
			return 0
		}}}
		defer c.Close()
		r, err := c.Get(ctx, "http://"+l.Addr().String())
		equal(t, "body", text(ctx, t, r, err), "well")
	})
	l.Close()
	<-done
	equal(t, "connections", accepted, 3)
}

func TestATimeoutEndsTheTries(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		var calls []string
		c := aiohttp.Client{
			Transport: aiohttp.Direct(flaky(&calls, 503, 503, 503)),
			Timeout:   90 * time.Second,
			Retry:     aiohttp.Retry{Attempts: 10, Backoff: func(int) time.Duration { return time.Minute }},
		}
		defer c.Close()
		began := aio.RunningLoop(ctx).Time()
		_, err := c.Get(ctx, "http://x/")
		matches(t, err, context.DeadlineExceeded)
		equal(t, "time", aio.RunningLoop(ctx).Time().Sub(began), 90*time.Second)
		equal(t, "calls", len(calls), 2)
	})
}

func TestExponentialGrowsUpToItsEnd(t *testing.T) {
	back := aiohttp.Exponential(100*time.Millisecond, time.Second)
	for try, most := range map[int]time.Duration{
		1:    100 * time.Millisecond,
		2:    200 * time.Millisecond,
		4:    800 * time.Millisecond,
		5:    time.Second,
		1000: time.Second,
	} {
		for range 100 {
			if d := back(try); d < most/2 || d > most {
				t.Fatalf("try %d: %v, want %v to %v", try, d, most/2, most)
			}
		}
	}
}

// A limiter around the call would count all tries as one.
func TestARateLimiterCountsEachTry(t *testing.T) {
	looptest.Run(t, func(ctx context.Context) error {
		var at []time.Duration
		loop := aio.RunningLoop(ctx)
		begun := loop.Time()
		limiter := aiosync.NewRateLimiter(1, time.Minute)
		c := aiohttp.Client{
			Transport: aiohttp.Direct(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				at = append(at, loop.Time().Sub(begun))
				w.WriteHeader(http.StatusServiceUnavailable)
			})),
			Retry: aiohttp.Retry{
				Attempts: 3,
				Before:   limiter.Acquire,
				Timeout:  time.Second, // waiting for the limiter does not count
				Backoff:  func(int) time.Duration { return time.Second },
			},
		}
		defer c.Close()
		for range 2 {
			r, err := c.Get(ctx, "http://moody/")
			if err != nil {
				return err
			}
			r.Close()
		}
		want := []time.Duration{0, 1, 2, 3, 4, 5}
		for i := range want {
			want[i] *= time.Minute
		}
		if !slices.Equal(at, want) {
			t.Errorf("tries at %v, want %v", at, want)
		}
		return nil
	})
}

func TestACallEndsWithTheErrorOfBefore(t *testing.T) {
	looptest.Run(t, func(ctx context.Context) error {
		calls := 0
		c := aiohttp.Client{
			Transport: aiohttp.Direct(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusServiceUnavailable)
			})),
			Retry: aiohttp.Retry{Attempts: 9, Before: func(context.Context) error {
				if calls++; calls > 2 {
					return looptest.ErrBoom
				}
				return nil
			}},
		}
		defer c.Close()
		if _, err := c.Get(ctx, "http://moody/"); err != looptest.ErrBoom || calls != 3 {
			t.Errorf("%v after %d calls", err, calls)
		}
		return nil
	})
}
