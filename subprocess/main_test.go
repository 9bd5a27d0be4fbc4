package subprocess

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// TestMain fails if the tests leave goroutines, descriptors, loops or children behind.
func TestMain(m *testing.M) {
	if r, w, err := os.Pipe(); err == nil {
		r.Close() // the runtime has opened its own poller now
		w.Close()
	}
	goroutines, fds := runtime.NumGoroutine(), len(descriptors())
	code := m.Run()
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > goroutines && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond) // goroutines that have been told to end need a moment
	}
	fail := func(format string, args ...any) {
		if code == 0 {
			fmt.Fprintf(os.Stderr, format, args...)
			code = 1
		}
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		buf := make([]byte, 1<<20)
		fail("%d goroutines left behind:\n%s\n", n-goroutines, buf[:runtime.Stack(buf, true)])
	}
	if list := descriptors(); len(list) > fds {
		fail("%d descriptors left behind: %v\n", len(list)-fds, list)
	}
	if n := len(nurseries.m); n > 0 {
		fail("%d loops were not closed\n", n)
	}
	if hasChildren() {
		fail("a child was not collected\n")
	}
	os.Exit(code)
}

// descriptors lists those of this process, where that can be known.
func descriptors() (list []string) {
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		target, _ := os.Readlink("/proc/self/fd/" + e.Name())
		list = append(list, e.Name()+" "+target)
	}
	return list
}
