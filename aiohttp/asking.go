package aiohttp

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/realm"
)

// asking is one call of Do, until its response is closed.
type asking struct {
	c      *Client
	from   context.Context // of the call
	task   aio.AnyTask     // the one that has made it
	ctx    context.Context // ends with the request; for waits
	cancel context.CancelCauseFunc
	timer  *aio.TimerHandle

	number uint64 // in the order of Do
	method string
	url    *url.URL // of the first request
	site   string   // in debug mode: where Do was called
	host   string   // the host whose place it has, if places are counted by host
	open   bool     // the response is with the program
	ended  bool     // end was called
	count  int      // tries
	carried
}

// String shows the request, and in debug mode where it was made.
func (a *asking) String() string {
	text := a.method + " " + showURL(a.url)
	if a.site != "" {
		text += " at " + a.site
	}
	return text
}

// end ends all work for the request.
func (a *asking) end(cause error) {
	if a.ended {
		return
	}
	a.open, a.ended = false, true
	delete(a.c.asked, a)
	if a.timer != nil {
		a.timer.Cancel()
	}
	a.cancel(cause)
}

// isFrom reports whether a call with ctx in this task ends with the request: it was made with the
// same context, in the same task.
func (a *asking) isFrom(ctx context.Context) bool {
	return reflect.TypeOf(ctx).Kind() == reflect.Pointer && ctx == a.from &&
		a.c.loop.CurrentTask() == a.task
}

// late returns the client's time-out if that has ended the request.
func (a *asking) late() error { return lateness(a.ctx) }

func lateness(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	if late, ok := errtree.As[*timeoutError](context.Cause(ctx)); ok {
		return late
	}
	return nil
}

func (a *asking) warn(message string) {
	attrs := []slog.Attr{slog.String("request", a.method+" "+showURL(a.url))}
	if a.site != "" {
		attrs = append(attrs, slog.String("requested_at", a.site))
	}
	a.c.loop.CallExceptionHandler(aio.Report{Message: message, Warning: true, Attrs: attrs})
}

// callSite returns the line of the first caller outside of this package.
func callSite() string {
	const here = "github.com/aio-go/aio/aiohttp."
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, here) {
			return fmt.Sprintf("%s:%d", f.File[strings.LastIndexByte(f.File, '/')+1:], f.Line)
		}
		if !more {
			return ""
		}
	}
}

// try is one of the tries of a request, with the redirects that it follows.
type try struct {
	*asking
	ctx     context.Context // ends with the try, or with the request
	end     context.CancelCauseFunc
	most    realm.Realm // that it may reach
	left    time.Duration
	limited bool // limited by left, while it has its turn
}

func (a *asking) newTry() *try {
	a.count++
	t := &try{asking: a, ctx: a.ctx, end: func(error) {}, most: realm.Local}
	if a.c.Reach == PublicOnly {
		t.most = realm.Public
	}
	if t.left = a.c.Retry.Timeout; t.left > 0 {
		t.limited = true
		t.ctx, t.end = aio.WithCancelCause(a.ctx)
	}
	return t
}

// clock runs while the try has its turn, until the returned function is called.
func (t *try) clock() (stop func()) {
	if !t.limited {
		return func() {}
	}
	began, timer := t.c.loop.Time(), t.c.loop.CallLater(t.left, func() {
		t.end(&timeoutError{after: t.c.Retry.Timeout, try: true})
	})
	return func() {
		timer.Cancel()
		t.left = max(0, t.left-t.c.loop.Time().Sub(began))
	}
}

// hop makes one request, in its turn, and returns the answer. If discard returns true, the body has
// been closed.
func (t *try) hop(req *http.Request, discard func(*http.Response) bool) (*answer, error) {
	sent := false
	defer func() {
		if !sent {
			closeBody(req)
		}
	}()
	x := &answer{asking: t.asking}
	if err := t.c.turns.take(t.ctx, x, req.URL); err != nil {
		return nil, err
	}
	defer t.clock()()
	sent = true
	req, offered := t.c.offer(req)
	if p := t.ours(req); p != nil {
		err := t.ask(p, x, req, discard)
		if err == nil && offered {
			t.c.decodeOffered(x.resp)
		}
		return x, err
	}
	handed := false
	defer func() {
		if !handed {
			x.abandon()
		}
	}()
	ctx := context.Context(lifetime{t.ctx})
	var at realm.Realm
	if t.c.Reach == NoNarrower {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GotConn: func(i httptrace.GotConnInfo) { at = realmOfConn(i.Conn) },
		})
	}
	req = req.WithContext(ctx)
	transport := t.c.within(t.most)
	if _, err := aio.ToThread(t.ctx, func(context.Context) (aio.None, error) {
		x.ask(transport, req, discard)
		return aio.None{}, nil
	}, unbounded); err != nil {
		return nil, err
	}
	handed = true
	if x.err != nil {
		x.done()
		return nil, urlError(req.Method, req.URL, x.err)
	}
	if t.c.native != nil && req.URL.Scheme == "https" && x.resp.ProtoMajor == 1 {
		t.c.native.speaksNoHTTP2(req.URL)
	}
	if t.c.Reach == NoNarrower {
		t.most = min(t.most, at)
	}
	switch {
	case x.discarded:
		x.done()
	case offered:
		t.c.decodeOffered(x.resp)
	}
	return x, nil
}

