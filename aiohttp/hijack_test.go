package aiohttp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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

// A task of OnLoop takes the connection of net/http over, and its waits suspend only that task.
func TestATaskOfOnLoopTakesTheConnectionOver(t *testing.T) {
	for _, secure := range []bool{false, true} {
		loop, _ := serving(t)
		asked := make(chan struct{})
		mux := http.NewServeMux()
		mux.HandleFunc("/ping", func(w http.ResponseWriter, r *http.Request) { close(asked) })
		mux.HandleFunc("/talk", func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := http.NewResponseController(w).Hijack()
			ok(t, err)
			defer conn.Close()
			equal(t, "read ahead", rw.Reader.Buffered(), 4) // as with net/http
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\nready\n")
			_, _, err = aio.Recv(r.Context(), asked) // another request is served meanwhile
			ok(t, err)
			for range 2 { // the first line came with the head
				line, err := rw.ReadString('\n')
				ok(t, err)
				fmt.Fprint(conn, "you said ", line)
			}
			ok(t, conn.SetReadDeadline(time.Now().Add(-time.Second)))
			_, err = conn.Read(make([]byte, 1))
			matches(t, err, os.ErrDeadlineExceeded)
			_, _, err = http.NewResponseController(w).Hijack()
			matches(t, err, http.ErrHijacked)
		})
		s := httptest.NewUnstartedServer(aiohttp.OnLoop(loop, mux))
		if secure {
			s.StartTLS()
		} else {
			s.Start()
		}
		dial := func() net.Conn {
			t.Helper()
			c, err := net.Dial("tcp", s.Listener.Addr().String())
			ok(t, err)
			if secure {
				c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
			}
			return c
		}
		c := dial()
		io.WriteString(c, "GET /talk HTTP/1.1\r\nHost: x\r\n\r\none\n")
		br := bufio.NewReader(c)
		for _, want := range []string{"HTTP/1.1 101 Switching Protocols\r\n", "\r\n", "ready\n"} {
			line, err := br.ReadString('\n')
			ok(t, err)
			equal(t, "line", line, want)
		}
		resp, err := s.Client().Get(s.URL + "/ping")
		ok(t, err)
		resp.Body.Close()
		io.WriteString(c, "two\n")
		rest, err := io.ReadAll(br)
		ok(t, err)
		equal(t, "talk", string(rest), "you said one\nyou said two\n")
		c.Close()
		s.CloseClientConnections()
		s.Close()
	}
}
