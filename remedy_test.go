package aio_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

func TestTheWatchdogNamesTheRemedyForWhatBlocks(t *testing.T) {
	needProcesses(t)
	var mu sync.Mutex
	var rw, rw2 sync.RWMutex
	var once sync.Once
	var all sync.WaitGroup
	cond := sync.NewCond(&sync.Mutex{})
	ch, full := make(chan int), make(chan int)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	stop := make(chan struct{})
	onces := make(chan struct{})
	for name, c := range map[string]struct {
		before, block, free func()
		want                string
	}{
		"mutex":      {mu.Lock, mu.Lock, mu.Unlock, "by sync.Mutex.Lock; use aio.Lock"},
		"write lock": {rw.RLock, rw.Lock, rw.RUnlock, "use aio.RWLock"},
		"read lock":  {rw2.Lock, rw2.RLock, rw2.Unlock, "use aio.RWLock"},
		"wait group": {func() { all.Add(1) }, all.Wait, all.Done, "by sync.WaitGroup.Wait; start the tasks in an aio.Group"},
		"condition": {nil, func() { cond.L.Lock(); cond.Wait(); cond.L.Unlock() }, func() { cond.L.Lock(); cond.Signal(); cond.L.Unlock() },
			"use aio.Condition"},
		"receive": {nil, func() { <-ch }, func() { ch <- 1 }, "by a receive from a channel; use aio.Recv"},
		"range": {nil, func() {
			for range ch {
				return
			}
		}, func() { ch <- 1 }, "use aio.Recv"},
		"send": {nil, func() { full <- 1 }, func() { <-full }, "use aio.Send"},
		"select": {nil, func() {
			select {
			case <-full:
			case <-ch:
			}
		}, func() { ch <- 1 }, "use aio.Select"},
		"once": {func() { go once.Do(func() { close(onces); <-stop }); <-onces }, func() { once.Do(func() {}) }, func() { close(stop) },
			"move what it runs into ToThread"},
		"file": {nil, func() { _, _ = r.Read(make([]byte, 1)) }, func() { _, _ = w.Write([]byte{1}) }, "use package aiofile"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := logLines(t)
			var line string
			freed := make(chan struct{})
			if c.before != nil {
				c.before()
			}
			go func() {
				defer close(freed)
				line = blockUntil(t, lines, c.want)
				c.free()
			}()
			err := aio.Run(t.Context(), func(ctx context.Context) error {
				_, err := aio.Start(ctx, func(context.Context) error { c.block(); return nil }, aio.Name("guilty")).Await(ctx)
				return err
			}, aio.WithSlowCallback(20*time.Millisecond), aio.WithDebug(false))
			<-freed
			if err != nil || !strings.Contains(line, "task=guilty") || !strings.Contains(line, "remedy_test.go:") {
				t.Errorf("%v, %s", err, line)
			}
		})
	}
	t.Run("sleep", func(t *testing.T) {
		lines := logLines(t)
		var line string
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			for line == "" && ctx.Err() == nil {
				time.Sleep(200 * time.Millisecond) // it blocks the loop, which the watchdog is to see
				select {
				case l := <-lines:
					if strings.Contains(l, "use aio.Sleep") {
						line = l
					}
				default:
				}
			}
			return nil
		}, aio.WithSlowCallback(20*time.Millisecond), aio.WithDebug(false))
		if err != nil || !strings.Contains(line, "by time.Sleep; use aio.Sleep") {
			t.Errorf("%v, %q", err, line)
		}
	})
}
