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
			second := aio.Start(ctx, func(context.Context) error { _, err := conn.Read(p); return err })
			aio.Yield(ctx)
			conn.SetReadDeadline(aio.RunningLoop(ctx).Time().Add(time.Hour)) // moved while the tasks wait
			conn.SetReadDeadline(aio.RunningLoop(ctx).Time().Add(time.Millisecond))
			_, err = task.Await(ctx)
			timedOut(err)
			_, err = second.Await(ctx)
			timedOut(err)

			conn.SetReadDeadline(time.Time{})
			task = aio.Start(ctx, func(context.Context) error { _, err := conn.Read(p); return err })
			aio.Yield(ctx)
			task.Cancel(nil)
			_, err = task.Await(ctx)
			matches(t, err, aio.ErrCancelled)

			d.shut()
			n := 0
			task = aio.Start(ctx, func(context.Context) (err error) {
				n, err = conn.Write(make([]byte, 1<<20))
				return err
			})
			for w.Transport().WriteBufferSize() == 0 {
				ok(t, aio.Yield(ctx))
			}
			conn.SetWriteDeadline(aio.RunningLoop(ctx).Time())
			_, err = task.Await(ctx)
			timedOut(err)
			if n != w.Transport().WriteBufferSize() || n == 0 || n == 1<<20 {
				t.Errorf("%d bytes counted as written, %d were handed on", n, w.Transport().WriteBufferSize())
			}
			d.open()
			conn.SetWriteDeadline(time.Time{})
			n, err = conn.Write(make([]byte, 1<<20))
			ok(t, err)
			if n != 1<<20 {
				t.Errorf("%d bytes written", n)
			}
			conn.Close()
			ok(t, conn.Close())
			ok(t, w.WaitClosed(ctx))
			_, err = conn.Write(p)
			matches(t, err, net.ErrClosed)
			_, err = conn.Read(p)
			matches(t, err, net.ErrClosed)
			matches(t, conn.SetDeadline(time.Time{}), net.ErrClosed)
		})
	})
}

func TestCloseOfANetConnEndsWhatTasksWaitFor(t *testing.T) {
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			silent := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				r.ReadAll(ctx)
				return nil
			}
			listen(ctx, t, silent, func(address string) {
				d := &dam{Network: transport.NetworkFrom(ctx)}
				r, w := dial(transport.WithNetwork(ctx, d), t, address)
				conn := stream.NetConn(ctx, r, w)
				d.shut()
				var tasks []*aio.Task[aio.None]
				for range 2 { // one waits for the peer, one for the other
					tasks = append(tasks,
						aio.Start(ctx, func(context.Context) error {
							_, err := conn.Read(make([]byte, 9))
							return err
						}),
						aio.Start(ctx, func(context.Context) error {
							_, err := conn.Write(make([]byte, 1<<20))
							return err
						}))
				}
				yields(ctx, 3)
				ok(t, conn.Close())
				for i, task := range tasks {
					_, err := task.Await(ctx)
					matches(t, err, net.ErrClosed)
					if _, ok := err.(*net.OpError); !ok {
						t.Errorf("task %d: %T", i, err)
					}
				}
				w.Abort()
			})
		})
	})
}

func TestTasksThatShareANetConnTakeTurns(t *testing.T) {
	run(t, func(ctx context.Context) {
		listen(ctx, t, echo, func(address string) {
			r, w := dial(ctx, t, address)
			conn := stream.NetConn(ctx, r, w)
			var got []string
			var tasks []*aio.Task[aio.None]
			for range 3 {
				tasks = append(tasks, aio.Start(ctx, func(context.Context) error {
					p := make([]byte, 4)
					n, err := io.ReadFull(conn, p[:4])
					got = append(got, string(p[:n]))
					return err
				}))
			}
			yields(ctx, 2)
			for _, text := range []string{"one\n", "two\n", "six\n"} {
				_, err := conn.Write([]byte(text))
				ok(t, err)
			}
			for _, task := range tasks {
				_, err := task.Await(ctx)
				ok(t, err)
			}
			if len(got) != 3 {
				t.Errorf("read %q", got)
			}
			ok(t, conn.Close())
			ok(t, w.WaitClosed(ctx))
		})
	})
}

func TestTheTransportOfNetHTTPUsesANetConnFromItsGoroutines(t *testing.T) {
	run(t, func(ctx context.Context) {
		listen(ctx, t, serveHTTP, func(address string) {
			r, w := dial(ctx, t, address)
			conn := stream.NetConn(ctx, r, w)
			transport := &http.Transport{
				DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
			}
			body, err := aio.ToThread(ctx, func(context.Context) ([]byte, error) {
				resp, err := (&http.Client{Transport: transport}).Get("http://localhost/from/a/goroutine")
				if err != nil {
					return nil, err
				}
				defer resp.Body.Close()
				return io.ReadAll(resp.Body)
			})
			expect(t, body, err, "/from/a/goroutine")
			_, err = aio.ToThread(ctx, func(context.Context) (int, error) {
				transport.CloseIdleConnections()
				conn.Close()
				return 0, conn.SetDeadline(time.Now())
			})
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("SetDeadline after Close: got %v", err)
			}
			ok(t, w.WaitClosed(ctx))
		})
	})
}

func TestACallbackOfTheLoopClosesANetConn(t *testing.T) {
	run(t, func(ctx context.Context) {
		listen(ctx, t, echo, func(address string) {
			r, w := dial(ctx, t, address)
			conn := stream.NetConn(ctx, r, w)
			aio.RunningLoop(ctx).CallSoon(func() {
				conn.SetDeadline(time.Time{})
				conn.Close()
			})
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v", err)
			}
			ok(t, w.WaitClosed(ctx))
		})
	})
}

func TestANetConnOfAClosedLoopFailsOnOtherGoroutines(t *testing.T) {
	var conn net.Conn
	run(t, func(ctx context.Context) {
		listen(ctx, t, echo, func(address string) {
			r, w := dial(ctx, t, address)
			conn = stream.NetConn(ctx, r, w)
			w.Close()
			ok(t, w.WaitClosed(ctx))
		})
	})
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, aio.ErrLoopClosed) {
		t.Errorf("Read: got %v", err)
	}
	if _, err := conn.Write([]byte("x")); !errors.Is(err, aio.ErrLoopClosed) {
		t.Errorf("Write: got %v", err)
	}
	ok(t, conn.Close())
}

// What was read from a connection before it was adopted is read first.
func TestAnAdoptedConnectionReturnsWhatWasReadBefore(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(peer, "onetwo")
	if cw, ok := peer.(*net.TCPConn); ok {
		cw.CloseWrite()
	}
	before := make([]byte, 3)
	if _, err := io.ReadFull(conn, before); err != nil {
		t.Fatal(err)
	}
	err = aio.Run(t.Context(), func(ctx context.Context) error {
		r, w, err := stream.Adopt(ctx, conn, transport.AlreadyReceived(before))
		if err != nil {
			return err
		}
		defer w.Close()
		all, err := io.ReadAll(stream.NetConn(ctx, r, w))
		if string(all) != "onetwo" {
			t.Errorf("read %q", all)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
