package stream_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

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
func listen(ctx context.Context, t *testing.T, handler stream.Handler, body func(address string), opts ...transport.Option) {
	t.Helper()
	s, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", handler, opts...)
	ok(t, err)
	body(s.Addrs()[0].String())
	s.Close()
	ok(t, s.WaitClosed(ctx))
}

// dial opens a connection.
func dial(ctx context.Context, t *testing.T, address string, opts ...transport.Option) (*stream.Reader, *stream.Writer) {
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
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
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
	path := filepath.Join(t.TempDir(), "s")
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
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
	path := filepath.Join(t.TempDir(), "s")
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			for network, address := range map[string]string{"tcp": "localhost:0", "unix": path} {
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
				if state, secured := w.TLSConnectionState(); !secured || state.PeerCertificates[0].Subject.CommonName != "localhost" {
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
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
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

// Conformance: S-033, TL-017, TL-020.
func TestStreamsAreSecuredInTheMiddle(t *testing.T) {
	a := tlstest.New(t)
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				line, err := r.ReadLine(ctx)
				if err != nil || string(line) != "STARTTLS\n" {
					return fmt.Errorf("got %q, %v", line, err)
				}
				w.WriteString("go ahead\n")
				if err := w.StartTLS(ctx, a.Server()); err != nil {
					return err
				}
				return echo(ctx, r, w)
			}
			listen(ctx, t, handler, func(address string) {
				r, w := dial(ctx, t, strings.Replace(address, "127.0.0.1", "localhost", 1))
				w.WriteString("STARTTLS\n")
				line, err := r.ReadLine(ctx)
				expect(t, line, err, "go ahead\n")
				ok(t, w.StartTLS(ctx, a.Client())) // the name to verify is the host
				if state, secured := w.TLSConnectionState(); !secured || state.ServerName != "localhost" {
					t.Errorf("secured %v for %q", secured, state.ServerName)
				}
				converse(ctx, t, r, w, "secret\n")
				converse(ctx, t, r, w, "more\n")
				shut(ctx, t, w)
			})
		})
	})
}

// The client sends its hello right behind the command, so that the server's reader has it already.
func TestWhatWasReadTooEarlyBelongsToTheHandshake(t *testing.T) {
	a := tlstest.New(t)
	run(t, func(ctx context.Context) {
		handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			for r.Buffered() < 100 { // the command and the hello
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			if line, err := r.ReadLine(ctx); err != nil || string(line) != "STARTTLS\n" {
				return fmt.Errorf("got %q, %v", line, err)
			}
			if err := w.StartTLS(ctx, a.Server()); err != nil {
				return err
			}
			return echo(ctx, r, w)
		}
		listen(ctx, t, handler, func(address string) {
			r, w := dial(ctx, t, address)
			w.WriteString("STARTTLS\n")
			ok(t, w.StartTLS(ctx, a.Client()))
			converse(ctx, t, r, w, "secret\n")
			shut(ctx, t, w)
		})
	})
}

// Plain text smuggled in behind the command must not be taken for something that came secured.
func TestInjectedPlainTextFailsTheUpgrade(t *testing.T) {
	a := tlstest.New(t)
	run(t, func(ctx context.Context) {
		handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			for r.Buffered() < len("STARTTLS\nDELETE everything\n") {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			r.ReadLine(ctx)
			if err := w.StartTLS(ctx, a.Server()); err == nil {
				return errors.New("the upgrade succeeded")
			}
			if line, err := r.ReadLine(ctx); err == nil || len(line) > 0 {
				return fmt.Errorf("read %q, %v", line, err)
			}
			return nil
		}
		listen(ctx, t, handler, func(address string) {
			_, w := dial(ctx, t, address)
			w.WriteString("STARTTLS\nDELETE everything\n")
			if err := w.StartTLS(ctx, a.Client()); err == nil {
				t.Error("the upgrade succeeded")
			}
			w.Close()
			w.WaitClosed(ctx)
		})
	})
}

