package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/aio-go/aio/internal/looptest"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// echo sends back every line it gets.
func echo(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	for line, err := range r.Lines(ctx) {
		if err != nil {
			return err
		}
		w.Write(line)
		if err := w.Drain(ctx); err != nil {
			return err
		}
	}
	return nil
}

// listen serves handler on a free port and returns its address; the server is closed with its last
// connection when body returns.
func listen(
	ctx context.Context,
	t *testing.T,
	handler stream.Handler,
	body func(address string),
	opts ...transport.Option,
) {
	t.Helper()
	s, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", handler, opts...)
	ok(t, err)
	body(s.Addrs()[0].String())
	s.Close()
	ok(t, s.WaitClosed(ctx))
}

// dial opens a connection.
func dial(
	ctx context.Context, t *testing.T, address string, opts ...transport.Option,
) (*stream.Reader, *stream.Writer) {
	t.Helper()
	r, w, err := stream.Open(ctx, "tcp", address, opts...)
	ok(t, err)
	return r, w
}

// shut closes a connection and waits for its end.
func shut(ctx context.Context, t *testing.T, w *stream.Writer) {
	t.Helper()
	w.Close()
	if err := w.WaitClosed(ctx); err != nil {
		t.Errorf("WaitClosed: %v", err)
	}
}

// converse sends a line and checks the echo.
func converse(ctx context.Context, t *testing.T, r *stream.Reader, w *stream.Writer, line string) {
	t.Helper()
	w.WriteString(line)
	got, err := r.ReadLine(ctx)
	expect(t, got, err, line)
}

// Conformance: S-001, S-031, S-040.
func TestALineIsEchoed(t *testing.T) {
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			listen(ctx, t, echo, func(address string) {
				r, w := dial(ctx, t, address)
				converse(ctx, t, r, w, "hello world!\n")
				w.WriteLines([]byte("one\n"), []byte("two\n"), []byte("rest"))
				ok(t, w.WriteEOF())
				got, err := r.ReadAll(ctx)
				expect(t, got, err, "one\ntwo\nrest")
				shut(ctx, t, w)
			})
		})
	})
}

// Conformance: S-002, S-031, US-001.
func TestALineIsEchoedOverAUnixSocket(t *testing.T) {
	looptest.NeedUnixSockets(t)
	path := looptest.SocketPath(t)
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			s, err := stream.Serve(ctx, "unix", path, echo)
			ok(t, err)
			r, w, err := stream.Open(ctx, "unix", path)
			ok(t, err)
			converse(ctx, t, r, w, "hello\n")
			shut(ctx, t, w)
			s.Close()
			ok(t, s.WaitClosed(ctx))
		})
	})
}

// Conformance: S-003, TL-003, TL-030.
func TestALineIsEchoedOverTLS(t *testing.T) {
	a := tlstest.New(t)
	path := looptest.SocketPath(t)
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			for _, network := range looptest.Networks(t) {
				address := map[string]string{"tcp": "localhost:0", "unix": path}[network]
				s, err := stream.Serve(ctx, network, address, echo, transport.TLS(a.Server()))
				ok(t, err)
				if network == "tcp" {
					address = fmt.Sprintf("localhost:%d", s.Addrs()[0].(*net.TCPAddr).Port)
				}
				opts := []transport.Option{transport.TLS(a.Client())}
				if network == "unix" {
					opts = append(opts, transport.ServerName("localhost"))
				}
				r, w, err := stream.Open(ctx, network, address, opts...)
				ok(t, err)
				converse(ctx, t, r, w, "hello\n")
				if state, secured := w.TLSConnectionState(); !secured ||
					state.PeerCertificates[0].Subject.CommonName != "localhost" {
					t.Errorf("connection state %v", secured)
				}
				if w.CanWriteEOF() || !errors.Is(w.WriteEOF(), stream.ErrNoHalfClose) {
					t.Error("TLS cannot end one direction")
				}
				shut(ctx, t, w)
				s.Close()
				ok(t, s.WaitClosed(ctx))
			}
		})
	})
}

