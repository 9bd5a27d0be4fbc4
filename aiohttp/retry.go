package aiohttp

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/goid"
	"github.com/aio-go/aio/transport"
)

// Retry says whether and when a [Client] tries again. It does so only if a repetition is harmless:
// for idempotent methods (GET, HEAD, OPTIONS, TRACE, PUT, DELETE) or requests with a field
// Idempotency-Key, if the body can be sent again. The reasons are a failed connection, or status
// 408, 429, 502, 503 or 504. A time-out of the client or of the caller ends the tries.
type Retry struct {
	// Attempts is the number of tries in all, the first included. Default: 1, so there is no
	// further one.
	Attempts int
	// Backoff returns how long to wait before a further try; the first further one is 1. Default:
	// Exponential(100 ms, 5 s).
	Backoff func(try int) time.Duration
	// MaxWait is the longest wait that a server may demand in its field Retry-After. If a server
	// wants more, its answer is returned as it is. Default: 30 s.
	MaxWait time.Duration
	// Timeout is how long one try may take until the head of its answer is there, redirects
	// included. Waiting for its turn does not count. A try that is late counts as a failed
	// connection. Default: no limit.
	Timeout time.Duration
	// Before is called before each try, also the first and only one, in the task of the call. It
	// may wait, and that time does not count for Timeout. If it returns an error the call ends with
	// that. A rate limiter has its place here, since around the call it counts all tries as one:
	// Retry{Before: limiter.Acquire}. Default: none.
	Before func(ctx context.Context) error
}

// Exponential returns a back-off that begins around first, doubles with each try and ends at most.
// Each wait is random, between half of that and all of it, so that clients that failed together do
// not return together. A [Client] takes the random numbers from its loop, so runs under a virtual
// clock do not differ; see [aio.Loop.Rand].
func Exponential(first, most time.Duration) func(try int) time.Duration {
	return func(try int) time.Duration {
		d := most
		if shift := max(0, try-1); shift < 32 && first<<shift < most && first<<shift > 0 {
			d = first << shift
		}
		if d <= 1 {
			return d
		}
		n := uint64(d - d/2)
		if r, ok := chance.Load(goid.Self()); ok {
			return d/2 + time.Duration(r.(*rand.Rand).Uint64N(n+1))
		}
		return d/2 + time.Duration(rand.Uint64N(n+1))
	}
}

// chance holds the random numbers for a back-off, by the goroutine of the call: the function that
// Exponential returns gets nothing but the try.
var chance sync.Map

// tries makes a request until it has a final answer.
func (a *asking) tries(first *http.Request) (*Response, error) {
	retry := a.c.Retry
	if !idempotent(first, a.header) || !replayable(first) {
		retry.Attempts = 1
	}
	first.Header = a.header
	for {
		req := first
		if a.count > 0 {
			copied := *first
			req = &copied
			if req.GetBody != nil { // the first try uses the caller's body
				var err error
				if req.Body, err = req.GetBody(); err != nil {
					return nil, urlError(req.Method, req.URL, err)
				}
			}
		}
		if retry.Before != nil {
			if err := retry.Before(a.ctx); err != nil {
				if req.Body != nil {
					req.Body.Close()
				}
				return nil, err
			}
		}
		t := a.newTry()
		again, more := isFinal, a.count < retry.Attempts
		if more {
			again = retry.worthAt(a.c.loop.Time())
		}
		x, last, history, err := t.follow(req, again)
		if late := lateness(t.ctx); err != nil && late != nil && a.late() == nil {
			err = urlError(req.Method, last.URL, late)
		}
		var wait time.Duration
		switch {
		case err == nil && !again(x.resp):
			return x.response(last, history), nil
		case err == nil:
			x.close()
			t.answered(x.resp)
			var demanded bool
			if wait, demanded = retryAfter(x.resp.Header, a.c.loop.Time()); !demanded {
				wait = a.backoff()
			}
		case !more || a.ctx.Err() != nil || !passing(err):
			return nil, err
		default:
			wait = a.backoff()
		}
		t.end(nil)
		if err := aio.Sleep(a.ctx, wait); err != nil {
			return nil, err
		}
	}
}

// idempotent reports whether doing req twice has the same effect as doing it once.
func idempotent(req *http.Request, header http.Header) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut,
		http.MethodDelete:
		return true
	}
	return header.Get("Idempotency-Key") != "" || header.Get("X-Idempotency-Key") != ""
}

// isFinal is the rule of the last try: its answer is returned, whatever it is.
func isFinal(*http.Response) (again bool) { return false }

// worthAt returns worth for an answer that arrives at about now, to be called on any goroutine.
func (r Retry) worthAt(now time.Time) func(*http.Response) bool {
	return func(resp *http.Response) bool { return r.worth(resp, now) }
}

// worth reports whether a later try may have a better answer than resp, which arrived at about now.
func (r Retry) worth(resp *http.Response, now time.Time) bool {
	if !mayPass(resp.StatusCode) {
		return false
	}
	most := r.MaxWait
	if most == 0 {
		most = 30 * time.Second
	}
	demanded, _ := retryAfter(resp.Header, now)
	return demanded <= most
}

// mayPass reports whether a status may be another one a moment later.
func mayPass(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// passing reports whether an error may be gone a moment later: if the connection failed, and not
// the name, the certificate or the protocol.
func passing(err error) bool {
	if errtree.Is(err, ErrReach) {
		return false
	}
	if name, ok := errtree.As[*net.DNSError](err); ok {
		return !name.IsNotFound
	}
	if op, ok := errtree.As[*net.OpError](err); ok {
		return op.Op != "remote error" && op.Op != "local error" // of TLS
	}
	if errtree.Is(err, transport.ErrHandshakeInterrupted) {
		return true
	}
	return errtree.Is(err, io.EOF) || errtree.Is(err, io.ErrUnexpectedEOF) || isTimeout(err)
}

// backoff returns how long to wait after the try that failed last.
func (a *asking) backoff() time.Duration {
	fn := a.c.Retry.Backoff
	if fn == nil {
		fn = Exponential(100*time.Millisecond, 5*time.Second)
	}
	self := goid.Self()
	chance.Store(self, a.c.loop.Rand())
	defer chance.Delete(self)
	return fn(a.count)
}

// retryAfter reads the field Retry-After: seconds, or a point in time. That is compared with the
// server's own clock if the answer shows it, and otherwise with the loop's.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	text := h.Get("Retry-After")
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second, true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
		now = theirs
	}
	return max(0, at.Sub(now)), true
}

// replayable reports whether the body of req can be sent again.
func replayable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}