func TestWhatIsWrittenDuringAnUpgradeIsSentAfterwards(t *testing.T) {
	a := tlstest.New(t)
	run(t, func(ctx context.Context) {
		handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			r.ReadLine(ctx)
			if err := w.StartTLS(ctx, a.Server()); err != nil {
				return err
			}
			return echo(ctx, r, w)
		}
		listen(ctx, t, handler, func(address string) {
			r, w := dial(ctx, t, address)
			w.WriteString("STARTTLS\n")
			upgrade := aio.Start(ctx, func(ctx context.Context) error { return w.StartTLS(ctx, a.Client()) })
			aio.Yield(ctx)
			if _, secured := w.TLSConnectionState(); secured || w.CanWriteEOF() {
				t.Error("the upgrade is under way")
			}
			w.WriteString("written too early\n")
			ok(t, w.Drain(ctx))
			panics(t, func() { w.StartTLS(ctx, a.Client()) }, "StartTLS", "under way")
			got, err := r.ReadLine(ctx)
			expect(t, got, err, "written too early\n")
			_, err = upgrade.Await(ctx)
			ok(t, err)
			shut(ctx, t, w)
		})
	})
}

func TestClosingDuringAnUpgradeEndsIt(t *testing.T) {
	a := tlstest.New(t)
	run(t, func(ctx context.Context) {
		silent := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			_, err := r.ReadAll(ctx)
			return err
		}
		for name, end := range map[string]func(*stream.Writer){"Close": (*stream.Writer).Close, "Abort": (*stream.Writer).Abort} {
			listen(ctx, t, silent, func(address string) {
				_, w := dial(ctx, t, address)
				upgrade := aio.Start(ctx, func(ctx context.Context) error { return w.StartTLS(ctx, a.Client()) })
				yields(ctx, 3)
				end(w)
				if _, err := upgrade.Await(ctx); err == nil {
					t.Errorf("%s: the upgrade succeeded", name)
				}
				w.WaitClosed(ctx)
			})
		}
	})
}

// Conformance: S-004.
func TestALostConnectionFailsTheReaderAndClosesQuietly(t *testing.T) {
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			reset := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				w.Abort() // with data unread: the system resets the connection
				return nil
			}
			listen(ctx, t, reset, func(address string) {
				r, w := dial(ctx, t, address)
				w.Write(noise(1000))
				if _, err := r.ReadLine(ctx); err == nil {
					t.Error("the read succeeded")
				}
				w.Close()
				w.Close()
				w.WaitClosed(ctx)
			})
		})
	})
}

// Conformance: S-035.
func TestAllTasksThatDrainGoOnTogether(t *testing.T) {
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				_, err := r.ReadAll(ctx)
				return err
			}
			listen(ctx, t, handler, func(address string) {
				d := &dam{Network: transport.NetworkFrom(ctx)}
				_, w := dial(transport.WithNetwork(ctx, d), t, address)
				d.shut()
				w.Write(make([]byte, 128<<10))
				drained := 0
				var tasks []*aio.Task[aio.None]
				for range 10 {
					tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error {
						err := w.Drain(ctx)
						drained++
						return err
					}))
				}
				yields(ctx, 5)
				if drained > 0 {
					t.Fatal("the buffer is not full")
				}
				tasks[3].Cancel(nil) // does not keep the others
				d.open()
				for i, task := range tasks {
					_, err := task.Await(ctx)
					if i == 3 {
						matches(t, err, aio.ErrCancelled)
					} else {
						ok(t, err)
					}
				}
				shut(ctx, t, w)
			})
		})
	})
}

