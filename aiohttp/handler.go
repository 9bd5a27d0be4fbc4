package aiohttp

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// errGone is the cause of a handler's cancellation if its client has gone away.
var errGone = errors.New("the client has gone away")

// HandlerFunc is a handler of package net/http for tasks: it gets the context of its task, and may
// return an error. If nothing has been sent, an error gives the client status 500, or 503 if it is
// a time-out or the loop shuts down. Otherwise the answer is cut off. The error goes to the loop's
// exception handler, unless the client is gone. It is used with [Serve], [OnLoop] or [Direct].
//
// If middleware below one of these calls it on another goroutine, as [http.TimeoutHandler] does, it
// still runs as a task.
type HandlerFunc func(ctx context.Context, w http.ResponseWriter, r *http.Request) error

// ServeHTTP implements [http.Handler].
func (f HandlerFunc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if on, ok := r.Context().Value(onLoopKey{}).(*onLoop); ok && !aio.InTask(r.Context()) {
		(&onLoop{loop: on.loop, h: f, limits: on.limits}).ServeHTTP(w, r)
		return
	}
	err := f(r.Context(), w, r)
	if err == nil {
		return
	}
	for inner := w; ; {
		switch x := inner.(type) {
		case answerer:
			fail(x, err)
			return
		case interface{ Unwrap() http.ResponseWriter }:
			inner = x.Unwrap()
		default:
			http.Error(w, http.StatusText(http.StatusInternalServerError),
				http.StatusInternalServerError)
			return
		}
	}
}

// OnLoop returns a handler for any server and router of net/http that runs h as a task of loop l. h
// may be one handler or a whole router. State that requests share needs no lock, as long as only
// tasks of the loop use it.
//
// The context of the request is that of the task. It is cancelled when the client goes away.
// Reading the request's body, writing more than 32 KiB, and flushing suspend the task while
// net/http works. If such a wait is cancelled, the rest of the body cannot be read, or the rest of
// the answer not be written. A panic of h gives status 500 if nothing has been sent, and otherwise
// cuts the answer off. It is logged to the server's ErrorLog, except [http.ErrAbortHandler]. When
// the loop is closed, requests get status 503.
//
// Other goroutines, such as those of a client of net/http or of [aio.ToThread], may use body and
// writer; there they block. h must not block the loop; [OffLoop] is for handlers that do.
//
// The writer that h gets can do what that of the server can: flush, set deadlines and enable full
// duplex through [http.ResponseController], and hijack. A connection that a task hijacks is one of
// the loop from then on: its reads and writes suspend the task. It outlasts the request. Other
// goroutines may use it as well; there it blocks.
func OnLoop(l *aio.Loop, h http.Handler) http.Handler {
	if l == nil || h == nil {
		panic("aiohttp: OnLoop: the loop or the handler is nil; " +
			"the loop is that of aio.RunningLoop(ctx)")
	}
	return &onLoop{loop: l, h: h}
}

type onLoop struct {
	loop    *aio.Loop
	h       http.Handler
	limits  limits
	server  *http.Server  // that the handler is shown; nil: net/http's own
	active  atomic.Int64  // requests that are not answered yet
	waiting atomic.Bool   // quiet waits until there are none
	idle    aiosync.Event // set when there are none
}

// leave counts a request that was answered. It runs on any goroutine.
func (o *onLoop) leave() {
	if o.active.Add(-1) == 0 && o.waiting.Load() {
		o.loop.CallSoonThreadsafe(o.idle.Set)
	}
}

// quiet waits until no request is active.
func (o *onLoop) quiet(ctx context.Context) error {
	o.waiting.Store(true)
	for o.active.Load() > 0 {
		o.idle.Clear()
		if o.active.Load() == 0 { // the last one has just ended
			return nil
		}
		if err := o.idle.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ServeHTTP implements http.Handler, on a goroutine of the server, or of middleware below another
// OnLoop.
func (o *onLoop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if outer, ok := r.Context().Value(onLoopKey{}).(*onLoop); ok {
		if outer.loop == o.loop && aio.InTask(r.Context()) {
			o.h.ServeHTTP(w, r) // this is a task of the loop already
			return
		}
		if r.Context().Value(awayKey{}) == nil {
			outer.mustTurn()
		}
	}
	o.active.Add(1)
	defer o.leave()
	x := &exchange{on: o, w: w, r: r, control: http.NewResponseController(w)}
	x.reads.init()
	x.writes.init()
	x.handlers.init()
	// The task has the values of the request and not its cancellation: this goroutine must not
	// return before the task has ended.
	aio.SubmitValue(requestValues{context.WithoutCancel(r.Context()), o}, o.loop, x.serve)
	defer x.logAccess()
	x.finish()
}

// stuck is how long a loop may take for one pass before middleware is assumed to block it.
var stuck = 5 * time.Second

// mustTurn panics if the loop does not go on, because middleware in a task called a handler on
// another goroutine and waits for it.
func (o *onLoop) mustTurn() {
	turned := make(chan struct{})
	if _, err := o.loop.CallSoonThreadsafe(func() { close(turned) }); err != nil {
		return
	}
	timer := time.NewTimer(stuck)
	defer timer.Stop()
	select {
	case <-turned:
	case <-timer.C:
		panic("aiohttp: OnLoop: middleware that runs in a task blocks the loop, " +
			"while it waits for its handler on another goroutine; " +
			"wrap the middleware in aiohttp.OffLoop, or use aio.Timeout for http.TimeoutHandler")
	}
}

// onLoopKey finds the onLoop of a request.
type onLoopKey struct{}

// requestValues is the context of a request for its task. It knows the path of the request, and
// catches callers that are about to block the loop.
type requestValues struct {
	context.Context
	on *onLoop
}

func (v requestValues) Value(key any) any {
	switch key {
	case onLoopKey{}:
		return v.on
	case awayKey{}: // this is a task again
		return nil
	case http.ServerContextKey:
		if v.on.server != nil {
			return v.on.server
		}
	case traceKey:
		refuseToBlock(v.on.loop)
	}
	return v.Context.Value(key)
}
