package aiohttp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// takenOver serves one connection, which a handler takes over and gives to use. The peer is a plain connection.
func takenOver(t *testing.T, use func(ctx context.Context, conn net.Conn, peer net.Conn)) {
	t.Helper()
	run(t, func(ctx context.Context) {
		peers := make(chan net.Conn, 1)
		done := aio.NewFuture[aio.None](ctx)
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer done.SetResult(aio.None{})
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			peer := <-peers
			defer peer.Close()
			use(r.Context(), conn, peer)
			conn.Close()
		}))
		ok(t, err)
		c, err := net.Dial("tcp", s.Addr().String())
		ok(t, err)
		peers <- c
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		_, err = done.Await(ctx)
		ok(t, err)
		s.Close()
	})
}

func TestAnExpiredDeadlineOfAHijackedConnectionHidesWhatHasCome(t *testing.T) {
	takenOver(t, func(ctx context.Context, conn, peer net.Conn) {
		io.WriteString(peer, "hello")
		p := make([]byte, 1)
		_, err := io.ReadFull(conn, p) // the rest is there
		ok(t, err)
		conn.SetReadDeadline(aio.RunningLoop(ctx).Time().Add(-time.Second))
		if n, err := conn.Read(p); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("late: %d, %v", n, err)
		}
		conn.SetReadDeadline(time.Time{})
		rest := make([]byte, 4)
		_, err = io.ReadFull(conn, rest)
		ok(t, err)
		equal(t, "the rest", string(p)+string(rest), "hello")
	})
}

func TestReadsOfAHijackedConnectionTakeTurnsAndEndWithIt(t *testing.T) {
	takenOver(t, func(ctx context.Context, conn, peer net.Conn) {
		got := make([]string, 2)
		var tasks []*aio.Task[aio.None]
		for i := range got {
			tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error {
				p := make([]byte, 3)
				_, err := io.ReadFull(conn, p)
				got[i] = string(p)
				return err
			}))
			aio.Yield(ctx)
		}
		io.WriteString(peer, "onetwo")
		for i, task := range tasks {
			_, err := task.Await(ctx)
			ok(t, err)
			equal(t, "read", got[i], []string{"one", "two"}[i])
		}
		tasks = nil
		for range 2 {
			tasks = append(tasks,
				aio.Start(ctx, func(ctx context.Context) error { _, err := conn.Read(make([]byte, 1)); return err }),
				aio.Start(ctx, func(ctx context.Context) error { _, err := conn.Write(make([]byte, 32<<20)); return err }))
		}
		aio.Yield(ctx)
		aio.Yield(ctx)
		ok(t, conn.Close())
		for _, task := range tasks {
			_, err := task.Await(ctx)
			matches(t, err, net.ErrClosed)
		}
	})
}
