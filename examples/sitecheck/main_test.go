package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is the time after which something that must end by itself is stuck.
const patience = time.Minute

// TestMain is also the program itself, for the tests that need it as a process of its own. It fails
// if the tests leave goroutines or descriptors behind.
func TestMain(m *testing.M) {
	if os.Getenv("SITECHECK_TEST_CHILD") != "" {
		main()
	}
	if r, w, err := os.Pipe(); err == nil { // opens the runtime's own poller, which stays
		r.SetReadDeadline(time.Now())
		r.Close()
		w.Close()
	}
	c := make(chan os.Signal, 1) // and the goroutine of os/signal, which stays, too
	signal.Notify(c, os.Interrupt)
	signal.Stop(c)
	before := resourcesNow()
	code := m.Run()
	if problem := before.comeBack(); problem != "" && code == 0 {
		fmt.Fprintln(os.Stderr, problem)
		code = 1
	}
	os.Exit(code)
}

// resources are what a test may not leave behind.
type resources struct{ goroutines, descriptors int }

func resourcesNow() resources {
	r := resources{goroutines: runtime.NumGoroutine()}
	if list, err := os.ReadDir("/proc/self/fd"); err == nil { // 0 where that cannot be known
		r.descriptors = len(list)
	}
	return r
}

// comeBack waits until there is no more in use than before, since what has been told to end needs a
// moment. It returns what is left, "" if nothing is.
func (before resources) comeBack() string {
	// what has been told to end needs a moment
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		now := resourcesNow()
		if now.goroutines <= before.goroutines && now.descriptors <= before.descriptors {
			return ""
		}
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			return fmt.Sprintf("left behind: had %+v, have %+v\n%s",
				before, now, buf[:runtime.Stack(buf, true)])
		}
	}
}

// outcome is what a run of the program gave.
type outcome struct {
	code     int
	out, err string
}

func sitecheck(ctx context.Context, args ...string) outcome {
	var out, err strings.Builder
	code := run(ctx, args, streams{in: strings.NewReader(""), out: &out, err: &err})
	return outcome{code, out.String(), err.String()}
}
