package stream_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// answers is an ordinary line protocol: each line is answered, "slow" only when go is set.
func answers(slow *aiosync.Event) stream.Handler {
	return func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		for line, err := range r.Lines(ctx) {
			if err != nil {
				return err
			}
			if string(line) == "slow\n" {
				if err := slow.Wait(ctx); err != nil {
					return err
				}
			}
			fmt.Fprintf(w, "got %s", line)
			if err := w.Drain(ctx); err != nil {
				return err
			}
		}
		w.WriteString("bye\n")
		return nil
	}
}

func TestAServerThatShutsDownEndsIdleConnectionsAndWaitsForTheOthers(t *testing.T) {
	a := tlstest.New(t)
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
		for name, secure := range map[string]bool{"plain": false, "tls": true} {
			t.Run(name, func(t *testing.T) {
				run(func(ctx context.Context) {
					var serverOpts, clientOpts []transport.Option
					if secure {
						serverOpts = []transport.Option{transport.TLS(a.Server())}
						clientOpts = []transport.Option{transport.TLS(a.Client())}
					}
					slow := new(aiosync.Event)
					answer, begun := answers(slow), 0
					handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
						begun++
						return answer(ctx, r, w)
					}
					server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", handler, serverOpts...)
					ok(t, err)
					address := server.Addrs()[0].String()

					// An answer to what was written with it tells that the server has a line, or
					// half of one.
					one := func(text string) (*stream.Reader, *stream.Writer) {
						r, w := dial(ctx, t, address, clientOpts...)
						w.WriteString("one\n" + text)
						line, err := r.ReadLine(ctx)
						expect(t, line, err, "got one\n")
						return r, w
					}
					silent, sw := dial(ctx, t, address, clientOpts...)
					defer sw.Close()
					used, uw := one("")
					defer uw.Close()
					busy, bw := one("slow\n")
					defer bw.Close()
					half, hw := one("ha")
					defer hw.Close()
					for begun < 4 { // a handshake may be over for the client alone
						ok(t, aio.Yield(ctx))
					}
					last, lw := dial(ctx, t, address, clientOpts...)
					defer lw.Close()
					lw.WriteString("last\n") // perhaps not received when the server shuts down
					line, err := last.ReadLine(ctx)
					expect(t, line, err, "got last\n")

					shutdown := aio.Start(ctx, server.Shutdown)
					for _, r := range []*stream.Reader{silent, used, last} {
						rest, err := r.ReadAll(ctx)
						expect(t, rest, err, "bye\n")
					}
					if _, _, err := stream.Open(ctx, "tcp", address, clientOpts...); err == nil {
						t.Error("it still accepts")
					}
					if shutdown.Done() {
						t.Fatal("it did not wait for those that are busy")
					}
					hw.WriteString("lf\n")
					rest, err := half.ReadAll(ctx)
					expect(t, rest, err, "got half\nbye\n")
					if shutdown.Done() {
						t.Fatal("it did not wait for the one that is busy")
					}
					slow.Set()
					rest, err = busy.ReadAll(ctx)
					expect(t, rest, err, "got slow\nbye\n")
					_, err = shutdown.Await(ctx)
					ok(t, err)
					ok(t, server.WaitClosed(ctx))
					ok(t, server.Shutdown(ctx)) // once more
				})
			})
		}
	})
}

func TestAShutdownThatTakesTooLongAbortsAndCancels(t *testing.T) {
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			never := new(aiosync.Event)
			var ended []error
			handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				err := answers(never)(ctx, r, w)
				ended = append(ended, err)
				return err
			}
			server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", handler)
			ok(t, err)
			r, w := dial(ctx, t, server.Addrs()[0].String())
			defer w.Close()
			w.WriteString("now\nslow\n")
			line, err := r.ReadLine(ctx)
			expect(t, line, err, "got now\n")
			err = aio.Timeout(ctx, time.Millisecond, server.Shutdown)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("err %v", err)
			}
			ok(t, server.WaitClosed(ctx))
			for len(ended) == 0 {
				ok(t, aio.Yield(ctx))
			}
			if len(ended) != 1 || !errors.Is(ended[0], aio.ErrCancelled) {
				t.Errorf("the handler ended with %v", ended)
			}
			if rest, _ := r.ReadAll(ctx); len(rest) != 0 {
				t.Errorf("read %q", rest)
			}
		})
	})
}

// A handler's work after it has closed its connection still counts.
func TestAShutdownWaitsForAHandlerWhoseConnectionHasEnded(t *testing.T) {
	run(t, func(ctx context.Context) {
		written := new(aiosync.Event)
		done := false
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				w.Close()
				err := written.Wait(ctx)
				done = true
				return err
			})
		ok(t, err)
		r, w := dial(ctx, t, server.Addrs()[0].String())
		_, err = r.ReadAll(ctx)
		ok(t, err)
		w.Close()
		shutdown := aio.Start(ctx, server.Shutdown)
		ok(t, server.WaitClosed(ctx)) // until it has closed, too
		yields(ctx, 5)
		if shutdown.Done() || done {
			t.Error("it did not wait")
		}
		written.Set()
		_, err = shutdown.Await(ctx)
		ok(t, err)
		if !done {
			t.Error("it did not wait for the end")
		}
	})
}

