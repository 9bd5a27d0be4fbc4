package aiohttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

func TestATryThatIsLateIsFollowedByAnother(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		n := 0
		c := aiohttp.Client{Transport: aiohttp.Direct(aiohttp.HandlerFunc(func(
			ctx context.Context, w http.ResponseWriter, r *http.Request,
		) error {
			if n++; n < 3 {
				return aio.Sleep(ctx, time.Hour)
			}
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			w.(http.Flusher).Flush()
			if err := aio.Sleep(ctx, time.Minute); err != nil { // the body may take longer
				return err
			}
			io.WriteString(w, "well")
			return nil
		})), Retry: aiohttp.Retry{Attempts: 3, Timeout: 2 * time.Second, Backoff: seconds}}
		defer c.Close()
		began := aio.RunningLoop(ctx).Time()
		r, err := c.Get(ctx, "http://x/")
		ok(t, err)
		equal(t, "tries", r.Tries, 3)
		equal(t, "time", aio.RunningLoop(ctx).Time().Sub(began), (2+1+2+2+1)*time.Second)
		equal(t, "body", text(ctx, t, r, nil), "well")
		n = -100
		_, err = c.Get(ctx, "http://x/?key=secret")
		matches(t, err, context.DeadlineExceeded)
		equal(t, "error", err.Error(),
			`Get "http://x/?key=xxxxx": aiohttp: no answer within 2s, the time for one try`)
		var fault *url.Error
		if !errors.As(err, &fault) || !fault.Timeout() || errors.Is(err, aio.ErrCancelled) {
			t.Errorf("%#v is no time-out of net/url", err)
		}
		var tries *aiohttp.TriesError
		if !errors.As(err, &tries) || tries.Tries != 3 {
			t.Errorf("%#v", err)
		}
	})
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/slow", http.StatusFound)
			return
		}
		<-r.Context().Done()
	})
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{Retry: aiohttp.Retry{
			Attempts: 2,
			Timeout:  30 * time.Millisecond,
			Backoff:  noWait,
		}}
		defer c.Close()
		_, err := c.Get(ctx, s.URL)
		matches(t, err, context.DeadlineExceeded)
		if !strings.Contains(err.Error(), "aiohttp: no answer within 30ms") {
			t.Error(err)
		}
		equal(t, "statistics", c.Statistics(), aiohttp.ClientStatistics{})
	})
}

// The time for one try does not run while it waits for its turn.
func TestTheLineIsNoPartOfATry(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		c := aiohttp.Client{Limit: 1, Retry: aiohttp.Retry{Timeout: 1500 * time.Millisecond},
			Transport: aiohttp.Direct(aiohttp.HandlerFunc(func(
				ctx context.Context, w http.ResponseWriter, r *http.Request,
			) error {
				if r.URL.Path == "/first" {
					http.Redirect(w, r, "/second", http.StatusFound)
				}
				return aio.Sleep(ctx, time.Second)
			}))}
		defer c.Close()
		got, err := aio.MapSettled(ctx, []string{"/", "/", "/", "/first"},
			func(ctx context.Context, path string) (int, error) {
				r, err := c.Get(ctx, "http://x"+path)
				if err != nil {
					return 0, err
				}
				_, err = r.Bytes(ctx)
				return r.Tries, err
			})
		ok(t, err)
		for i, o := range got[:3] {
			if o.Err != nil || o.Value != 1 {
				t.Errorf("request %d: %+v", i, o)
			}
		}
		matches(t, got[3].Err, context.DeadlineExceeded) // redirects are: two hops of a second
		var tries *aiohttp.TriesError
		if errors.As(got[3].Err, &tries) {
			t.Error(tries)
		}
	})
}

func TestResponsesAndErrorsCountTheTries(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		var calls []string
		c := aiohttp.Client{
			Transport: aiohttp.Direct(flaky(&calls, 503, 503, 503)),
			Retry:     aiohttp.Retry{Attempts: 3},
		}
		defer c.Close()
		r, err := c.Get(ctx, "http://x/")
		ok(t, err)
		var status *aiohttp.StatusError
		if err := r.Check(ctx); !errors.As(err, &status) || status.Tries != 3 {
			t.Errorf("%+v", status)
		}
		r, err = c.Get(ctx, "http://x/")
		ok(t, err)
		equal(t, "tries of one that is well at once", r.Tries, 1)
		r.Close()
	})
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{Retry: aiohttp.Retry{Attempts: 3, Backoff: noWait}}
		defer c.Close()
		_, err := c.Get(ctx, "http://127.0.0.1:1/")
		var tries *aiohttp.TriesError
		if !errors.As(err, &tries) || tries.Tries != 3 ||
			!strings.HasPrefix(err.Error(), `Get "http://127.0.0.1:1/": dial tcp`) {
			t.Error(err)
		}
	})
}