// Conformance: S-036.
func TestDrainTellsThatThePeerHasGone(t *testing.T) {
	a := tlstest.New(t)
	for _, secured := range []bool{false, true} {
		onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			ok(t, err)
			defer ln.Close()
			var opts []transport.Option
			if secured {
				ln = tls.NewListener(ln, a.Server())
				opts = append(opts, transport.TLS(a.Client()))
			}
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				if c, err := ln.Accept(); err == nil {
					if c, ok := c.(*tls.Conn); ok {
						c.Handshake()
					}
					c.Close()
				}
			}()
			run(func(ctx context.Context) {
				_, w := dial(ctx, t, ln.Addr().String(), opts...)
				<-gone
				var err error
				for range 1_000_000 { // bounded: the loop is never left alone
					w.WriteString("foo\n")
					if err = w.Drain(ctx); err != nil {
						break
					}
				}
				if err == nil {
					t.Error("writing to nobody goes on for ever")
				}
				if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
					t.Errorf("error %v, want one of the connection", err)
				}
				w.Close()
				w.WaitClosed(ctx)
			})
		})
	}
}

// Conformance: S-039.
func TestAClosedWriterIsClosingAtOnceAndClosedLater(t *testing.T) {
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			talkative := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				w.WriteString("unread data\n")
				_, err := r.ReadAll(ctx)
				return err
			}
			listen(ctx, t, talkative, func(address string) {
				r, w := dial(ctx, t, address)
				for r.Buffered() == 0 {
					ok(t, aio.Yield(ctx))
				}
				if w.IsClosing() {
					t.Error("closing before Close")
				}
				waiting := aio.Start(ctx, w.WaitClosed)
				impatient := aio.Start(ctx, w.WaitClosed)
				aio.Yield(ctx)
				impatient.Cancel(nil)
				w.Close()
				if !w.IsClosing() {
					t.Error("not closing after Close")
				}
				ok(t, w.WaitClosed(ctx))
				ok(t, w.WaitClosed(ctx))
				_, err := waiting.Await(ctx)
				ok(t, err)
				_, err = impatient.Await(ctx)
				matches(t, err, aio.ErrCancelled)
			})
		})
	})
}

// Conformance: S-041.
func TestAClosedWriterRefusesToWriteAndDrain(t *testing.T) {
	run(t, func(ctx context.Context) {
		listen(ctx, t, echo, func(address string) {
			_, w := dial(ctx, t, address)
			w.Close()
			for range 2 { // closing, and closed
				n, err := w.WriteString("late")
				if n != 0 {
					t.Errorf("%d bytes written", n)
				}
				matches(t, err, stream.ErrClosed, net.ErrClosed, syscall.ECONNRESET)
				matches(t, w.Drain(ctx), stream.ErrClosed, syscall.ECONNRESET)
				matches(t, w.StartTLS(ctx, tlstest.New(t).Client()), stream.ErrClosed)
				ok(t, w.WaitClosed(ctx))
			}
		})
	})
}

// Conformance: S-042.
func TestAWriterClosedHereEndsTheReader(t *testing.T) {
	run(t, func(ctx context.Context) {
		listen(ctx, t, echo, func(address string) {
			r, w := dial(ctx, t, address)
			w.Close()
			ok(t, w.WaitClosed(ctx))
			if !r.AtEOF() {
				t.Error("the reader is not at its end")
			}
			if n, err := r.Read(ctx, make([]byte, 9)); n != 0 || err != io.EOF {
				t.Errorf("%d, %v, want the end", n, err)
			}
		})
	})
}

func TestAHandlerIsATaskNamedAfterThePeer(t *testing.T) {
	type key struct{}
	run(t, func(ctx context.Context) {
		var name, value string
		handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			name = aio.CurrentTask(ctx).Name()
			value, _ = ctx.Value(key{}).(string)
			return nil
		}
		listen(context.WithValue(ctx, key{}, "inherited"), t, handler, func(address string) {
			r, w := dial(ctx, t, address)
			r.ReadAll(ctx) // the writer of the handler is closed when it returns
			if want := "stream handler for " + w.LocalAddr().String(); name != want {
				t.Errorf("name %q, want %q", name, want)
			}
			if value != "inherited" {
				t.Errorf("the handler's context has %q", value)
			}
			shut(ctx, t, w)
		})
	})
}

