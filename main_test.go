package aio_test

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"testing"
	"time"
)

// TestMain fails if the tests leave goroutines behind. Tasks are goroutines, too, and so are idle workers. A test binary that was started by
// a test to play a part plays it and is gone.
func TestMain(m *testing.M) {
	if part := parts[os.Getenv(partVariable)]; part != nil {
		part()
		return
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt) // starts a goroutine of package os/signal that stays for good
	signal.Stop(c)
	before := runtime.NumGoroutine()
	code := m.Run()
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond) // goroutines that have been told to end need a moment
	}
	if n := runtime.NumGoroutine(); code == 0 && n > before {
		buf := make([]byte, 1<<20)
		fmt.Fprintf(os.Stderr, "%d goroutines left behind:\n%s\n", n-before, buf[:runtime.Stack(buf, true)])
		code = 1
	}
	os.Exit(code)
}