// The random part of the back-off is the same in each run under a virtual clock, for the default
// and for Exponential, and differs between runs by the machine's.
func TestRunsUnderAVirtualClockDoNotDiffer(t *testing.T) {
	shared := aiohttp.Exponential(time.Second, time.Minute)
	for name, backoff := range map[string]func(int) time.Duration{
		"default":     nil,
		"Exponential": shared,
		"wrapped":     func(try int) time.Duration { return shared(try) + 1 },
	} {
		waits := func() (all []time.Duration) {
			virtually(t, func(ctx context.Context) {
				var at []time.Time
				c := aiohttp.Client{Retry: aiohttp.Retry{
					Attempts: 8,
					Backoff:  backoff,
				}, Transport: aiohttp.Direct(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					at = append(at, aio.RunningLoop(r.Context()).Time())
					w.WriteHeader(503)
				}))}
				defer c.Close()
				r, err := c.Get(ctx, "http://x/")
				ok(t, err)
				r.Close()
				for i := 1; i < len(at); i++ {
					all = append(all, at[i].Sub(at[i-1]))
				}
			})
			return all
		}
		first := waits()
		equalSlices(t, name, waits(), first)
		equal(t, name+": waits", len(first), 7)
	}
	a, b := fmt.Sprint(shared(20), shared(20), shared(20)),
		fmt.Sprint(shared(20), shared(20), shared(20))
	if a == b {
		t.Error("outside of a client the numbers are always the same: ", a)
	}
}

// A point in time is compared with the loop's clock where the server does not tell its own.
func TestRetryAfterIsByTheClockOfTheLoop(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		c := aiohttp.Client{Retry: aiohttp.Retry{
			Attempts: 2,
			Backoff:  seconds,
		}, Transport: aiohttp.Direct(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if loop.Time().Equal(began) {
				w.Header().Set("Retry-After", began.Add(7*time.Second).UTC().Format(http.TimeFormat))
				w.WriteHeader(503)
			}
		}))}
		defer c.Close()
		r, err := c.Get(ctx, "http://x/")
		text(ctx, t, r, err)
		equal(t, "time", loop.Time().Sub(began), 7*time.Second)
	})
}

func TestExponentialTakesAnyNumbers(t *testing.T) {
	const most = 1<<63 - 1
	for _, first := range []time.Duration{-1, 0, 1, most} {
		for _, limit := range []time.Duration{-1, 0, 1, 2, most} {
			for _, try := range []int{-1, 0, 1, 2, 62, 63, 64, math.MaxInt} {
				if d := aiohttp.Exponential(first, limit)(try); d > limit || d < min(limit, 0) {
					t.Errorf("Exponential(%d, %d)(%d) is %d", first, limit, try, d)
				}
			}
		}
	}
}

func TestALineThatIsTooLongComesWithItsBeginning(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "12345\n1234567\nlast")
	})
	for most, want := range map[int]string{
		0:  "",
		-1: "",
		8:  "",
		7:  "1234567",
		6:  "123456",
		5:  "12345",
		1:  "1",
	} {
		virtually(t, func(ctx context.Context) {
			c := aiohttp.Client{Transport: aiohttp.Direct(h), MaxLine: most}
			defer c.Close()
			r, err := c.Get(ctx, "http://x/")
			ok(t, err)
			defer r.Close()
			var lines []string
			failed := false
			for line, err := range r.Lines(ctx) {
				if err != nil {
					matches(t, err, bufio.ErrTooLong)
					equal(t, fmt.Sprint("the beginning with a limit of ", most), string(line), want)
					failed = true
				}
				lines = append(lines, string(line))
			}
			equal(t, fmt.Sprint("failed with a limit of ", most), failed, want != "")
			rest, err := r.Text(ctx)
			ok(t, err)
			equal(t, "lines and the rest", strings.Join(lines, "")+rest, "12345\n1234567\nlast")
		})
	}
}

func TestWhatCameOfALineIsNotLost(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "first\nsecond, tor")
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, s.URL)
		ok(t, err)
		var got []string
		for line, err := range r.Lines(ctx) {
			got = append(got, fmt.Sprintf("%s %v", line, errors.Is(err, io.ErrUnexpectedEOF)))
		}
		equalSlices(t, "lines", got, []string{"first\n false", "second, tor true"})
	})
	virtually(t, func(ctx context.Context) {
		c := aiohttp.Client{Transport: aiohttp.Direct(aiohttp.HandlerFunc(func(
			ctx context.Context, w http.ResponseWriter, r *http.Request,
		) error {
			io.WriteString(w, "begun")
			w.(http.Flusher).Flush()
			return aio.Sleep(ctx, time.Hour)
		}))}
		defer c.Close()
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			r, err := c.Get(ctx, "http://x/")
			ok(t, err)
			for line, err := range r.Lines(ctx) {
				equal(t, "beginning", string(line), "begun")
				return err
			}
			return nil
		})
		matches(t, err, context.DeadlineExceeded)
	})
}
