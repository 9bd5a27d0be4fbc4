package stream_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

func TestALibraryForNetConnWorksOnAStream(t *testing.T) {
	run(t, func(ctx context.Context) {
		listen(ctx, t, serveHTTP, func(address string) {
			r, w := dial(ctx, t, address)
			conn := stream.NetConn(ctx, r, w)
			req, err := http.NewRequest("GET", "http://localhost/some/path", nil)
			ok(t, err)
			ok(t, req.Write(conn))
			resp, err := http.ReadResponse(bufio.NewReader(conn), req)
			ok(t, err)
			body, err := io.ReadAll(resp.Body)
			expect(t, body, err, "/some/path")
			if conn.RemoteAddr().String() != address || conn.LocalAddr() == nil {
				t.Errorf("the peer is %v", conn.RemoteAddr())
			}
			ok(t, conn.Close())
			ok(t, w.WaitClosed(ctx))
		})
		listen(ctx, t, echo, func(address string) {
			r, w := dial(ctx, t, address)
			text := textproto.NewConn(stream.NetConn(ctx, r, w))
			for _, line := range []string{"hello", "world"} {
				ok(t, text.PrintfLine("%s", line))
				got, err := text.ReadLine()
				expect(t, []byte(got), err, line)
			}
			ok(t, text.Close())
			ok(t, w.WaitClosed(ctx))
		})
	})
}

func TestDeadlinesOfANetConn(t *testing.T) {
	run(t, func(ctx context.Context) {
		sink := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			_, err := r.ReadAll(ctx)
			return err
		}
		listen(ctx, t, sink, func(address string) {
			d := &dam{Network: transport.NetworkFrom(ctx)}
			r, w := dial(transport.WithNetwork(ctx, d), t, address)
			conn := stream.NetConn(ctx, r, w)
			p := make([]byte, 9)
			timedOut := func(err error) {
				t.Helper()
				var ne net.Error
				if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
					t.Errorf("error %v, want a time-out", err)
				}
			}
			conn.SetDeadline(aio.RunningLoop(ctx).Time().Add(-time.Second)) // past
			_, err := conn.Read(p)
			timedOut(err)
			_, err = conn.Write(p)
			timedOut(err)

			conn.SetDeadline(time.Time{})
			task := aio.Start(ctx, func(context.Context) error { _, err := conn.Read(p); return err })
			aio.Yield(ctx)
			if _, err := conn.Read(p); !errors.Is(err, stream.ErrBusy) {
				t.Errorf("a second reader got %v", err)
			}
			conn.SetReadDeadline(aio.RunningLoop(ctx).Time().Add(time.Hour)) // moved while the task waits
			conn.SetReadDeadline(aio.RunningLoop(ctx).Time().Add(time.Millisecond))
			_, err = task.Await(ctx)
			timedOut(err)

			conn.SetReadDeadline(time.Time{})
			task = aio.Start(ctx, func(context.Context) error { _, err := conn.Read(p); return err })
			aio.Yield(ctx)
			task.Cancel(nil)
			_, err = task.Await(ctx)
			matches(t, err, aio.ErrCancelled)

			d.shut()
			conn.SetWriteDeadline(aio.RunningLoop(ctx).Time().Add(time.Millisecond))
			_, err = conn.Write(make([]byte, 128<<10))
			timedOut(err)
			d.open()
			conn.Close()
			ok(t, w.WaitClosed(ctx))
			_, err = conn.Write(p)
			matches(t, err, os.ErrDeadlineExceeded)
			conn.SetWriteDeadline(time.Time{})
			_, err = conn.Write(p)
			matches(t, err, net.ErrClosed)
			if _, err = conn.Read(p); err != io.EOF {
				t.Errorf("read %v, want the end", err)
			}
		})
	})
}