func TestAShutdownIsNotTakenForTheEndOfWhatAPeerSends(t *testing.T) {
	for name, read := range map[string]func(ctx context.Context, r *stream.Reader) ([]byte, error){
		"ReadAll": func(ctx context.Context, r *stream.Reader) ([]byte, error) { return r.ReadAll(ctx) },
		"Read": func(ctx context.Context, r *stream.Reader) (all []byte, err error) {
			p := make([]byte, 4)
			for {
				n, err := r.Read(ctx, p)
				if all = append(all, p[:n]...); err == io.EOF {
					return all, nil
				} else if err != nil {
					return all, err
				}
			}
		},
	} {
		sub(t, name, func(t *testing.T, ctx context.Context) {
			received, arrived := "", aiosync.Event{}
			server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
				func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
					for r.Buffered() < len("half") {
						ok(t, aio.Yield(ctx))
					}
					arrived.Set()
					data, err := read(ctx, r)
					received = string(data)
					return err
				})
			ok(t, err)
			_, w := dial(ctx, t, server.Addrs()[0].String())
			defer w.Close()
			w.WriteString("half")
			ok(t, arrived.Wait(ctx))
			yields(ctx, 20) // the handler reads
			shutdown := aio.Start(ctx, server.Shutdown)
			yields(ctx, 20)
			w.WriteString(" and half")
			ok(t, w.WriteEOF())
			_, err = shutdown.Await(ctx)
			ok(t, err)
			if received != "half and half" {
				t.Errorf("received %q", received)
			}
		})
	}
}

func TestIdleConnectionsDoNotTakeTheDrainOfALoop(t *testing.T) {
	var reports []aio.Report
	started := time.Now()
	ok(t, aio.Run(t.Context(), func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", answers(nil))
		ok(t, err)
		r, w := dial(ctx, t, server.Addrs()[0].String())
		w.WriteString("one\n")
		line, err := r.ReadLine(ctx)
		expect(t, line, err, "got one\n")
		return nil
	}, aio.WithShutdown(time.Hour, time.Second),
		aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) { reports = append(reports, r) })))
	if len(reports) > 0 || time.Since(started) > time.Minute {
		t.Errorf("%v after %v", reports, time.Since(started))
	}
}

func TestAServerOfOtherProtocolsShutsDownToo(t *testing.T) {
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			server, err := transport.Listen(ctx, "tcp", "127.0.0.1:0", func() transport.Protocol {
				return transport.BaseProtocol{}
			})
			ok(t, err)
			r, w := dial(ctx, t, server.Addrs()[0].String())
			defer w.Close()
			for server.Statistics().Active == 0 {
				ok(t, aio.Yield(ctx))
			}
			ok(t, server.Shutdown(ctx))
			rest, err := r.ReadAll(ctx)
			expect(t, rest, err, "")
		})
	})
}

func TestTheConnectionOfAHandlerThatFailsIsAborted(t *testing.T) {
	for _, n := range []transport.Network{transport.Native(), transport.Portable()} {
		reports := reportsOf(t, func(ctx context.Context) {
			ctx = transport.WithNetwork(ctx, n)
			failed := errors.New("out of paper")
			server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
				func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
					if line, _ := r.ReadLine(ctx); string(line) == "much\n" {
						w.Write(make([]byte, 32<<20)) // the peer does not read
					} else {
						w.WriteString("500 " + failed.Error() + "\n")
					}
					return failed
				})
			ok(t, err)
			_, w := dial(ctx, t, server.Addrs()[0].String(), stream.Limit(10))
			defer w.Abort()
			w.WriteString("much\n")
			r, w2 := dial(ctx, t, server.Addrs()[0].String())
			w2.WriteString("little\n")
			rest, err := r.ReadAll(ctx)
			expect(t, rest, err, "500 out of paper\n")
			w2.Close()
			server.Close()
			ok(t, server.WaitClosed(ctx))
		})
		if len(reports) != 2 || !strings.Contains(reports[0].Message, "handler failed") {
			t.Errorf("reported %v", reports)
		}
	}
}

// midway is the connection of a client of TLS that stops in the middle of its handshake, after the server's answer.
type midway struct {
	net.Conn
	answered sync.Once
	there    chan struct{} // closed when the server has answered
	free     chan struct{}
}

func (m *midway) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	if n > 0 {
		m.answered.Do(func() { close(m.there) })
	}
	return n, err
}

func (m *midway) Write(p []byte) (int, error) {
	select {
	case <-m.there:
		<-m.free
	default:
	}
	return m.Conn.Write(p)
}

// A client is in the middle of its handshake when the server begins to shut down; another has not begun.
func TestAShutdownLetsHandshakesEnd(t *testing.T) {
	a := tlstest.New(t)
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", answers(nil), transport.TLS(a.Server()))
			ok(t, err)
			address := server.Addrs()[0].String()
			silent, sw := dial(ctx, t, address)
			defer sw.Abort()
			c, err := reach(address)
			ok(t, err)
			defer c.Close()
			m := &midway{Conn: c, there: make(chan struct{}), free: make(chan struct{})}
			said := aio.Start(ctx, func(ctx context.Context) error {
				answer, err := aio.ToThread(ctx, func(context.Context) ([]byte, error) {
					secured := tls.Client(m, clientOf(a))
					if err := secured.Handshake(); err != nil {
						return nil, err
					}
					io.WriteString(secured, "one\n")
					answer := make([]byte, len("got one\n"))
					_, err := io.ReadFull(secured, answer)
					secured.Close()
					return answer, err
				})
				expect(t, answer, err, "got one\n")
				return nil
			})
			_, _, err = aio.Recv(ctx, m.there)
			ok(t, err)
			over := aio.Start(ctx, server.Shutdown)
			silent.ReadAll(ctx) // until the server drops it
			close(m.free)
			_, err = said.Await(ctx)
			ok(t, err)
			_, err = over.Await(ctx)
			ok(t, err)
		})
	})
}
