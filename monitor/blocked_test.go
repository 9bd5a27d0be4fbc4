package monitor_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aio-go/aio/monitor"
)

// blockage is a call that blocks a loop until the test frees it.
type blockage struct {
	at   chan int // gets the line of the call, right before it
	free atomic.Bool
	mu   sync.Mutex
	ch   chan struct{}
	r, w *os.File
	conn net.Conn
	peer net.Conn
}

// below sends the line that is so many lines below that of the caller.
func (b *blockage) below(lines int) {
	_, _, line, _ := runtime.Caller(1)
	b.at <- line + lines
}

func locksAMutex(b *blockage) {
	b.below(1)
	b.mu.Lock()
	defer b.mu.Unlock()
}

func readsAPipe(b *blockage) {
	one := make([]byte, 1)
	b.below(1)
	_, _ = b.r.Read(one)
}

func readsAPipeInBlockingMode(b *blockage) {
	one := make([]byte, 1)
	b.r.Fd() // takes it from the poller of package os
	b.below(1)
	_, _ = b.r.Read(one)
}

func readsAConnection(b *blockage) {
	one := make([]byte, 1)
	b.below(1)
	_, _ = b.conn.Read(one)
}

func receives(b *blockage) {
	b.below(1)
	<-b.ch
}

func sleeps(b *blockage) {
	b.below(2)
	for !b.free.Load() {
		time.Sleep(time.Millisecond) // it blocks the loop, which the monitor is to see
	}
}

func computes(b *blockage) {
	b.below(1)
	for !b.free.Load() {
	}
}

func newBlockage(t *testing.T) *blockage {
	b := &blockage{at: make(chan int, 1), ch: make(chan struct{})}
	b.mu.Lock()
	var err error
	if b.r, b.w, err = os.Pipe(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if b.conn, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b.peer, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.r.Close()
		b.w.Close()
		b.conn.Close()
		b.peer.Close()
	})
	return b
}

// end ends the call, whichever it is.
func (b *blockage) end() {
	b.free.Store(true)
	b.mu.Unlock()
	close(b.ch)
	_, _ = b.w.Write([]byte{1})
	_, _ = b.peer.Write([]byte{1})
}

// busyWhen asks until the loop stands still in the call: after the line was sent it may take its
// time.
func busyWhen(
	ctx context.Context, t *testing.T, c *monitor.Client, there func(*monitor.Busy) bool,
) (got *monitor.Busy) {
	for range 100 {
		p, err := c.Picture(ctx, monitor.Question{})
		if err != nil || len(p.Loops) != 1 {
			t.Errorf("%v, %+v", err, p)
			return &monitor.Busy{}
		}
		if got = p.Loops[0].Busy; got != nil && there(got) {
			return got
		}
	}
	t.Errorf("the loop does not come to the call: %+v", got)
	return &monitor.Busy{}
}

func TestTheLineOfTheCallThatBlocksALoopIsNamed(t *testing.T) {
	const library = ", or ToThread if a library makes the call"
	for name, c := range map[string]struct {
		block  func(b *blockage)
		state  string // of the goroutine in the call; "": it depends on the moment
		advice string
	}{
		"locksAMutex": {locksAMutex, "sync.Mutex.Lock",
			" by sync.Mutex.Lock; use aiosync.Lock, so other tasks run" + library},
		"readsAPipe": {readsAPipe, "IO wait", " by a file; use package aiofile, or ToThread"},
		"readsAPipeInBlockingMode": {readsAPipeInBlockingMode, "syscall",
			" by a file; use package aiofile, or ToThread"},
		"readsAConnection": {readsAConnection, "IO wait", " by a connection; use package stream"},
		"receives": {receives, "chan receive",
			" by a receive from a channel; use aio.Recv" + library},
		"sleeps":   {sleeps, "sleep", " by time.Sleep; use aio.Sleep" + library},
		"computes": {computes, "", "; move blocking calls and long computations into ToThread"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBlockage(t)
			served(t, nil, func(ctx context.Context, client *monitor.Client) {
				defer b.end()
				line := <-b.at
				got := busyWhen(ctx, t, client, func(got *monitor.Busy) bool {
					return !strings.Contains(got.At, ").below ") &&
						(c.state == "" || got.State == c.state)
				})
				at := fmt.Sprintf("github.com/aio-go/aio/monitor_test.%s blocked_test.go:%d", name, line)
				if got.At != at || got.Name != "program" || got.Advice != "the loop is blocked"+c.advice {
					t.Errorf("got %+v, want it at %s with%s", got, at, c.advice)
				}
			}, func(context.Context) error {
				c.block(b)
				return nil
			})
		})
	}
}
