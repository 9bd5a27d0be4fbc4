package aio

import (
	"reflect"
	"runtime/debug"

	"github.com/aio-go/aio/internal/nocopy"
)

// runnable is an entry of the ready queue: a task to resume, a callback, or an internal step that
// needs a place in the order.
type runnable interface{ run() }

// Handle is a callback that the loop will call. asyncio: Handle.
type Handle struct {
	_         nocopy.Mark
	loop      *Loop
	fn        func()
	cancelled bool
	created   uintptr // in debug mode: the place that scheduled it
}

// Cancel prevents the call if it has not been made. A second Cancel does nothing. asyncio: cancel.
func (h *Handle) Cancel() {
	h.cancelled = true
	h.fn = nil // let go of what the callback refers to
}

// Cancelled reports whether Cancel was called. asyncio: cancelled.
func (h *Handle) Cancelled() bool { return h.cancelled }

// String shows the function and, in debug mode, the place that scheduled it.
func (h *Handle) String() string {
	switch {
	case h.cancelled:
		return "<Handle cancelled>"
	case h.fn == nil:
		return "<Handle done>"
	}
	s := "<Handle " + funcSite(reflect.ValueOf(h.fn).Pointer())
	if h.created != 0 {
		s += " scheduled at " + siteOf(h.created)
	}
	return s + ">"
}

func (h *Handle) run() {
	if h.cancelled {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			h.panicked(v)
		}
	}()
	h.fn()
}

func (h *Handle) panicked(v any) {
	err := &PanicError{Value: v, Stack: debug.Stack()}
	h.loop.report(Report{
		Message: "a callback panicked: " + h.String(),
		Err:     err,
		Site:    siteOf(h.created),
	})
}

// CallSoon makes the loop call fn in the next pass, after the entries that are ready already. A
// panic of fn is reported to the exception handler. CallSoon panics if the loop is closed or fn is
// nil. On other goroutines use [Loop.CallSoonThreadsafe]. asyncio: call_soon.
func (l *Loop) CallSoon(fn func()) *Handle {
	l.checkCallback("Loop.CallSoon", fn)
	h := &Handle{loop: l, fn: fn}
	if l.debug.Load() {
		h.created = callerPC(0)
	}
	l.ready.Push(h)
	return h
}

func (l *Loop) checkCallback(op string, fn func()) {
	mustHave(op, fn != nil)
	l.check(op)
}

// post sends r to the loop, from any goroutine. It reports whether the loop will take it.
func (l *Loop) post(r runnable) bool {
	l.mu.Lock()
	if l.postsShut {
		l.mu.Unlock()
		return false
	}
	l.posts = append(l.posts, r)
	l.posted.Store(true)
	l.mu.Unlock()
	l.rouse()
	return true
}

// postQuietly posts r without waking the loop through its channel. A loop without a poller takes r
// when it next collects. The runtime's cleanups use it: they run outside any bubble of
// testing/synctest and may not touch a channel made inside one.
func (l *Loop) postQuietly(r runnable) {
	l.mu.Lock()
	if l.postsShut {
		l.mu.Unlock()
		return
	}
	l.posts = append(l.posts, r)
	l.posted.Store(true)
	polled := l.poller != nil
	l.mu.Unlock()
	if polled {
		l.rouse()
	}
}

// rouse wakes the loop if it waits. It reads the poller after it has seen that the loop sleeps,
// because the first descriptor may have come meanwhile.
func (l *Loop) rouse() {
	if l.sleeping.Load() && l.sleeping.CompareAndSwap(true, false) {
		l.mu.Lock()
		poller := l.poller
		l.mu.Unlock()
		if poller != nil {
			poller.Wake()
			return
		}
		select {
		case l.wake <- struct{}{}:
		default: // it has been woken and is on its way
		}
	}
}

// takePosts moves the entries that other goroutines posted to the ready queue.
func (l *Loop) takePosts() {
	l.mu.Lock()
	l.posted.Store(false)
	l.posts, l.spare = l.spare, l.posts
	l.mu.Unlock()
	rest := l.spare
	if s := l.scheduling; s != nil {
		s.arrived(l, 0)
		byPoster(rest)
		defer s.arrived(l, EntryPost) // after what follows
	}
	defer func() { // a chooser may have panicked
		for _, r := range rest {
			l.ready.Push(r)
		}
		clear(l.spare)
		l.spare = l.spare[:0]
	}()
	for len(rest) > 0 {
		i := l.choose(ChoosePost, len(rest))
		l.ready.Push(rest[i])
		if i > 0 {
			copy(rest[1:i+1], rest[:i])
		}
		rest = rest[1:]
	}
}

// CallSoonThreadsafe makes the loop call fn, and wakes the loop if it waits. Calls from one
// goroutine keep their order. On the loop itself it works like CallSoon. Cancel the handle on the
// loop only. It returns [ErrLoopClosed] if the loop is closed. Any goroutine. asyncio:
// call_soon_threadsafe.
func (l *Loop) CallSoonThreadsafe(fn func()) (*Handle, error) {
	mustHave("Loop.CallSoonThreadsafe", fn != nil)
	h := &Handle{loop: l, fn: fn}
	if l.onLoop() {
		if l.closed.Load() {
			return nil, ErrLoopClosed
		}
		if l.debug.Load() {
			h.created = callerPC(0)
		}
		if l.posted.Load() { // what other goroutines sent before comes first
			l.takePosts()
		}
		l.ready.Push(h)
		return h, nil
	}
	if !l.post(h) {
		return nil, ErrLoopClosed
	}
	return h, nil
}

// ExpectPosts tells the loop that delta more calls from outside are certain to come. A negative
// delta says that calls have come. While calls are outstanding, a virtual clock waits for them and
// does not jump to the next timer. Any goroutine.
func (l *Loop) ExpectPosts(delta int) { l.expected.Add(int64(delta)) }

// MayPost tells the loop that delta more goroutines may post at any time, or never: those behind a
// connection, for instance. A negative delta says that goroutines have ended. While there are any,
// a virtual clock waits a few milliseconds of real time before it jumps to the next timer. When
// nothing else is left, a loop under virtual time waits for a post. It ends with a
// [*DeadlockError] only after a minute of real time without one. For posts that are certain to come
// use ExpectPosts. Any goroutine.
func (l *Loop) MayPost(delta int) { l.sources.Add(int64(delta)) }
