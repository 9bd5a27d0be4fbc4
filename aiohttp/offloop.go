package aiohttp

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
)

// OffLoop returns a handler that runs h on a goroutine of its own, even if it is called in a task:
// by [Serve], [OnLoop] or a router below them. It is for handlers that block and would stop the
// loop: proxies, file servers, profiles, and those that wait for locks or channels or take over the
// connection. The task waits meanwhile. h must not await. It reaches the loop by [aio.SubmitValue],
// and a [HandlerFunc] or OnLoop inside h starts a task again. Its context ends when the task is
// cancelled.
//
// Some handlers run in this way by themselves, if they are the handler of Serve or OnLoop or its
// [http.ServeMux] finds them: [http.TimeoutHandler], [http.FileServer], and those of httputil
// (ReverseProxy), net/http/pprof, net/http/cgi and google.golang.org/grpc.
func OffLoop(h http.Handler) http.Handler {
	if h == nil {
		panic("aiohttp: OffLoop: the handler is nil; pass one")
	}
	return &offLoop{h}
}

type offLoop struct{ h http.Handler }

// ServeHTTP implements http.Handler.
func (o *offLoop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !aio.InTask(r.Context()) {
		o.h.ServeHTTP(w, r)
		return
	}
	var handlers *calls
	if c := controllerOf(w); c != nil {
		handlers = &c.x.handlers
	}
	away(r.Context(), o.h, w, r, handlers)
}

// controllerOf finds the writer of OnLoop inside a writer of middleware.
func controllerOf(w http.ResponseWriter) *controlled {
	for {
		switch x := w.(type) {
		case *controlled:
			return x
		case interface{ Unwrap() http.ResponseWriter }:
			w = x.Unwrap()
		default:
			return nil
		}
	}
}

// run calls h in a task, or off the loop if it is known to block.
func run(
	ctx context.Context, h http.Handler, w http.ResponseWriter, r *http.Request, handlers *calls,
) {
	found := h
	if mux, ok := h.(*http.ServeMux); ok {
		found, _ = mux.Handler(r)
	}
	if blocks(found) {
		away(ctx, h, w, r, handlers)
		return
	}
	h.ServeHTTP(w, r)
}

// away calls h on another goroutine and waits for its end. A panic of h is re-panicked here.
func away(
	ctx context.Context, h http.Handler, w http.ResponseWriter, r *http.Request, handlers *calls,
) {
	if handlers == nil {
		handlers = &calls{}
		handlers.init()
	}
	ended := make(chan struct{})
	var thrown any
	started, err := elsewhere(ctx, handlers, func(ctx context.Context) {
		defer close(ended)
		defer func() {
			if thrown = recover(); thrown != nil && thrown != http.ErrAbortHandler {
				thrown = &aio.PanicError{Value: thrown, Stack: debug.Stack()}
			}
		}()
		ctx, end := context.WithCancel(context.WithValue(ctx, awayKey{}, true))
		defer end() // for goroutines of h that go on
		seen := r.WithContext(ctx)
		defer passForm(r, seen)
		h.ServeHTTP(w, seen)
	})
	if err != nil && started {
		aio.Recv(context.WithoutCancel(ctx), ended)
	}
	if thrown != nil {
		panic(thrown)
	}
	if _, exited := errtree.As[*aio.GoexitError](err); exited {
		panic(http.ErrAbortHandler) // the connection ends with its goroutine
	}
}

// awayKey is in the context of handlers that run off the loop, where they may block.
type awayKey struct{}

// elsewhere calls fn on another goroutine and waits. If the wait is cancelled, it reports whether
// the goroutine goes on; calls counts it meanwhile.
func elsewhere(
	ctx context.Context, calls *calls, fn func(ctx context.Context),
) (started bool, err error) {
	if !calls.begin() {
		return false, errOver
	}
	var taken atomic.Bool // taken by the goroutine, or by the task because there will be none
	err = aio.Blocking(ctx, func(ctx context.Context) error {
		if taken.CompareAndSwap(false, true) {
			defer calls.end()
			fn(ctx)
		}
		return nil
	}, unbounded)
	if err != nil && taken.CompareAndSwap(false, true) {
		calls.end()
		return false, err
	}
	return true, err
}

// blockingPackages have handlers that block.
var blockingPackages = []string{
	"net/http/httputil", "net/http/pprof", "net/http/cgi", "google.golang.org/grpc",
}

// blocks reports whether h is known to block.
func blocks(h http.Handler) bool {
	switch h := h.(type) {
	case *onLoop, HandlerFunc, *offLoop:
		return false
	case http.HandlerFunc:
		f := runtime.FuncForPC(reflect.ValueOf(h).Pointer())
		return f != nil && slices.ContainsFunc(blockingPackages, func(p string) bool {
			return strings.HasPrefix(f.Name(), p+".")
		})
	}
	t := reflect.TypeOf(h)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.PkgPath() {
	case "net/http":
		return t.Name() == "timeoutHandler" || t.Name() == "fileHandler"
	default:
		return slices.Contains(blockingPackages, t.PkgPath())
	}
}

// traceKey is the first key that net/http's client looks up in the context of a request.
var traceKey = func() any {
	var probe keyProbe
	httptrace.ContextClientTrace(&probe)
	return probe.key
}()

type keyProbe struct {
	context.Context
	key any
}

func (p *keyProbe) Value(key any) any { p.key = key; return nil }

// refuseToBlock panics if the caller is net/http's client and runs on the loop.
func refuseToBlock(l *aio.Loop) {
	if !aio.InTask(l.Context()) {
		return
	}
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for more := true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		switch frame.Function {
		case "net/http.(*Transport).roundTrip", "net/http/httputil.(*ReverseProxy).ServeHTTP":
			panic("aiohttp: net/http's client was called in the task of a handler, " +
				"and would block the loop; use aiohttp.Client, call it by aio.ToThread, " +
				"or wrap the handler (ReverseProxy?) in aiohttp.OffLoop")
		}
	}
}
