package aiohttp

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/aio-go/aio"
)

// Retry says whether and when a [Client] tries again. It does so only if that cannot do anything twice: for methods that are idempotent (GET, HEAD, OPTIONS, TRACE,
// PUT, DELETE) or requests with a field Idempotency-Key, if the body can be sent again; after a connection failed, or the status was 408,
// 429, 502, 503 or 504. A time-out of the client or of the caller ends the tries.
type Retry struct {
	// Attempts is how many tries there are in all, the first included. Default: 1, so there is no further one.
	Attempts int
	// Backoff says how long to wait before a further try, the first of which is 1. Default: Exponential(100 ms, 5 s).
	Backoff func(try int) time.Duration
	// MaxWait is the longest time to wait on demand of a server, in its field Retry-After. If one wants more, its answer is returned as it
	// is. Default: 30 s.
	MaxWait time.Duration
}

// Exponential returns a back-off that begins around first, doubles with each try and ends at most. Each wait is a random one between half
// of that and all of it, so that many who failed together do not come back together.
func Exponential(first, most time.Duration) func(try int) time.Duration {
	return func(try int) time.Duration {
		d := most
		if shift := try - 1; shift < 32 && first<<shift < most && first<<shift > 0 {
			d = first << shift
		}
		if d <= 1 {
			return d
		}
		return d/2 + rand.N(d-d/2+1)
	}
}

// tries makes a request until it has an answer to keep.
func (a *asking) tries(req *http.Request) (*Response, error) {
	retry := a.c.Retry
	if !idempotent(req) || !replayable(req) {
		retry.Attempts = 1
	}
	for try := 1; ; try++ {
		attempt := req
		if retry.Attempts > 1 {
			var err error
			if attempt, err = clone(req); err != nil {
				return nil, urlError(req.Method, req.URL, err)
			}
		}
		again := func(resp *http.Response) bool { return try < retry.Attempts && retry.worth(resp) }
		x, last, history, err := a.follow(attempt, again)
		var wait time.Duration
		switch {
		case err == nil && !again(x.resp):
			return a.response(x, last, history), nil
		case err == nil:
			x.close()
			var demanded bool
			if wait, demanded = retryAfter(x.resp.Header); !demanded {
				wait = retry.backoff(try)
			}
		case try >= retry.Attempts || a.ctx.Err() != nil || !passing(err):
			return nil, err
		default:
			wait = retry.backoff(try)
		}
		if err := aio.Sleep(a.ctx, wait); err != nil {
			return nil, err
		}
	}
}

// idempotent reports whether doing req twice does no more than doing it once.
func idempotent(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return req.Header.Get("Idempotency-Key") != ""
}

// worth reports whether a later try may have a better answer. It runs on any goroutine.
func (r Retry) worth(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
	default:
		return false
	}
	most := r.MaxWait
	if most == 0 {
		most = 30 * time.Second
	}
	demanded, _ := retryAfter(resp.Header)
	return demanded <= most
}

// passing reports whether an error is of a kind that may be gone a moment later: the connection failed, and not the name, the certificate
// or the protocol.
func passing(err error) bool {
	var name *net.DNSError
	if errors.As(err, &name) {
		return !name.IsNotFound
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Op != "remote error" && op.Op != "local error" // of TLS
	}
	var timeout net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &timeout) && timeout.Timeout()
}

func (r Retry) backoff(try int) time.Duration {
	if r.Backoff == nil {
		return Exponential(100*time.Millisecond, 5*time.Second)(try)
	}
	return r.Backoff(try)
}

// retryAfter reads the field of that name: seconds, or a point in time, which is compared with the server's own clock if it shows that.
func retryAfter(h http.Header) (time.Duration, bool) {
	text := h.Get("Retry-After")
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second, true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(0, at.Sub(now)), true
}
