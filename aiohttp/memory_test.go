package aiohttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// sized answers with as many bytes as the path says, with their number (/n) or in pieces
// (/n/chunked).
func sized(w http.ResponseWriter, r *http.Request) {
	var n int
	fmt.Sscanf(r.URL.Path, "/%d", &n)
	if strings.HasSuffix(r.URL.Path, "/chunked") {
		w.(http.Flusher).Flush()
	} else {
		w.Header().Set("Content-Length", fmt.Sprint(n))
	}
	for ; n > 0; n -= 1000 {
		io.WriteString(w, strings.Repeat("x", min(n, 1000)))
	}
}

func TestLimitsOfBodiesAreExact(t *testing.T) {
	s := site(t, sized)
	run(t, func(ctx context.Context) {
		for _, size := range []int{0, 1, 27, 1000, 65535, 65536, 65537, 300_000} {
			for _, form := range []string{"", "/chunked"} {
				for _, most := range []int64{1, int64(size) - 1, int64(size), int64(size) + 1,
					math.MaxInt64 - 1, math.MaxInt64, -1, math.MinInt64, 0} {
					if most == 0 && size == 0 {
						continue
					}
					c := aiohttp.Client{MaxBody: most}
					for _, before := range []int{0, 1} {
						r, err := c.Get(ctx, fmt.Sprint(s.URL, "/", size, form))
						ok(t, err)
						read := 0
						if before > 0 && size > 0 {
							read, err = r.Read(ctx, make([]byte, before))
							ok(t, err)
						}
						body, err := r.Bytes(ctx)
						var large *http.MaxBytesError
						switch fits := most <= 0 || int64(size-read) <= most; {
						case fits && (err != nil || len(body) != size-read):
							t.Errorf("%d%s after %d with at most %d: %d bytes, %v",
								size, form, read, most, len(body), err)
						case !fits && (!errors.As(err, &large) || large.Limit != most):
							t.Errorf("%d%s after %d with at most %d: %d bytes, %v",
								size, form, read, most, len(body), err)
						}
					}
					c.Close()
				}
			}
		}
	})
}

func TestBodiesOfMoreThan8MiBAreRefusedByDefault(t *testing.T) {
	s := site(t, sized)
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		for size, fits := range map[int]bool{8 << 20: true, 8<<20 + 1: false} {
			r, err := c.Get(ctx, fmt.Sprint(s.URL, "/", size))
			ok(t, err)
			body, err := r.Text(ctx)
			var large *http.MaxBytesError
			if fits && (err != nil || len(body) != size) || !fits && !errors.As(err, &large) {
				t.Errorf("%d bytes: %v", size, err)
			}
		}
	})
}

// The bodies that are read at the same time share a bound; one of them may pass it, so that they do
// not wait for each other for ever.
func TestBodiesShareABoundOfMemory(t *testing.T) {
	const size = 200 << 10
	for _, test := range []struct{ bound, together int64 }{{size, 1}, {size + 100<<10, 1},
		{800 << 10, 3}, {1, 1}, {-1, 6}, {0, 6}} {
		virtually(t, func(ctx context.Context) {
			now, most := int64(0), int64(0)
			c := aiohttp.Client{MaxMemory: test.bound, Transport: aiohttp.Direct(aiohttp.HandlerFunc(func(
				ctx context.Context, w http.ResponseWriter, r *http.Request,
			) error {
				for sent := range size >> 10 {
					if sent == 199 { // more than fits into the buffers of a body that waits for memory
						now++
						most = max(most, now)
						defer func() { now-- }()
					}
					w.Write(make([]byte, 1<<10))
					if err := aio.Sleep(ctx, time.Millisecond); err != nil {
						return err
					}
				}
				return nil
			}))}
			defer c.Close()
			_, err := aio.Map(ctx, make([]int, 6), func(ctx context.Context, _ int) (int, error) {
				r, err := c.Get(ctx, "http://x/")
				if err != nil {
					return 0, err
				}
				body, err := r.Bytes(ctx)
				equal(t, "size", len(body), size)
				return 0, err
			})
			ok(t, err)
			if most > test.together+1 || most < min(2, test.together) {
				t.Errorf("%d bodies at a time with a bound of %d, want about %d",
					most, test.bound, test.together)
			}
		})
	}
}

func TestWhoWaitsForMemoryCanBeCancelled(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		c := aiohttp.Client{MaxMemory: 100 << 10, Transport: aiohttp.Direct(aiohttp.HandlerFunc(func(
			ctx context.Context, w http.ResponseWriter, r *http.Request,
		) error {
			w.Write(make([]byte, 150<<10))
			return aio.Sleep(ctx, time.Second)
		}))}
		defer c.Close()
		read := func(ctx context.Context) error {
			r, err := c.Get(ctx, "http://x/")
			if err == nil {
				_, err = r.Bytes(ctx)
			}
			return err
		}
		first, second, third := aio.Start(ctx, read), aio.Start(ctx, read), aio.Start(ctx, read)
		err := aio.Sleep(ctx, 500*time.Millisecond)
		ok(t, err)
		waiting := false
		for _, task := range aio.RunningLoop(ctx).Snapshot(false).Tasks {
			waiting = waiting || task.Op == "Response.Bytes"
		}
		equal(t, "one waits for memory", waiting, true)
		second.Cancel(nil)
		_, err = second.Await(ctx)
		matches(t, err, aio.ErrCancelled)
		for _, task := range []*aio.Task[aio.None]{first, third} {
			_, err := task.Await(ctx)
			ok(t, err)
		}
		ok(t, read(ctx))
		equal(t, "statistics", c.Statistics(), aiohttp.ClientStatistics{})
	})
}

func TestJSONOfAnySizeIsDecodedOffTheLoop(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		var n int
		fmt.Sscanf(r.URL.Path, "/%d", &n)
		fmt.Fprint(w, "[0", strings.Repeat(",1", n), "]")
	})
	run(t, func(ctx context.Context) {
		for _, bound := range []int64{0, 1, -1} {
			c := aiohttp.Client{MaxMemory: bound}
			for _, n := range []int{0, 1, 4000, 4095, 4096, 20_000} {
				v, err := aiohttp.GetJSON[[]int](ctx, &c, fmt.Sprint(s.URL, "/", n))
				ok(t, err)
				equal(t, "length", len(v), n+1)
			}
			_, err := aiohttp.GetJSON[[]string](ctx, &c, s.URL+"/10000?key=secret")
			if err == nil || !strings.Contains(err.Error(), "is not the JSON that was expected") ||
				strings.Contains(err.Error(), "secret") {
				t.Error(err)
			}
			c.Close()
		}
	})
}

// A body that says itself that it is too large is not waited for.
func TestABodyThatSaysItIsTooLargeIsRefusedAtOnce(t *testing.T) {
	url, _ := rawSite(t, func(string) string {
		return "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\nx"
	})
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{MaxBody: 1000}
		defer c.Close()
		r, err := c.Get(ctx, url)
		ok(t, err)
		_, err = r.Bytes(ctx)
		var large *http.MaxBytesError
		if !errors.As(err, &large) {
			t.Error(err)
		}
	})
}
