package executor_test

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio/executor"
)

// parts are things that a test binary does instead of tests: as a worker in place of what Main does, or as a
// program that uses a pool.
var parts = map[string]func(){}

const partVariable = "AIO_EXECUTOR_TEST_PART"

// TestMain makes workers of those processes that a pool has started, and fails if the tests leave goroutines,
// descriptors or processes behind.
func TestMain(m *testing.M) {
	if part := parts[os.Getenv(partVariable)]; part != nil {
		part()
		return
	}
	executor.Main()
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // for workers: the race detector takes a second to end
	flag.Parse()
	if fuzzing := flag.Lookup("test.fuzz"); fuzzing != nil && fuzzing.Value.String() != "" {
		os.Exit(m.Run()) // a fuzzer has goroutines and pipes of its own
	}
	warmUp()
	goroutines, fds := runtime.NumGoroutine(), descriptors()
	code := m.Run()
	deadline := time.Now().Add(10 * time.Second)
	for (runtime.NumGoroutine() > goroutines || descriptors() > fds || children() > 0) && time.Now().Before(deadline) {
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
	if n := children(); code == 0 && n > 0 {
		fmt.Fprintf(os.Stderr, "%d processes left behind\n", n)
		code = 1
	}
	os.Exit(code)
}

// warmUp lets the runtime open what it keeps open: its poller, and the goroutine of package os/signal.
func warmUp() {
	if r, w, err := os.Pipe(); err == nil {
		r.SetReadDeadline(time.Now())
		r.Close()
		w.Close()
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	signal.Stop(c)
}

// descriptors counts the open descriptors, 0 where that cannot be known.
func descriptors() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}

// children counts the processes that this one has started and that have not been waited for, 0 where that
// cannot be known.
func children() int {
	files, _ := filepath.Glob("/proc/self/task/*/children")
	n := 0
	for _, name := range files {
		text, _ := os.ReadFile(name)
		n += len(strings.Fields(string(text)))
	}
	return n
}
