package aiohttp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/internal/leaktest"
	"github.com/aio-go/aio/transport"
)

// patience is the time after which a test is stuck.
const patience = time.Minute

// run runs main as the main task of a loop and fails if something was reported to the exception
// handler.
func run(t *testing.T, main func(ctx context.Context), opts ...aio.Option) {
	t.Helper()
	for _, r := range reportsOf(t, main, opts...) {
		t.Errorf("reported: %s: %v", r.Message, r.Err)
	}
}

// virtually is run under a virtual clock.
func virtually(t *testing.T, main func(ctx context.Context)) {
	t.Helper()
	run(t, main, aio.WithClock(aio.NewVirtualClock()))
}

// reportsOf runs main as the main task of a loop and returns what was reported to the exception
// handler.
func reportsOf(
	t *testing.T, main func(ctx context.Context), opts ...aio.Option,
) (reports []aio.Report) {
	t.Helper()
	guard := time.AfterFunc(patience, func() {
		buf := make([]byte, 1<<20)
		panic("stuck:\n" + string(buf[:runtime.Stack(buf, true)]))
	})
	defer guard.Stop()
	opts = append(opts, aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) {
		reports = append(reports, r)
	}))
	err := aio.Run(t.Context(), func(ctx context.Context) error { main(ctx); return nil }, opts...)
	if err != nil {
		t.Errorf("Run: %v", err)
	}
	return reports
}

// ok fails the test at once if err is not nil.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// equal compares what came with what was wanted.
func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// matches checks err against each of targets with errors.Is.
func matches(t *testing.T, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("error %v (%T) does not match %v", err, err, target)
		}
	}
}

// site is a server of net/http, on goroutines of its own.
func site(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// text reads a body to its end.
func text(ctx context.Context, t *testing.T, r *aiohttp.Response, err error) string {
	t.Helper()
	ok(t, err)
	body, err := r.Text(ctx)
	ok(t, err)
	return body
}

// resources are what a test may not leave behind.
type resources struct{ goroutines, descriptors int }

// resourcesNow counts them. The idle stacks of a loop are no goroutines of anybody.
func resourcesNow() resources {
	buf := make([]byte, 1<<20)
	stacks := string(buf[:runtime.Stack(buf, true)])
	return resources{strings.Count("\n"+
		stacks, "\ngoroutine ") - strings.Count(stacks, " [coroutine"), leaktest.Descriptors()}
}

// watching has the loop open what it watches connections with, which stays open.
func watching(ctx context.Context, t *testing.T) {
	t.Helper()
	s, err := transport.Listen(ctx, "tcp", "127.0.0.1:0", func() transport.Protocol { return transport.BaseProtocol{} })
	ok(t, err)
	s.Close()
}

// comeBack waits until there is no more in use than before: what has been told to end needs a moment.
func (before resources) comeBack(t *testing.T) {
	t.Helper()
	// nothing tells when a goroutine has ended
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		now := resourcesNow()
		if now.goroutines <= before.goroutines && now.descriptors <= before.descriptors {
			return
		}
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("left behind: had %+v, have %+v\n%s", before, now, buf[:runtime.Stack(buf, true)])
		}
	}
}

// yields lets the loop run n passes.
func yields(ctx context.Context, n int) {
	for range n {
		aio.Yield(ctx)
	}
}

func equalSlices[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// raw sends a request as it is and returns all that comes until the server closes the connection.
func raw(t *testing.T, to net.Addr, request string) string {
	t.Helper()
	conn, err := net.Dial(to.Network(), to.String())
	ok(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	_, err = io.WriteString(conn, request)
	ok(t, err)
	answer, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
	return string(answer)
}

// logBuffer keeps what is logged.
type logBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

func (b *logBuffer) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all.Reset()
}
