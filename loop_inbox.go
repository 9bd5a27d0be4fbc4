package aio

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio/internal/poll"
)

// inbox is the part of a loop that other goroutines reach: the entries they post, and how they wake
// the loop.
type inbox struct {
	posted   atomic.Bool  // there are posts
	sleeping atomic.Bool  // the loop waits, or is about to: a post has to wake it
	expected atomic.Int64 // posts that are certain to come, see ExpectPosts
	sources  atomic.Int64 // goroutines that may post, see MayPost

	bell  chan struct{} // ends the wait of a loop without a poller
	alarm *time.Timer   // loop only: limits that wait
	spare []runnable    // loop only: the slice that posts is swapped with

	mu     sync.Mutex // guards the rest
	posts  []runnable
	shut   bool
	poller poll.Poller // in which the loop waits; nil: at the bell
}

// put posts r, from any goroutine. It reports whether the loop will take it.
func (b *inbox) put(r runnable) bool {
	b.mu.Lock()
	if b.shut {
		b.mu.Unlock()
		return false
	}
	b.posts = append(b.posts, r)
	n := len(b.posts)
	if n == 1 { // otherwise it is set until the next take
		b.posted.Store(true)
	}
	b.mu.Unlock()
	b.rouse()
	if n >= backlog && n%16 == 0 {
		runtime.Gosched()
	}
	return true
}

// backlog is the number of posts from which on their goroutines let others run, again and again.
// Otherwise, where processors are few, they would send millions before the loop gets its turn.
const backlog = 256

// putQuietly is put without the bell. A loop without a poller takes r when it next collects. The
// runtime's cleanups use it: they run outside any bubble of testing/synctest and may not touch a
// channel made inside one.
func (b *inbox) putQuietly(r runnable) {
	b.mu.Lock()
	if b.shut {
		b.mu.Unlock()
		return
	}
	b.posts = append(b.posts, r)
	b.posted.Store(true)
	polled := b.poller != nil
	b.mu.Unlock()
	if polled {
		b.rouse()
	}
}

// rouse wakes the loop if it waits. It reads the poller after it has seen that the loop sleeps,
// because the first descriptor may have come meanwhile.
func (b *inbox) rouse() {
	if b.sleeping.Load() && b.sleeping.CompareAndSwap(true, false) {
		b.mu.Lock()
		poller := b.poller
		b.mu.Unlock()
		if poller != nil {
			poller.Wake()
			return
		}
		select {
		case b.bell <- struct{}{}:
		default: // it has been woken and is on its way
		}
	}
}

// wakeBy makes posts wake the loop through its poller from now on.
func (b *inbox) wakeBy(p poll.Poller) {
	b.mu.Lock()
	b.poller = p
	b.mu.Unlock()
}

// wait waits at the bell for a post, for at most d, or without limit if d < 0. It reports whether
// it waited. Loop only.
func (b *inbox) wait(d time.Duration) bool {
	b.sleeping.Store(true)
	defer b.sleeping.Store(false)
	switch {
	case b.posted.Load():
		return false
	case d < 0:
		<-b.bell
		return true
	case b.alarm == nil:
		b.alarm = time.NewTimer(d)
	default:
		b.alarm.Reset(d)
	}
	select {
	case <-b.bell:
		b.alarm.Stop()
	case <-b.alarm.C:
	}
	return true
}

// take returns the posts, until give. Loop only.
func (b *inbox) take() []runnable {
	b.mu.Lock()
	b.posted.Store(false)
	b.posts, b.spare = b.spare, b.posts
	b.mu.Unlock()
	return b.spare
}

// give ends the use of the slice that take returned.
func (b *inbox) give() {
	clear(b.spare)
	b.spare = b.spare[:0]
}

// expects reports whether there are posts, or some are certain to come.
func (b *inbox) expects() bool { return b.expected.Load() > 0 || b.posted.Load() }

// close refuses further posts.
func (b *inbox) close() {
	b.mu.Lock()
	b.shut = true
	b.mu.Unlock()
}

// isClosed reports whether posts are refused. Any goroutine.
func (b *inbox) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shut
}

// ExpectPosts tells the loop that delta more calls from outside are certain to come. A negative
// delta says that calls have come. While calls are outstanding, a virtual clock waits for them and
// does not jump to the next timer. Any goroutine.
func (l *Loop) ExpectPosts(delta int) { l.inbox.expected.Add(int64(delta)) }

// MayPost tells the loop that delta more goroutines may post at any time, or never: those behind a
// connection, for instance. A negative delta says that goroutines have ended. While there are any,
// a virtual clock waits a few milliseconds of real time before it jumps to the next timer. When
// nothing else is left, a loop under virtual time waits for a post. It ends with a
// [*DeadlockError] only after a minute of real time without one. For posts that are certain to come
// use ExpectPosts. Any goroutine.
func (l *Loop) MayPost(delta int) { l.inbox.sources.Add(int64(delta)) }
