package aiohttp

import (
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/realm"
)

// Client makes HTTP requests in tasks. Its zero value is ready; set the fields before the first
// request. Requests of one client share its connections, so use one client for related requests and
// [Client.Close] it at the end. It belongs to the first loop that uses it. Python:
// aiohttp.ClientSession, httpx.AsyncClient.
type Client struct {
	// Transport makes the requests, on goroutines of its own; see also [Direct]. Default: the
	// client speaks HTTP/1.1 in the task that asks. HTTP/2, proxies and secure hosts that were not
	// asked before it leaves to a transport like [http.DefaultTransport], with which nothing of a
	// request that was cancelled goes on.
	Transport http.RoundTripper
	// TLS has the settings of secure connections. It applies to the client's own Transport only.
	// Default: those of package crypto/tls.
	TLS *tls.Config
	// Proxy names the proxy of a request, or nil; [http.ProxyURL] makes such a function. Requests
	// through a proxy are made by net/http. It excludes Reach, UnixSocket and Transport. Default:
	// that of the environment, see [http.ProxyFromEnvironment].
	Proxy func(*http.Request) (*url.URL, error)
	// UnixSocket is the path of a Unix socket that all connections are made to, whatever the host
	// in the URL: a service on the same machine, such as a container engine. It excludes Reach,
	// Proxy and Transport. Default: connections go to the host.
	UnixSocket string
	// Jar keeps cookies. Default: none are kept.
	Jar http.CookieJar
	// Header has fields for each request that lacks them. Default: none.
	Header http.Header

	// Limit is how many requests are under way at a time; the others wait for their turn. A request
	// is under way until its response has been read to the end or closed. The client keeps as many
	// idle connections. Default: 100; negative: no limit.
	Limit int
	// PerHost is how many of them may go to one host, that is scheme, name and port, in any
	// spelling. Default: no limit but Limit.
	PerHost int
	// Reach says which addresses the client connects to. It applies to the client's own Transport
	// only. With a limit that does not use the proxies of the environment, since these resolve
	// names themselves. Default: [Anywhere].
	Reach Reach
	// Timeout is the time for a whole request: its turn, redirects, further tries, and reading the
	// body. After that every wait for it returns an error that matches [context.DeadlineExceeded].
	// Default: no limit. Retry.Timeout limits one try, aio.Timeout any other step.
	Timeout time.Duration
	// ConnectTimeout is the time for a connection, from the look-up of the name to the end of the
	// TLS handshake. It applies to the client's own Transport only. Default: 30 s, of which TLS may
	// take 10.
	ConnectTimeout time.Duration
	// ReadTimeout is how long the server may be silent once it has the request: before its answer,
	// and between two pieces of the body. The error then matches [os.ErrDeadlineExceeded]. It
	// applies to the client's own Transport and to [Direct] only. Default: no limit.
	ReadTimeout time.Duration
	// Redirects is how many redirects are followed before the request fails with [ErrRedirects].
	// From http and https, redirects lead only to these two. Default: 10; negative: redirects are
	// not followed but returned like other answers.
	Redirects int
	// MaxBody is the largest body, in bytes, that is read into memory by [Response.Bytes],
	// [Response.Text] and [DecodeJSON]. A larger one is a [*http.MaxBytesError]. Default: 8 MiB;
	// negative: no limit.
	MaxBody int64
	// MaxMemory is how many bytes of bodies these three may hold at the same time. JSON that is
	// being decoded counts eight times. Further ones wait until others are done; one body may
	// exceed this bound. Default: 64 MiB; negative: no limit.
	MaxMemory int64
	// MaxLine is the longest line of [Response.Lines], in bytes. Default: 64 KiB; negative: no
	// limit.
	MaxLine int
	// Decoders undo content codings besides gzip, by their names in lower case, such as "zstd". A
	// request without an Accept-Encoding of its own offers them, the answer is decoded, and MaxBody
	// and MaxMemory count what comes out. Module aiohttp/aiocodings has those of the web. Default:
	// gzip.
	Decoders map[string]Decoder
	// Retry says whether a failed request is tried again. Default: no.
	Retry Retry

	loop      *aio.Loop
	native    *connections      // nil: Transport makes all requests
	transport http.RoundTripper // for requests that may go anywhere
	// for redirects with a narrower reach, by the most that they may reach; made when needed
	narrow    [realm.Local]http.RoundTripper
	turns     *turns
	memory    memory
	asked     map[*asking]bool // requests whose responses are not closed
	number    uint64           // of the last request
	forgotten int              // number of forgotten responses
	collected time.Time        // when the collector last ran to find them
	forget    func()           // removes the hook for the loop's end
	closed    bool
}

