package aiosql_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// TestMain fails if the tests leave goroutines behind.
func TestMain(m *testing.M) {
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

// run runs main under a virtual clock. It fails the test if main returns an error or if anything is reported.
func run(t *testing.T, main func(ctx context.Context) error, opts ...aio.Option) {
	t.Helper()
	seen := func(_ *aio.Loop, r aio.Report) {
		t.Errorf("unexpected report: %s: %s: %v", r.Message, r.TaskName, r.Err)
	}
	opts = append([]aio.Option{aio.WithClock(aio.NewVirtualClock()), aio.WithExceptionHandler(seen)}, opts...)
	if err := aio.Run(t.Context(), main, opts...); err != nil {
		t.Fatalf("main returned: %v", err)
	}
}

// began waits until the database has begun to wait with a statement, and returns that.
func (f *fake) beganOne(ctx context.Context) (string, error) {
	what, _, err := aio.Recv(ctx, f.began)
	return what, err
}
