package aiohttp

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
)

// Client makes HTTP requests in tasks. Its zero value is ready; set the fields before the first request. Requests of one client share its
// connections, so make one for what belongs together and [Client.Close] it at the end. It belongs to the first loop that uses it. It stands for
// aiohttp.ClientSession and httpx.AsyncClient.
type Client struct {
	// Transport makes the requests, on goroutines of its own; see also [Direct]. Default: one like [http.DefaultTransport], which the client
	// owns, with which nothing of a request that was cancelled goes on.
	Transport http.RoundTripper
	// TLS has the settings of secure connections. It is for the client's own Transport only. Default: those of package crypto/tls.
	TLS *tls.Config
	// Jar keeps cookies. Default: none are kept.
	Jar http.CookieJar
	// Header is sent with each request that does not have such fields itself. Default: none.
	Header http.Header

	// Limit is how many requests are under way at a time; the others wait for their turn. A request is under way until its response was
	// read to the end or closed. Default: 100; negative: no limit.
	Limit int
	// PerHost is how many of them may be to one host, which is scheme, name and port. Default: no limit but Limit.
	PerHost int
	// Timeout is the time for a request with everything that belongs to it: its turn, redirects, further tries, reading the body. After
	// that whatever waits for it gets an error that matches [context.DeadlineExceeded]. Default: no limit. For single steps use aio.Timeout.
	Timeout time.Duration
	// Redirects is how many redirects are followed before the request fails with [ErrRedirects]. Default: 10; negative: none are followed,
	// they are answers like others.
	Redirects int
	// MaxBody is the largest body, in bytes, that is read into memory by [Response.Bytes], [Response.Text] and [DecodeJSON]. A larger one is
	// a [*http.MaxBytesError]. Default: 64 MiB; negative: no limit.
	MaxBody int64
	// Retry says whether a request that failed is tried again. Default: no.
	Retry Retry

	loop   *aio.Loop
	http   *http.Client
	turns  *turns
	asked  map[*asking]bool // requests whose responses are not closed
	forget func()           // the loop's end
	closed bool
}

const (
	defaultRedirects = 10
	defaultMaxBody   = 64 << 20
)

// Get asks for a URL. See [Client.Do].
func (c *Client) Get(ctx context.Context, url string) (*Response, error) {
	return c.ask(ctx, http.MethodGet, url, "", nil)
}

// Head asks for the head of the answer to [Client.Get] alone. See [Client.Do].
func (c *Client) Head(ctx context.Context, url string) (*Response, error) {
	return c.ask(ctx, http.MethodHead, url, "", nil)
}

// Post sends a body. See [Client.Do] for what body may be.
func (c *Client) Post(ctx context.Context, url, contentType string, body io.Reader) (*Response, error) {
	return c.ask(ctx, http.MethodPost, url, contentType, body)
}

