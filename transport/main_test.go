package transport

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"
	"time"
)

// TestMain fails if the tests leave goroutines, descriptors or loops behind.
func TestMain(m *testing.M) {
	if ln, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		ln.Close() // the runtime has opened its own poller now
	}
	goroutines, fds := runtime.NumGoroutine(), openDescriptors()
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
	if n := openDescriptors(); n > fds {
		fail("%d descriptors left behind\n", n-fds)
	}
	if n := len(hubs.m); n > 0 {
		fail("%d loops were not closed\n", n)
	}
	os.Exit(code)
}

// openDescriptors counts the descriptors of this process, 0 where that cannot be known.
func openDescriptors() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}
