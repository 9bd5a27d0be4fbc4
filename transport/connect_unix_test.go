//go:build unix

package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
)

// fullBacklog returns the address of a listener that takes no more connections, so that connecting
// to it hangs.
func fullBacklog(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", sa.(*syscall.SockaddrInet4).Port)
	for range 8 {
		c, err := net.DialTimeout("tcp", address, 100*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Skip("this system has no listener that is full")
	return ""
}

// Conformance: CN-006.
func TestAConnectThatTimesOutLeavesNothingOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, n Network) {
		address := fullBacklog(t)
		inLoop(t, n, func(ctx context.Context, e *env) {
			before := leaktest.Descriptors()
			p := &recorder{}
			err := aio.Timeout(ctx, time.Millisecond, func(ctx context.Context) error {
				_, err := Connect(ctx, "tcp", address, p)
				return err
			})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want a time-out", err)
			}
			p.expect(e)
			hubOf(e.loop).helper.Wait()
			// The first descriptor a loop watches brings its poller, which is two sets; they stay.
			if after := leaktest.Descriptors(); after > before+2 {
				t.Errorf("%d descriptors before, %d after", before, after)
			}
		})
	})
}