// PostForm sends what a form would. See [Client.Do].
func (c *Client) PostForm(ctx context.Context, url string, form url.Values) (*Response, error) {
	return c.ask(ctx, http.MethodPost, url, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

func (c *Client) ask(ctx context.Context, method, url, contentType string, body io.Reader) (*Response, error) {
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return c.Do(ctx, req)
}

// Do makes a request and returns the response as soon as its head is there. The response has to be read to the end or closed. Every answer
// is a response, whatever its status; [Response.Check] makes an error of one that is no success. Without an answer the error is a [*url.Error], as
// from net/http. ctx governs the request until the response is closed; the context in req is not looked at.
//
// The body of req is read on another goroutine, for a moment perhaps after Do has failed: it must not wait for the loop, nor belong to it. A body that is to be sent again, after some redirects or in a further
// try, needs req.GetBody, which [http.NewRequest] sets for readers of bytes and strings. What a task produces is sent by [Client.Upload].
//
// Cancellation: the request is given up: it leaves the line, or its connection is closed, whatever stage it is in. Whether the server has
// done what was asked cannot be known.
func (c *Client) Do(ctx context.Context, req *http.Request) (*Response, error) {
	if req == nil || req.URL == nil {
		panic("aiohttp: Client.Do: the request is nil, or its URL is; make it with http.NewRequest")
	}
	if err := c.begin(ctx); err != nil {
		return nil, urlError(req.Method, req.URL, err)
	}
	scope, cancel := aio.WithCancelCause(ctx)
	a := &asking{c: c, ctx: scope, life: lifetime{scope}, cancel: cancel}
	c.asked[a] = true
	if c.Timeout > 0 {
		a.timer = c.loop.CallLater(c.Timeout, func() { cancel(&timeoutError{c.Timeout}) })
	}
	kept := false
	defer func() {
		if !kept {
			a.end(nil)
		}
	}()
	req = req.Clone(a.life)
	if req.Header == nil {
		req.Header = http.Header{}
	}
	for name, values := range c.Header {
		if _, own := req.Header[name]; !own {
			req.Header[name] = values
		}
	}
	r, err := a.tries(req)
	if err != nil {
		if late := a.late(); late != nil && errors.Is(err, late) {
			return nil, urlError(req.Method, req.URL, late)
		}
		return nil, err
	}
	kept = true
	return r, nil
}

// begin makes the client ready for the loop it belongs to.
func (c *Client) begin(ctx context.Context) error {
	loop := aio.LoopFor(ctx, "aiohttp.Client.Do")
	if c.closed {
		return ErrClosed
	}
	if c.loop != nil {
		if c.loop != loop {
			panic("aiohttp: Client.Do: the client belongs to another loop; make one for each loop")
		}
		return nil
	}
	c.loop = loop
	c.turns = newTurns(c.Limit, c.PerHost)
	c.asked = map[*asking]bool{}
	t := c.Transport
	if t == nil {
		t = newTransport(c.TLS)
	}
	c.http = &http.Client{Transport: t, Jar: c.Jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	c.forget = loop.OnClose(c.abandon)
	return nil
}

// abandon is called when the loop closes: nobody can read or close a response any more.
func (c *Client) abandon() {
	c.Close()
	for a := range c.asked { // in any order: it cannot be seen
		a.end(nil)
	}
}

// Close closes the connections that no request uses, and the others when their request is done. Requests from now on fail with [ErrClosed].
// It never waits. Loop only, or after the loop's end; a loop that is closed closes its clients.
func (c *Client) Close() {
	if c.closed {
		return
	}
	c.closed = true
	if c.loop == nil {
		return
	}
	c.forget()
	c.http.CloseIdleConnections() // a transport whose idle connections were closed keeps none until it is used again
}

// asking is one call of Do, until its response is closed.
type asking struct {
	c      *Client
	ctx    context.Context // ends with the request; for waits
	life   lifetime        // the same for net/http
	cancel context.CancelCauseFunc
	timer  *aio.TimerHandle
}

// end ends everything that goes on for the request.
func (a *asking) end(cause error) {
	delete(a.c.asked, a)
	if a.timer != nil {
		a.timer.Cancel()
	}
	a.cancel(cause)
}

// late returns the time-out of the client if that has ended the request.
func (a *asking) late() error {
	var late *timeoutError
	if errors.As(context.Cause(a.ctx), &late) {
		return late
	}
	return nil
}

// hop makes one request, in its turn, and returns the answer. If discard says so its body has been closed.
func (a *asking) hop(req *http.Request, discard func(*http.Response) bool) (*answer, error) {
	done, err := a.c.turns.take(a.ctx, req.URL.Scheme+"://"+req.URL.Host)
	if err != nil {
		return nil, err
	}
	if d, ok := a.c.Transport.(*direct); ok {
		return d.ask(a, req, done)
	}
	x := &answer{done: done}
	handed := false
	defer func() {
		if !handed {
			x.abandon(a)
		}
	}()
	if _, err = aio.ToThread(a.ctx, func(context.Context) (aio.None, error) {
		x.ask(a, req, discard)
		return aio.None{}, nil
	}, unbounded); err != nil {
		return nil, err
	}
	handed = true
	if x.err != nil {
		done()
		return nil, urlError(req.Method, req.URL, x.err)
	}
	if x.discarded {
		done()
	}
	return x, nil
}

// unbounded keeps a call of ToThread out of the limit for all such calls: the client has its own.
var unbounded *aio.Limiter

// answer is what became of a request.
type answer struct {
	resp      *http.Response
	err       error
	discarded bool
	done      func() // ends its turn

	state atomic.Int32 // who has it: see below
}

// An answer is the goroutine's until it is delivered, then the task's. One that is abandoned before stays with the goroutine, which closes it.
const (
	asked = iota
	delivered
	abandoned
)

// ask is the part of a goroutine.
func (x *answer) ask(a *asking, req *http.Request, discard func(*http.Response) bool) {
	defer func() {
		if x.state.CompareAndSwap(asked, delivered) {
			return
		}
		if x.resp != nil {
			x.resp.Body.Close()
		}
		a.c.loop.CallSoonThreadsafe(x.done)
	}()
	x.resp, x.err = a.c.http.Do(req)
	if x.err == nil && discard(x.resp) {
		io.CopyN(io.Discard, x.resp.Body, 2<<10) // if that is all, the connection can be used again
		x.resp.Body.Close()
		x.discarded = true
	}
}

// abandon gives the request up; the goroutine ends as soon as net/http has noticed.
func (x *answer) abandon(a *asking) {
	a.end(nil)
	if !x.state.CompareAndSwap(asked, abandoned) {
		x.close()
	}
}

// close closes the body, if that has not been done, and ends the turn.
func (x *answer) close() {
	if !x.discarded && x.resp != nil {
		x.discarded = true
		if at, ok := x.resp.Body.(*directBody); ok {
			at.Close()
		} else {
			go x.resp.Body.Close() // may wait for the peer, if the connection is a secure one
		}
	}
	x.done()
}

// clone returns a request like req for another try.
func clone(req *http.Request) (*http.Request, error) {
	next := req.Clone(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		next.Body = body
	}
	return next, nil
}

// replayable reports whether the body of req can be sent again.
func replayable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// copyHeader copies the fields of a header without those named.
func copyHeader(h http.Header, without ...string) http.Header {
	h = maps.Clone(h)
	for _, name := range without {
		delete(h, name)
	}
	return h
}