func TestAFailingHandlerIsReportedAndItsConnectionClosed(t *testing.T) {
	bad := errors.New("bad request")
	for name, handler := range map[string]stream.Handler{
		"error": func(context.Context, *stream.Reader, *stream.Writer) error { return bad },
		"panic": func(context.Context, *stream.Reader, *stream.Writer) error { panic(bad) },
	} {
		t.Run(name, func(t *testing.T) {
			reports := reportsOf(t, func(ctx context.Context) {
				listen(ctx, t, handler, func(address string) {
					r, w := dial(ctx, t, address)
					got, err := r.ReadAll(ctx)
					expect(t, got, err, "")
					shut(ctx, t, w)
				})
			})
			if len(reports) != 1 || !errors.Is(reports[0].Err, bad) || !strings.HasPrefix(reports[0].TaskName, "stream handler for ") {
				t.Errorf("reports %+v", reports)
			}
		})
	}
	panics(t, func() { stream.Serve(t.Context(), "tcp", "127.0.0.1:0", nil) }, "Serve", "nil")
}

// Conformance: S-045.
func TestACancelledHandlerIsNotReportedAndTheServerGoesOn(t *testing.T) {
	run(t, func(ctx context.Context) {
		cancelled := false
		handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			if !cancelled {
				cancelled = true
				aio.CurrentTask(ctx).Cancel(errors.New("enough"))
			}
			return echo(ctx, r, w)
		}
		listen(ctx, t, handler, func(address string) {
			r, w := dial(ctx, t, address)
			got, err := r.ReadAll(ctx)
			expect(t, got, err, "")
			shut(ctx, t, w)
			r, w = dial(ctx, t, address)
			converse(ctx, t, r, w, "still here\n")
			shut(ctx, t, w)
		})
	})
}

// Conformance: S-034.
func TestALargeTransferPassesThroughASmallReader(t *testing.T) {
	data := noise(4 << 20)
	for _, secured := range []bool{false, true} {
		a := tlstest.New(t)
		var sopts []transport.Option
		copts := []transport.Option{stream.Limit(1000)}
		if secured {
			sopts, copts = append(sopts, transport.TLS(a.Server())), append(copts, transport.TLS(a.Client()))
		}
		onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
			run(func(ctx context.Context) {
				handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
					for rest := data; len(rest) > 0; {
						n := min(len(rest), 100_000)
						w.Write(rest[:n])
						rest = rest[n:]
						if err := w.Drain(ctx); err != nil {
							return err
						}
					}
					return nil
				}
				listen(ctx, t, handler, func(address string) {
					r, w := dial(ctx, t, address, copts...)
					var got []byte
					most := 0
					p := make([]byte, 10_000)
					for {
						most = max(most, r.Buffered())
						n, err := r.Read(ctx, p)
						got = append(got, p[:n]...)
						if err == io.EOF {
							break
						}
						ok(t, err)
					}
					if !bytes.Equal(got, data) {
						t.Errorf("%d bytes came, want %d", len(got), len(data))
					}
					if most > 128<<10 {
						t.Errorf("%d bytes were buffered", most)
					}
					shut(ctx, t, w)
				}, sopts...)
			})
		})
	}
}

// Conformance: TL-025.
func TestAllIsSentBeforeASecuredConnectionCloses(t *testing.T) {
	data := noise(4 << 20)
	a := tlstest.New(t)
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				w.Write(data)
				w.Close()
				return w.WaitClosed(ctx)
			}
			listen(ctx, t, handler, func(address string) {
				r, w := dial(ctx, t, address, transport.TLS(a.Client()))
				got, err := r.ReadAll(ctx)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%d bytes came, %v", len(got), err)
				}
				shut(ctx, t, w)
			}, transport.TLS(a.Server()))
		})
	})
}

