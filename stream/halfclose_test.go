package stream_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// The peer ends its side between its request and the upgrade.
func TestAnUpgradeAfterTheEndOfThePeerFailsAtOnce(t *testing.T) {
	a := tlstest.New(t)
	for _, seen := range []bool{true, false} {
		ended := make(chan error, 2)
		handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			r.ReadLine(ctx)
			w.WriteString("ok\n")
			for seen && !r.AtEOF() {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			err := w.StartTLS(ctx, a.Server(), transport.HandshakeTimeout(2*patience))
			ended <- err
			if _, read := r.ReadLine(ctx); read == nil {
				return errors.New("there is something to read")
			}
			return nil
		}
		withServer(t, handler, func(t *testing.T, ctx context.Context, address string) {
			peer(ctx, t, func() error {
				c, err := reach(address)
				if err != nil {
					return err
				}
				defer c.Close()
				io.WriteString(c, "tls\n")
				io.ReadFull(c, make([]byte, 3))
				c.CloseWrite()
				if _, err := io.Copy(io.Discard, c); err != nil { // the server ends it
					return err
				}
				return nil
			})
			err := <-ended
			matches(t, err, transport.ErrHandshakeInterrupted)
		})
	}
}

// A TLS peer that closes its sending half alone, without a close_notify, still gets its answer.
func TestATLSPeerThatHalfClosesGetsItsAnswer(t *testing.T) {
	const size = 4 << 20
	a := tlstest.New(t)
	name := filepath.Join(t.TempDir(), "answer")
	ok(t, os.WriteFile(name, noise(size), 0o600))
	for way, answer := range map[string]func(ctx context.Context, w *stream.Writer) error{
		"at once": func(ctx context.Context, w *stream.Writer) error {
			_, err := w.Write(noise(size))
			return err
		},
		"at once, with Drain": func(ctx context.Context, w *stream.Writer) error {
			w.Write(noise(size))
			return w.Drain(ctx)
		},
		"in pieces": func(ctx context.Context, w *stream.Writer) error {
			for data := noise(size); len(data) > 0; data = data[32<<10:] {
				if _, err := w.Write(data[:32<<10]); err != nil {
					return err
				}
				if err := w.Drain(ctx); err != nil {
					return err
				}
			}
			return nil
		},
		"after some work": func(ctx context.Context, w *stream.Writer) error {
			for data := noise(size); len(data) > 0; data = data[1<<20:] {
				yields(ctx, 20) // for what is answered
				if _, err := aio.ToThread(ctx, func(context.Context) (int, error) { return 0, nil }); err != nil {
					return err
				}
				if _, err := w.Write(data[:1<<20]); err != nil {
					return err
				}
				if err := w.Drain(ctx); err != nil {
					return err
				}
			}
			return nil
		},
		"as a file": func(ctx context.Context, w *stream.Writer) error {
			f, err := os.Open(name)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = w.Sendfile(ctx, f)
			return err
		},
	} {
		t.Run(way, func(t *testing.T) {
			handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				if _, err := r.ReadLine(ctx); err != nil {
					return err
				}
				return answer(ctx, w)
			}
			withServer(t, handler, func(t *testing.T, ctx context.Context, address string) {
				peer(ctx, t, func() error {
					raw, err := reach(address)
					if err != nil {
						return err
					}
					defer raw.Close()
					c := tls.Client(raw, clientOf(a))
					io.WriteString(c, "all of it\n")
					first := make([]byte, 100_000)
					if _, err := io.ReadFull(c, first); err != nil {
						return err
					}
					raw.CloseWrite() // in the middle of the answer, which is larger than what the system holds
					rest, err := io.ReadAll(c)
					if err != nil || len(first)+len(rest) != size {
						return fmt.Errorf("%d bytes arrived of %d, %w", len(first)+len(rest), size, err)
					}
					return nil
				})
			}, transport.TLS(a.Server()))
		})
	}
}

