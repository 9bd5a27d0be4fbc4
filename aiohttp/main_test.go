package aiohttp_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// TestMain fails if the tests leave goroutines or descriptors behind.
func TestMain(m *testing.M) {
	flag.Parse()
	if fuzzing := flag.Lookup("test.fuzz"); fuzzing != nil && fuzzing.Value.String() != "" {
		os.Exit(m.Run()) // a fuzzer has goroutines and pipes of its own
	}
	warmUp()
	goroutines, fds := runtime.NumGoroutine(), descriptors()
	code := m.Run()
	deadline := time.Now().Add(10 * time.Second)
	for (runtime.NumGoroutine() > goroutines || descriptors() > fds) && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond) // what has been told to end needs a moment
	}
	if n := runtime.NumGoroutine(); code == 0 && n > goroutines {
		buf := make([]byte, 1<<20)
		fmt.Fprintf(os.Stderr, "%d goroutines left behind:\n%s\n", n-goroutines, buf[:runtime.Stack(buf, true)])
		code = 1
	}
	if n := descriptors(); code == 0 && fds > 0 && n > fds {
		fmt.Fprintf(os.Stderr, "%d descriptors left behind\n", n-fds)
		code = 1
	}
	os.Exit(code)
}

// warmUp lets the runtime open what it keeps open: its poller.
func warmUp() {
	if r, w, err := os.Pipe(); err == nil {
		r.SetReadDeadline(time.Now())
		r.Close()
		w.Close()
	}
}

// descriptors counts the open descriptors, 0 where that cannot be known.
func descriptors() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}