// Conformance: TL-001, TL-002.
func TestManyClientsTalkTLSAtOnce(t *testing.T) {
	const clients, size = 25, 1 << 20
	a := tlstest.New(t)
	data := noise(size)
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				got, err := r.ReadExactly(ctx, size)
				if err != nil || !bytes.Equal(got, data) {
					return fmt.Errorf("the upload failed: %v", err)
				}
				w.WriteString("OK\n")
				line, err := r.ReadLine(ctx)
				if err != nil || string(line) != "thanks\n" {
					return fmt.Errorf("got %q, %v", line, err)
				}
				w.Write(data)
				return w.Drain(ctx)
			}
			listen(ctx, t, handler, func(address string) {
				err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
					for range clients {
						g.Go(func(ctx context.Context) error {
							r, w, err := stream.Open(ctx, "tcp", address, transport.TLS(a.Client()))
							if err != nil {
								return err
							}
							defer w.Close()
							w.Write(data)
							if err := w.Drain(ctx); err != nil {
								return err
							}
							if line, err := r.ReadLine(ctx); err != nil || string(line) != "OK\n" {
								return fmt.Errorf("got %q, %v", line, err)
							}
							w.WriteString("thanks\n")
							got, err := r.ReadAll(ctx)
							if err != nil || !bytes.Equal(got, data) {
								return fmt.Errorf("the download of %d bytes failed: %v", len(got), err)
							}
							w.Close()
							return w.WaitClosed(ctx)
						})
					}
					return nil
				})
				ok(t, err)
			}, transport.TLS(a.Server()))
		})
	})
}

// Conformance: TL-002, CN-018, CN-019, CN-023.
func TestConnectionsAndListenersMadeElsewhereAreAdopted(t *testing.T) {
	a := tlstest.New(t)
	for _, secured := range []bool{false, true} {
		var sopts, copts []transport.Option
		if secured {
			sopts = append(sopts, transport.TLS(a.Server()))
			copts = append(copts, transport.TLS(a.Client()), transport.ServerName("localhost"))
		}
		onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			ok(t, err)
			run(func(ctx context.Context) {
				s, err := stream.AdoptListener(ctx, ln, echo, sopts...)
				ok(t, err)
				conn, err := net.Dial("tcp", s.Addrs()[0].String())
				ok(t, err)
				r, w, err := stream.Adopt(ctx, conn, append(copts, stream.Limit(100))...)
				ok(t, err)
				converse(ctx, t, r, w, "hello\n")
				shut(ctx, t, w)
				s.Close()
				ok(t, s.WaitClosed(ctx))
				conn, err = net.Dial("tcp", s.Addrs()[0].String())
				if err == nil {
					conn.Close()
					t.Error("the closed server accepts")
				}
			})
		})
	}
	panics(t, func() { stream.AdoptListener(t.Context(), nil, nil) }, "AdoptListener",
		"handler is nil")
}

func TestAnOptionOfThisPackageMeansNothingToTransport(t *testing.T) {
	run(t, func(ctx context.Context) {
		listen(ctx, t, echo, func(address string) {
			c, err := transport.Connect(ctx, "tcp", address, transport.BaseProtocol{}, stream.Limit(5))
			ok(t, err)
			c.Close()
		})
		if _, _, err := stream.Open(ctx, "tcp", "127.0.0.1:0"); err == nil {
			t.Error("port 0 was connected to")
		}
	})
}

func TestAWriterDescribesItself(t *testing.T) {
	run(t, func(ctx context.Context) {
		listen(ctx, t, echo, func(address string) {
			_, w := dial(ctx, t, address)
			check := func(part string) {
				t.Helper()
				if !strings.Contains(w.String(), part) {
					t.Errorf("%q lacks %q", w, part)
				}
			}
			check("Writer to " + address)
			if w.Transport().RemoteAddr().String() != address || w.RemoteAddr().String() != address {
				t.Errorf("the peer is %v", w.RemoteAddr())
			}
			w.Close()
			check("closing")
			w.WaitClosed(ctx)
			check("lost")
		})
	})
}
