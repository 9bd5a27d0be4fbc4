package poll

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// TestMain fails if the tests leave goroutines or descriptors behind.
func TestMain(m *testing.M) {
	if p, err := New(); err == nil {
		p.Close() // the runtime has opened its own poller now
	}
	goroutines, fds := runtime.NumGoroutine(), descriptors()
	code := m.Run()
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > goroutines && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond) // goroutines that have been told to end need a moment
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

// descriptors counts the open descriptors, 0 where that cannot be known.
func descriptors() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}