const (
	defaultRedirects = 10
	defaultMaxBody   = 8 << 20
	defaultMaxMemory = 64 << 20
	defaultMaxLine   = 64 << 10
)

// ClientStatistics is the result of [Client.Statistics].
type ClientStatistics struct {
	UnderWay  int // requests without a response yet, those in line included
	Waiting   int // of these, requests in line for their turn
	Open      int // responses that were neither read to the end nor closed
	Forgotten int // responses that the program has forgotten without closing them, so far
}

// Statistics returns the current state of the client.
func (c *Client) Statistics() ClientStatistics {
	s := ClientStatistics{Forgotten: c.forgotten}
	for a := range c.asked {
		if a.open {
			s.Open++
		} else {
			s.UnderWay++
		}
	}
	if c.turns != nil {
		s.Waiting = c.turns.waiting()
	}
	return s
}

// limit returns how many requests are under way at a time; negative: no limit.
func (c *Client) limit() int {
	if c.Limit == 0 {
		return defaultLimit
	}
	return c.Limit
}

// Get requests a URL with GET. See [Client.Do].
func (c *Client) Get(ctx context.Context, url string) (*Response, error) {
	return c.ask(ctx, http.MethodGet, url, "", nil)
}

// Head requests the head of the answer to [Client.Get] only. See [Client.Do].
func (c *Client) Head(ctx context.Context, url string) (*Response, error) {
	return c.ask(ctx, http.MethodHead, url, "", nil)
}

// Post sends a body. See [Client.Do] for the kinds of body.
func (c *Client) Post(
	ctx context.Context, url, contentType string, body io.Reader,
) (*Response, error) {
	return c.ask(ctx, http.MethodPost, url, contentType, body)
}

// PostForm sends the values of a form. See [Client.Do].
func (c *Client) PostForm(ctx context.Context, url string, form url.Values) (*Response, error) {
	return c.ask(ctx, http.MethodPost, url, "application/x-www-form-urlencoded",
		strings.NewReader(form.Encode()))
}

