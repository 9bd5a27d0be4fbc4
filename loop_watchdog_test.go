package aio_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// logLines makes the default logger send its lines to the channel it returns, until the test ends.
func logLines(t *testing.T) <-chan string {
	lines := make(chan string, 1000)
	setLog(t, slog.NewTextHandler(lineWriter(lines), nil))
	return lines
}

type lineWriter chan string

func (w lineWriter) Write(p []byte) (int, error) {
	select {
	case w <- string(p):
	default: // nobody reads any more
	}
	return len(p), nil
}

var _ io.Writer = lineWriter(nil)

// blockUntil holds the loop up until a line of the log has the text.
func blockUntil(t *testing.T, lines <-chan string, text string) string {
	limit := time.After(time.Minute)
	for {
		select {
		case line := <-lines:
			if strings.Contains(line, text) {
				return line
			}
		case <-limit:
			t.Errorf("no line of the log has %q", text)
			return ""
		}
	}
}

func TestTheWatchdogNamesATaskThatBlocksWhileItDoes(t *testing.T) {
	lines := logLines(t)
	var line string
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		guilty := aio.Start(ctx, func(context.Context) error {
			line = blockUntil(t, lines, "the loop is blocked") // the loop cannot go on before it was logged
			return nil
		}, aio.Name("guilty"))
		_, err := guilty.Await(ctx)
		return err
	}, aio.WithSlowCallback(20*time.Millisecond), aio.WithDebug(false))
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, line, "level=WARN", "aio: the loop is blocked by a select; use aio.Select, or ToThread if a library makes the call", "at=", "aio_test.blockUntil loop_watchdog_test.go:",
		"TestTheWatchdogNamesATaskThatBlocksWhileItDoes.func1.1", `state=select`, "for=")
	wantText(t, line, "task=guilty")
	if strings.Contains(line, "testing.tRunner") || strings.Contains(line, "aio.(*") {
		t.Errorf("the stack is not the user's alone: %s", line)
	}
}

func TestTheWatchdogNamesACallbackThatBlocksWhileItDoes(t *testing.T) {
	for _, debug := range []bool{false, true} {
		lines := logLines(t)
		var line string
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			l := aio.RunningLoop(ctx)
			done := &aiosync.Event{}
			l.CallSoon(func() {
				line = blockUntil(t, lines, "the loop is blocked")
				done.Set()
			})
			return done.Wait(ctx)
		}, aio.WithSlowCallback(20*time.Millisecond), aio.WithDebug(debug))
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, line, "aio_test.blockUntil loop_watchdog_test.go:", "TestTheWatchdogNamesACallbackThatBlocksWhileItDoes.func1.1")
		if strings.Contains(line, "testing.tRunner") || strings.Contains(line, " task=") {
			t.Errorf("the line is not about the callback alone: %s", line)
		}
	}
}

func TestTheWatchdogSeesATaskBehindAnotherThatMakesItsSteps(t *testing.T) {
	lines := logLines(t)
	var line string
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		for range 3 { // main hosts them, or one of them the others
			aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Millisecond) })
		}
		guilty := aio.Start(ctx, func(ctx context.Context) error {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			line = blockUntil(t, lines, "the loop is blocked")
			return nil
		})
		_, err := guilty.Await(ctx)
		return err
	}, aio.WithSlowCallback(20*time.Millisecond), aio.WithDebug(false))
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, line, "aio_test.blockUntil loop_watchdog_test.go:", "TestTheWatchdogSeesATaskBehindAnother")
}

func TestTheWatchdogLogsAComputationToo(t *testing.T) {
	if runtime.GOARCH == "wasm" {
		t.Skip("nothing interrupts a computation where there is one thread")
	}
	lines := logLines(t)
	var line string
	err := aio.Run(t.Context(), func(context.Context) error {
		for limit := time.Now().Add(time.Minute); line == "" && time.Now().Before(limit); {
			select {
			case line = <-lines:
			default:
			}
		}
		return nil
	}, aio.WithSlowCallback(20*time.Millisecond), aio.WithDebug(false))
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, line, "the loop is blocked", "TestTheWatchdogLogsAComputationToo.func1")
}

func TestTheWatchdogLeavesALoopThatWaitsAloneAndEndsWithTheRun(t *testing.T) {
	before := runtime.NumGoroutine()
	lines := logLines(t)
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		return aio.Sleep(ctx, 100*time.Millisecond)
	}, aio.WithSlowCallback(time.Second), aio.WithDebug(false))
	if err != nil {
		t.Fatal(err)
	}
	wantGoroutines(t, before)
	select {
	case line := <-lines:
		t.Errorf("logged: %s", line)
	default:
	}
	run(t, func(context.Context) error {
		if n := runtime.NumGoroutine(); n > before+2 { // the stacks of main and of nobody else
			t.Errorf("%d goroutines, %d before", n, before)
		}
		return nil
	}, aio.WithSlowCallback(0), aio.WithDebug(false))
}

// Conformance: DB-006.
func TestInDebugModeHandlesNameTheLineThatScheduledThem(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		_, _, here, _ := runtime.Caller(0)
		handles := []interface{ String() string }{
			l.CallSoon(idleCallback),               // here + 2
			l.CallLater(time.Second, idleCallback), // here + 3
			l.CallAt(l.Time(), idleCallback),       // here + 4
		}
		for i, h := range handles {
			wantText(t, h.String(), "<Handle loop_watchdog_test.go:", " scheduled at loop_watchdog_test.go:"+strconv.Itoa(here+2+i)+">")
		}
		l.SetDebug(false)
		if s := l.CallSoon(idleCallback).String(); strings.Contains(s, "scheduled at") {
			t.Errorf("without debug mode: %s", s)
		}
		return nil
	}, aio.WithDebug(true))
}

func idleCallback() {}

func TestASlowStepIsReportedAsAWarningWithTheTimeItTook(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.SetSlowCallbackDuration(time.Millisecond)
		l.CallSoon(func() { time.Sleep(2 * time.Millisecond) })
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		l.SetSlowCallbackDuration(0) // switched off
		l.CallSoon(func() { time.Sleep(2 * time.Millisecond) })
		return aio.Yield(ctx)
	}, aio.WithDebug(true))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range seen.All() {
		if strings.Contains(r.Message, "loop_watchdog_test.go") {
			n++
			wantText(t, r.Message, "blocked the loop for ", "ms; move blocking calls and long computations into ToThread")
			if !r.Warning {
				t.Error("it is no warning")
			}
		}
	}
	if n != 1 {
		t.Errorf("%d reports about the callbacks: %q", n, seen.Strings())
	}
}

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
		"mutex":      {mu.Lock, mu.Lock, mu.Unlock, "by sync.Mutex.Lock; use aiosync.Lock"},
		"write lock": {rw.RLock, rw.Lock, rw.RUnlock, "use aiosync.RWLock"},
		"read lock":  {rw2.Lock, rw2.RLock, rw2.Unlock, "use aiosync.RWLock"},
		"wait group": {func() { all.Add(1) }, all.Wait, all.Done, "by sync.WaitGroup.Wait; start the tasks in an aio.Group"},
		"condition": {nil, func() { cond.L.Lock(); cond.Wait(); cond.L.Unlock() }, func() { cond.L.Lock(); cond.Signal(); cond.L.Unlock() },
			"use aiosync.Condition"},
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
			if err != nil || !strings.Contains(line, "task=guilty") || !strings.Contains(line, "loop_watchdog_test.go:") {
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
