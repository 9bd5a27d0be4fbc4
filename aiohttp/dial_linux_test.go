package aiohttp_test

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// net/http itself would go on dialling: a connection to an address that does not answer stays half
// open for minutes.
func TestACancelledRequestStopsDialling(t *testing.T) {
	address := deaf(t)
	run(t, func(ctx context.Context) {
		watching(ctx, t)
		before := resourcesNow()
		var c aiohttp.Client
		defer c.Close()
		for _, scheme := range []string{"http", "https"} {
			err := aio.Timeout(ctx, 20*time.Millisecond, func(ctx context.Context) error {
				_, err := c.Get(ctx, scheme+"://"+address)
				return err
			})
			matches(t, err, context.DeadlineExceeded)
		}
		ok(t, aio.Blocking(ctx, func(context.Context) error {
			before.plus(1, 0).comeBack(t)
			return nil
		}))
	})
}

// deaf returns an address that does not answer: one where nobody accepts, and the short line of
// those who wait is full.
func deaf(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	ok(t, err)
	t.Cleanup(func() { syscall.Close(fd) })
	ok(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	ok(t, syscall.Listen(fd, 0))
	name, err := syscall.Getsockname(fd)
	ok(t, err)
	address := fmt.Sprint("127.0.0.1:", name.(*syscall.SockaddrInet4).Port)
	for range 20 {
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Skip("the line is never full here")
	return ""
}