func (c *Client) ask(
	ctx context.Context, method, url, contentType string, body io.Reader,
) (*Response, error) {
	req, err := newRequest(method, url, body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return c.do(ctx, req, req)
}

// Do makes a request and returns the response as soon as its head is there. The response has to be
// read to the end or closed. Every answer is a response, whatever its status; [Response.Check]
// turns a status of 400 or above into an error. Without an answer the error is a [*url.Error], as
// from net/http, but without user information and values of the query. If there were several tries,
// it wraps a [*TriesError]. ctx governs the request until the response is closed; the context in
// req is ignored. Names of header fields count in any spelling.
//
// The body of req is read on another goroutine, unless it is one of package bytes or strings, and
// for a moment perhaps after Do has failed: it must not wait for the loop, nor belong to it. It is
// closed in any case. A body that is to be sent again, after some redirects or in a further try,
// needs req.GetBody, which [http.NewRequest] sets for readers of bytes and strings. What a task
// produces is sent by [Client.Upload].
//
// Cancellation: the request is given up in any stage: it leaves the line, or its connection is
// closed. It is unknown whether the server has handled it.
func (c *Client) Do(ctx context.Context, req *http.Request) (*Response, error) {
	if req == nil || req.URL == nil {
		panic("aiohttp: Client.Do: the request is nil, or its URL is; make it with http.NewRequest")
	}
	return c.do(ctx, req, nil)
}

// do is Do with a copy of the request, or nil.
func (c *Client) do(ctx context.Context, req, first *http.Request) (*Response, error) {
	if err := c.begin(ctx); err != nil {
		closeBody(req)
		return nil, urlError(req.Method, req.URL, err)
	}
	scope, cancel := aio.WithCancelCause(ctx)
	c.number++
	if first == nil {
		copied := *req
		first = &copied
		first.URL = cloneURL(req.URL)
	}
	a := &asking{
		c:      c,
		from:   ctx,
		task:   c.loop.CurrentTask(),
		ctx:    scope,
		cancel: cancel,
		number: c.number,
		method: method(req),
		url:    first.URL,
	}
	if c.loop.Debug() {
		a.site = callSite()
	}
	c.asked[a] = true
	if c.Timeout > 0 {
		a.timer = c.loop.CallLater(c.Timeout, func() { cancel(&timeoutError{after: c.Timeout}) })
	}
	kept := false
	defer func() {
		if !kept {
			a.end(nil)
		}
	}()
	a.carried = newCarried(headerOf(req.Header, c.Header), c.Jar != nil)
	r, err := a.tries(first)
	if err != nil {
		if late := a.late(); late != nil && errtree.Is(err, late) {
			err = urlError(req.Method, req.URL, late)
		}
		return nil, a.counted(err)
	}
	kept = true
	return r, nil
}

// begin prepares the client for its loop.
func (c *Client) begin(ctx context.Context) error {
	loop := aio.RunningLoop(ctx)
	if c.closed {
		return ErrClosed
	}
	if c.loop != nil {
		if c.loop != loop {
			panic("aiohttp: Client.Do: the client belongs to another loop; make one for each loop")
		}
		return nil
	}
	if _, ok := c.Transport.(*direct); c.Transport != nil && !ok && c.Reach != Anywhere {
		panic("aiohttp: Client.Do: Reach cannot be kept with a Transport of your own; " +
			"let its dialer refuse addresses")
	}
	c.mustFit()
	c.loop = loop
	c.turns = newTurns(c)
	c.memory.limit = cmp.Or(c.MaxMemory, defaultMaxMemory)
	c.asked = map[*asking]bool{}
	c.transport = c.Transport
	switch t := c.Transport.(type) {
	case nil:
		c.transport = c.newTransport(realm.Local)
		c.native = newConnections(c)
		c.native.inLoop = isSimulated(ctx)
	case *direct:
		c.native = newConnections(c)
		c.native.inLoop = true
		c.native.server = newDirectServer(loop, t.h)
	}
	c.forget = loop.OnClose(c.abandon)
	return nil
}

// mustFit panics for settings of which one would be ignored.
func (c *Client) mustFit() {
	switch own := c.UnixSocket != ""; {
	case own && c.Proxy != nil:
		panic("aiohttp: Client.Do: UnixSocket and Proxy exclude each other; set one")
	case (own || c.Proxy != nil) && c.Reach != Anywhere:
		panic("aiohttp: Client.Do: Reach cannot be kept with a Proxy or a UnixSocket; " +
			"use a client of its own for these")
	case (own || c.Proxy != nil) && c.Transport != nil:
		panic("aiohttp: Client.Do: Proxy and UnixSocket are for the client's own Transport; " +
			"set them in yours")
	case c.ConnectTimeout < 0 || c.ReadTimeout < 0:
		panic("aiohttp: Client.Do: a time-out is negative; 0 is the default")
	}
}

// connectTime returns the limits for the connection and for its handshake.
func (c *Client) connectTime() (all, handshake time.Duration) {
	if d := c.ConnectTimeout; d > 0 {
		return d, d
	}
	return dialTime, handshakeTime
}

// within returns the transport for requests that may reach a realm.
func (c *Client) within(most realm.Realm) http.RoundTripper {
	if most == realm.Local || c.Transport != nil {
		return c.transport
	}
	if c.narrow[most] == nil {
		c.narrow[most] = c.newTransport(most)
	}
	return c.narrow[most]
}

// abandon is called when the loop closes: no task can read or close a response any more.
func (c *Client) abandon() {
	c.Close()
	open := slices.SortedFunc(maps.Keys(c.asked), func(a, b *asking) int {
		return cmp.Compare(a.number, b.number)
	})
	for _, a := range open {
		if a.open && c.loop.Debug() {
			a.warn("aiohttp: the loop was closed before a response. Call Response.Close in a defer")
		}
		a.end(nil)
	}
	if c.native != nil {
		c.native.abortAll()
	}
}

// Close closes idle connections, and the others when their requests are done. Later requests fail
// with [ErrClosed]. It never waits. Loop only, or after the loop's end; a loop that closes closes
// its clients.
func (c *Client) Close() {
	if c.closed {
		return
	}
	c.closed = true
	if c.loop == nil {
		return
	}
	c.forget()
	if c.native != nil {
		c.native.CloseIdleConnections()
	}
	for _, t := range append(c.narrow[:], c.transport) {
		if t, ok := t.(interface{ CloseIdleConnections() }); ok {
			t.CloseIdleConnections() // it keeps none until it is used again
		}
	}
}
