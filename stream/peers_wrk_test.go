package stream_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// toy is an HTTP/1.1 server that keeps connections: it answers each request with its path, until
// the client leaves or asks to close. It counts what it has answered.
func toy(requests *int) stream.Handler {
	return func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		for {
			head, err := r.ReadUntil(ctx, []byte("\r\n\r\n"))
			if err != nil {
				return onlyCancelled(err)
			}
			fields := strings.Fields(string(head))
			if len(fields) < 3 || fields[0] != "GET" || fields[2] != "HTTP/1.1" {
				fmt.Fprintf(w, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
				return nil
			}
			*requests++
			fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s",
				len(fields[1]), fields[1])
			if err := w.Drain(ctx); err != nil {
				return onlyCancelled(err)
			}
			if bytes.Contains(bytes.ToLower(head), []byte("connection: close")) {
				return nil
			}
		}
	}
}

// wrk measures; here it is a client that is in a hurry, on many connections, and that counts
// errors. A second is the least it can be told.
func TestWrkTalksToOurServer(t *testing.T) {
	if _, err := exec.LookPath("wrk"); err != nil {
		t.Skip("there is no wrk on this machine")
	}
	a := tlstest.New(t)
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			var opts []transport.Option
			if scheme == "https" {
				opts = append(opts, transport.TLS(a.Server()))
			}
			run(t, func(ctx context.Context) {
				answered := 0
				listen(ctx, t, toy(&answered), func(address string) {
					report := output(ctx, t, "wrk", "--threads", "1", "--connections", "20", "--duration", "1s",
						"--timeout", "30s",
						scheme+"://"+address+"/from/wrk")
					m := regexp.MustCompile(`(\d+) requests in`).FindStringSubmatch(report)
					if m == nil {
						t.Fatalf("wrk said\n%s", report)
					}
					// What was under way at the end wrk does not count, one request a connection.
					if n, _ := strconv.Atoi(m[1]); n == 0 || n > answered || answered > n+20 {
						t.Errorf("wrk counts %d answers, the server %d", n, answered)
					}
					if strings.Contains(report, "Socket errors") || strings.Contains(report, "Non-2xx") {
						t.Errorf("wrk met with errors:\n%s", report)
					}
				}, opts...)
			})
		})
	}
}