// Tasks that read, write, drain or ask at the same time: with a crypto/tls connection below that waits,
// each of these would stop the loop for good.
func TestTasksThatShareASecuredConnectionDoNotHangTheLoop(t *testing.T) {
	a := tlstest.New(t)
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				data, err := r.ReadExactly(ctx, 3<<20)
				fmt.Fprintf(w, "%d\n", len(data))
				return err
			}
			listen(ctx, t, handler, func(address string) {
				d := &dam{Network: transport.NetworkFrom(ctx)}
				r, w := dial(transport.WithNetwork(ctx, d), t, address, transport.TLS(a.Client()))
				reader := line(ctx, r)
				aio.Yield(ctx)
				_, err := r.ReadLine(ctx) // a second reader while one is suspended
				matches(t, err, stream.ErrBusy)
				d.shut()
				draining := 0
				err = aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
					for range 3 { // further writers while one is suspended
						g.Go(func(ctx context.Context) error {
							w.Write(make([]byte, 1<<20))
							draining++
							return w.Drain(ctx)
						})
					}
					g.Go(func(ctx context.Context) error {
						for draining < 3 {
							if err := aio.Yield(ctx); err != nil {
								return err
							}
						}
						w.TLSConnectionState()
						d.open()
						return nil
					})
					return nil
				})
				ok(t, err)
				got, err := reader.Await(ctx)
				expect(t, got, err, "3145728\n")
				shut(ctx, t, w)
			}, transport.TLS(a.Server()))
		})
	})
}

// Conformance: SV-008, SV-009.
func TestAServerClosesItsSecuredClients(t *testing.T) {
	a := tlstest.New(t)
	for name, end := range map[string]func(*stream.Server){"CloseClients": (*stream.Server).CloseClients, "AbortClients": (*stream.Server).AbortClients} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				idle := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
					w.WriteString("welcome\n")
					return w.WaitClosed(ctx)
				}
				s, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", idle, transport.TLS(a.Server()))
				ok(t, err)
				r, w := dial(ctx, t, s.Addrs()[0].String(), transport.TLS(a.Client()))
				got, err := r.ReadLine(ctx)
				expect(t, got, err, "welcome\n")
				s.Close()
				end(s)
				_, err = r.ReadLine(ctx)
				if orderly := err == io.EOF; orderly != (name == "CloseClients") {
					t.Errorf("the client saw %v", err)
				}
				w.Close()
				w.WaitClosed(ctx)
				ok(t, s.WaitClosed(ctx))
			})
		})
	}
}

// What a main function leaves behind is cancelled, closed and gone when Run returns; TestMain counts.
func TestARunThatEndsTakesItsConnectionsWithIt(t *testing.T) {
	a := tlstest.New(t)
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
		var reader, drainer, closer, upgrader *aio.Task[aio.None]
		run(func(ctx context.Context) {
			idle := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				return w.WaitClosed(ctx)
			}
			plain, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", idle)
			ok(t, err)
			secured, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", idle, transport.TLS(a.Server()))
			ok(t, err)
			d := &dam{Network: transport.NetworkFrom(ctx)}
			r, w := dial(transport.WithNetwork(ctx, d), t, secured.Addrs()[0].String(), transport.TLS(a.Client()))
			reader = aio.Start(ctx, func(ctx context.Context) error { _, err := r.ReadLine(ctx); return err })
			d.shut()
			w.Write(make([]byte, 128<<10))
			drainer = aio.Start(ctx, w.Drain)
			closer = aio.Start(ctx, w.WaitClosed)
			_, p := dial(ctx, t, plain.Addrs()[0].String())
			upgrader = aio.Start(ctx, func(ctx context.Context) error { return p.StartTLS(ctx, a.Client()) })
			_, q := dial(ctx, t, secured.Addrs()[0].String()) // never says hello
			yields(ctx, 10)
			if q.IsClosing() {
				t.Error("the server hung up")
			}
		})
		for i, task := range []*aio.Task[aio.None]{reader, drainer, closer, upgrader} {
			if !task.Cancelled() {
				t.Errorf("task %d: %v, want the cancellation", i, task.Err())
			}
		}
	})
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
