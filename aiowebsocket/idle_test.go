package aiowebsocket_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiowebsocket"
	"github.com/gobwas/ws"
)

// inUse is the memory of the process: what is live on the heap, and the stacks.
func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// AIO_LARGE=1 makes 10,000 connections of the 500. The clients are another process, so the memory
// in the log is that of the server alone.
func TestIdleConnectionsNeedNoGoroutineAndLittleMemory(t *testing.T) {
	n, most := 500, int64(24<<10)
	if os.Getenv("AIO_LARGE") != "" {
		n = 10_000
	}
	run(t, func(ctx context.Context) {
		count := 0
		url := serve(ctx, t, aiowebsocket.Options{},
			func(ctx context.Context, c *aiowebsocket.Conn, r *http.Request) error {
				count++
				return echo(ctx, c, r)
			})
		before, goroutines := inUse(), runtime.NumGoroutine()
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), "AIO_TEST_CLIENTS="+strings.TrimPrefix(url, "ws://"),
			fmt.Sprint("AIO_TEST_COUNT=", n))
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		ok(t, err)
		out, err := cmd.StdoutPipe()
		ok(t, err)
		ok(t, cmd.Start())
		defer cmd.Wait()
		lines := bufio.NewReader(out)
		wait := func() {
			line, err := aio.ToThread(ctx, func(context.Context) (string, error) {
				return lines.ReadString('\n')
			})
			ok(t, err)
			equal(t, "clients", line, "ready\n")
		}
		wait()
		per := (int64(inUse()) - int64(before)) / int64(n)
		t.Logf("%d connections, %d bytes each", n, per)
		if per > most {
			t.Errorf("a connection needs %d bytes, want at most %d", per, most)
		}
		// Each handler is a suspended task: a coroutine, which the runtime counts as a goroutine.
		equal(t, "stacks a connection", (runtime.NumGoroutine()-goroutines)/n, 1)
		equal(t, "handlers", count, n)
		io.WriteString(in, "go on\n")
		wait() // each has talked again
		in.Close()
	})
}

// idleClients is the process of the clients: it talks, waits for a line, and talks again.
func idleClients(addr string) {
	n, _ := strconv.Atoi(os.Getenv("AIO_TEST_COUNT"))
	conns := make([]net.Conn, n)
	for i := range conns {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			log.Fatal(err)
		}
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		conns[i] = c
		if err := talk(c, true); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("ready")
	in := bufio.NewReader(os.Stdin)
	in.ReadString('\n')
	for _, c := range conns {
		if err := talk(c, false); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("ready")
	in.ReadString('\n')
}

// talk sends a message and reads it, after the answer to the handshake.
func talk(c net.Conn, first bool) error {
	br := bufio.NewReaderSize(c, 256)
	if first {
		if _, err := http.ReadResponse(br, nil); err != nil {
			return err
		}
	}
	if _, err := c.Write(fr(ws.OpText, true, "hello")); err != nil {
		return err
	}
	if got := make([]byte, 7); true {
		if _, err := io.ReadFull(br, got); err != nil || string(got) != "\x81\x05hello" {
			return io.ErrUnexpectedEOF
		}
	}
	return nil
}