// ask makes a request on a connection of ours.
func (t *try) ask(
	p *connections, x *answer, req *http.Request, discard func(*http.Response) bool,
) (err error) {
	done := false
	defer func() {
		if !done {
			x.close()
		}
	}()
	if err := notForServers(req); err != nil {
		return urlError(req.Method, req.URL, err)
	}
	var at realm.Realm
	if x.resp, at, err = p.roundTrip(t.ctx, dress(req, t.c.Jar), t.most); err != nil {
		if t.ctx.Err() != nil || errtree.Is(err, aio.ErrCancelled) {
			return err
		}
		return urlError(req.Method, req.URL, knownError(err))
	}
	keepCookies(t.c.Jar, req, x.resp)
	if t.c.Reach == NoNarrower && p.server == nil {
		t.most = min(t.most, at)
	}
	done = true
	if discard(x.resp) {
		p.skipSmall(t.ctx, x.resp)
		x.close()
	}
	return nil
}

// unbounded keeps a call of ToThread out of the limit for all such calls: the client has its own.
var unbounded = aio.LimitedBy(nil)

// answer is the outcome of a request.
type answer struct {
	*asking
	resp      *http.Response
	err       error
	discarded bool
	gate      *gate       // for its host, in which it has a place; nil: none
	turn      bool        // it has its turn
	upload    func()      // ends the task that produces the request's body; nil: there is none
	over      atomic.Bool // its response is finished

	state atomic.Int32 // the owner: see below
}

// An answer belongs to the goroutine until it is delivered, then to the task. If it is abandoned
// before, it stays with the goroutine, which closes it.
const (
	asked = iota
	delivered
	abandoned
)

// ask is the goroutine's part.
func (x *answer) ask(t http.RoundTripper, req *http.Request, discard func(*http.Response) bool) {
	loop := x.c.loop
	defer func() {
		if x.state.CompareAndSwap(asked, delivered) {
			return
		}
		if x.resp != nil {
			x.resp.Body.Close()
		}
		loop.CallSoonThreadsafe(x.done)
	}()
	if x.resp, x.err = send(t, x.c.Jar, req); x.err == nil && discard(x.resp) {
		drain(x.resp)
		x.discarded = true
	}
}

// abandon gives the request up. The goroutine ends as soon as net/http notices that the request's
// context has ended.
func (x *answer) abandon() {
	if !x.state.CompareAndSwap(asked, abandoned) {
		x.close()
	}
}

// close closes the body, if that has not been done, and ends the turn.
func (x *answer) close() {
	if !x.discarded && x.resp != nil {
		x.discarded = true
		if at, ok := x.resp.Body.(inTask); ok || x.resp.Body == http.NoBody {
			if ok {
				at.Close()
			}
		} else {
			go x.resp.Body.Close() // may wait for the peer, if the connection is a secure one
		}
	}
	x.done()
}

// release frees the resources of a response; read says whether its body was read to the end.
func (x *answer) release(read bool) {
	if x.over.Swap(true) {
		return
	}
	if x.upload != nil {
		x.upload()
	}
	if read {
		x.discarded = true // there is nothing to close
		x.resp.Body.Close()
	} else {
		x.asking.end(nil)
	}
	x.close()
	x.asking.end(nil)
}

// forget is called on the loop when the program has lost a response without closing it.
func (x *answer) forget() {
	if x.over.Load() {
		return
	}
	x.c.forgotten++
	x.warn("aiohttp: a response was forgotten without Close; " +
		"it is closed now. Call Response.Close in a defer")
	x.release(false)
}

// between is the least time between two searches for forgotten responses.
const between = 10 * time.Second

// collect runs the garbage collector while requests wait for their places, to find forgotten
// responses. A program that does nothing else makes no garbage, and would wait for minutes.
func (c *Client) collect() {
	now := time.Now()
	if now.Sub(c.collected) < between {
		return
	}
	for a := range c.asked {
		if a.open {
			c.collected = now
			go runtime.GC()
			return
		}
	}
}

// method returns the name of the method, which may be empty for GET.
func method(req *http.Request) string {
	if req.Method == "" {
		return http.MethodGet
	}
	return req.Method
}

func cloneURL(u *url.URL) *url.URL {
	c := *u
	if u.User != nil {
		user := *u.User
		c.User = &user
	}
	return &c
}
