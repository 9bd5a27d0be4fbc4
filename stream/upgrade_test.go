package stream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
)

// Conformance: S-033, TL-017, TL-020.
func TestStreamsAreSecuredInTheMiddle(t *testing.T) {
	a := tlstest.New(t)
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
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
		for name, end := range map[string]func(*stream.Writer){
			"Close": (*stream.Writer).Close,
			"Abort": (*stream.Writer).Abort,
		} {
			listen(ctx, t, silent, func(address string) {
				_, w := dial(ctx, t, address)
				upgrade := aio.Start(ctx, func(ctx context.Context) error {
					return w.StartTLS(ctx, a.Client())
				})
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

func TestAServerClosesAClientThatWasUpgraded(t *testing.T) {
	a := tlstest.New(t)
	run(t, func(ctx context.Context) {
		handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			if err := w.StartTLS(ctx, a.Server()); err != nil {
				return err
			}
			return echo(ctx, r, w)
		}
		s, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", handler)
		ok(t, err)
		r, w := dial(ctx, t, s.Addrs()[0].String())
		ok(t, w.StartTLS(ctx, a.Client()))
		converse(ctx, t, r, w, "hello\n")
		s.Close()
		s.CloseClients()
		if got, err := r.ReadLine(ctx); err != io.EOF { // in order, not cut
			t.Errorf("read %q, %v, want the end", got, err)
		}
		shut(ctx, t, w)
		ok(t, s.WaitClosed(ctx))
	})
}

// A Read that waits when the connection is secured gets nothing that came in plain text.
func TestAReadThatWaitsDuringAnUpgradeGetsNoPlainText(t *testing.T) {
	a := tlstest.New(t)
	run(t, func(ctx context.Context) {
		handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			var got []byte
			reading := aio.Start(ctx, func(ctx context.Context) error {
				p := make([]byte, 100)
				n, err := r.Read(ctx, p)
				got = p[:n]
				return err
			})
			for r.Buffered() == 0 { // given to the task, which has not gone on
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				if reading.Done() {
					return fmt.Errorf("came too early: %q", got)
				}
			}
			err := w.StartTLS(ctx, a.Server())
			if err == nil {
				t.Error("plain text was no hindrance")
			}
			reading.Await(ctx)
			if len(got) > 0 {
				t.Errorf("read %q", got)
			}
			return nil
		}
		listen(ctx, t, handler, func(address string) {
			r, w := dial(ctx, t, address)
			w.WriteString("smuggled")
			r.ReadAll(ctx)
			w.Close()
		})
	})
}