// hoard is a handler that writes more than the system takes, and returns.
func hoard(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	w.Write(make([]byte, 16<<20))
	return nil
}

// The handler has returned, so no task shows the connection; yet the peer must not keep it.
func TestAPeerThatDoesNotReadKeepsNoConnectionAfterTheHandler(t *testing.T) {
	a := tlstest.New(t)
	for name, opts := range map[string][]transport.Option{
		"plain": nil,
		"TLS":   {transport.TLS(a.Server())},
	} {
		t.Run(name, func(t *testing.T) {
			opts = append(opts, transport.ShutdownTimeout(50*time.Millisecond))
			withServer(t, hoard, func(t *testing.T, ctx context.Context, address string) {
				c, err := reach(address)
				ok(t, err)
				defer c.Close()
				var conn net.Conn = c
				if len(opts) > 1 {
					secured := tls.Client(c, clientOf(a))
					peer(ctx, t, secured.Handshake)
					conn = secured
				}
				// Nothing aborts: WaitClosed in withServer's end would wait for ever. The peer
				// notices, too.
				for s := serverOf(ctx); s.Statistics().Accepted == 0 || s.Statistics().Active > 0; {
					ok(t, aio.Sleep(ctx, time.Millisecond))
				}
				peer(ctx, t, func() error {
					if n, err := io.Copy(io.Discard, conn); n == 16<<20 {
						return fmt.Errorf("all of it has arrived, %w", err)
					}
					return nil
				})
			}, opts...)
		})
	}
}

// A short message about the failure still goes out.
func TestWhatAHandlerSaidBeforeItFailedArrives(t *testing.T) {
	failure := errors.New("broken")
	for _, r := range reportsOf(t, func(ctx context.Context) {
		for _, n := range []transport.Network{transport.Native(), transport.Portable()} {
			ctx := transport.WithNetwork(ctx, n)
			s, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
				func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
					w.WriteString("error: broken\n")
					return failure
				})
			ok(t, err)
			peer(ctx, t, func() error {
				if answer, err := talk(s.Addrs()[0].String(), ""); answer != "error: broken\n" {
					return fmt.Errorf("got %q, %w", answer, err)
				}
				return nil
			})
			s.Close()
			ok(t, s.WaitClosed(ctx))
		}
	}) {
		matches(t, r.Err, failure)
	}
}

// Drain bounds the bytes written while an upgrade waits for the peer, as at all other times.
func TestDrainWaitsWhileTooMuchIsWrittenDuringAnUpgrade(t *testing.T) {
	a := tlstest.New(t)
	run(t, func(ctx context.Context) {
		var release aiosync.Event
		handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			if err := release.Wait(ctx); err != nil {
				return err
			}
			if err := w.StartTLS(ctx, a.Server()); err != nil {
				return err
			}
			return echo(ctx, r, w)
		}
		listen(ctx, t, handler, func(address string) {
			r, w := dial(ctx, t, address)
			upgrade := aio.Start(ctx, func(ctx context.Context) error { return w.StartTLS(ctx, a.Client()) })
			aio.Yield(ctx)
			const size = 200 << 10
			written := 0
			writing := aio.Start(ctx, func(ctx context.Context) error {
				for written < size {
					w.WriteString(strings.Repeat("0123456789abcde\n", 64))
					written += 1 << 10
					if err := w.Drain(ctx); err != nil {
						return err
					}
				}
				return nil
			})
			for range 100 {
				aio.Yield(ctx)
			}
			if written > 80<<10 || writing.Done() {
				t.Errorf("%d bytes were taken", written)
			}
			release.Set()
			_, err := r.ReadExactly(ctx, size)
			ok(t, err)
			_, err = upgrade.Await(ctx)
			ok(t, err)
			_, err = writing.Await(ctx)
			ok(t, err)
			shut(ctx, t, w)
		})
	})
}
