package aiohttp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// accessLogger leaves out what chance decides.
func accessLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w,
		&slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey, "duration", "remote":
				return slog.Attr{}
			}
			return a
		}}))
}

func TestAnAccessLogHasALineForEachAnswer(t *testing.T) {
	var logged bytes.Buffer
	run(t, func(ctx context.Context) {
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", http.HandlerFunc(func(
			w http.ResponseWriter, r *http.Request,
		) {
			if r.URL.Path == "/panic" {
				panic("oops")
			}
			io.WriteString(w, "hello")
		}), aiohttp.AccessLog(accessLogger(&logged)), func(s *http.Server) {
			s.ErrorLog = log.New(io.Discard, "", 0)
		})
		ok(t, err)
		defer s.Close()
		var c aiohttp.Client
		defer c.Close()
		for _, path := range []string{"/a", "/panic"} {
			r, err := c.Get(ctx, s.URL()+path)
			text(ctx, t, r, err)
		}
		ok(t, s.Shutdown(ctx))
		stats := s.Statistics()
		equal(t, "statistics", stats, aiohttp.ServerStatistics{Requests: 2})
	})
	equal(t, "log", strings.TrimSpace(logged.String()),
		`level=INFO msg=request method=GET path=/a proto=HTTP/1.1 status=200 bytes=5
level=INFO msg=request method=GET path=/panic proto=HTTP/1.1 status=500 bytes=22`)
}

// Each answer is logged, and the server tells what it has done.
func ExampleAccessLog() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var logged bytes.Buffer
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", http.NotFoundHandler(),
			aiohttp.AccessLog(accessLogger(&logged)))
		if err != nil {
			return err
		}
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, server.URL()+"/nothing")
		if err != nil {
			return err
		}
		r.Close()
		if err := server.Shutdown(ctx); err != nil {
			return err
		}
		fmt.Print(logged.String())
		fmt.Println(server.Statistics().Requests, "request")
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// level=INFO msg=request method=GET path=/nothing proto=HTTP/1.1 status=404 bytes=19
	// 1 request
}
