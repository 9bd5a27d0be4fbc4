package stream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

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
			if len(reports) != 1 || !errors.Is(reports[0].Err, bad) ||
				!strings.HasPrefix(reports[0].TaskName, "stream handler for ") {
				t.Errorf("reports %+v", reports)
			}
		})
	}
	panics(t, func() { stream.Serve(t.Context(), "tcp", "127.0.0.1:0", nil) }, "Serve", "nil")
}

func TestAContextWithoutLoopIsAPanicThatNamesTheFunctionCalled(t *testing.T) {
	ctx := t.Context()
	none := "no running event loop"
	panics(t, func() { stream.Open(ctx, "tcp", "127.0.0.1:1") }, "aio: stream.Open: ", none)
	panics(t, func() { stream.Adopt(ctx, nil) }, "aio: stream.Adopt: ", none)
	panics(t, func() { stream.Serve(ctx, "tcp", "127.0.0.1:0", shout) }, "aio: stream.Serve: ", none)
	panics(t, func() { stream.AdoptListener(ctx, nil, shout) }, "aio: stream.AdoptListener: ", none)
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

// Conformance: SV-008, SV-009.
func TestAServerClosesItsSecuredClients(t *testing.T) {
	a := tlstest.New(t)
	for name, end := range map[string]func(*stream.Server){
		"CloseClients": (*stream.Server).CloseClients,
		"AbortClients": (*stream.Server).AbortClients,
	} {
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

func TestAHandlerWhosePeerHasLeftIsReportedAsAWarning(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&net.OpError{Op: "write", Err: syscall.EPIPE}, true},
		{fmt.Errorf("greeting: %w", syscall.ECONNRESET), true},
		{transport.ErrTruncated, true},
		{errors.New("a bug"), false},
	} {
		var got []aio.Report
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			s, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
				func(context.Context, *stream.Reader, *stream.Writer) error { return c.err })
			if err != nil {
				return err
			}
			r, w, err := stream.Open(ctx, "tcp", s.Addrs()[0].String())
			if err != nil {
				return err
			}
			_, err = r.ReadAll(ctx)
			w.Close()
			s.Close()
			return errors.Join(err, w.WaitClosed(ctx), s.WaitClosed(ctx))
		}, aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) { got = append(got, r) }))
		if err != nil || len(got) != 1 || got[0].Warning != c.want {
			t.Errorf("%v: %v, reports %v", c.err, err, got)
		}
	}
}

func TestAServerThatWasClosedFirstTakesPartInTheDrain(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context, s *transport.Server){
		"Close":        func(_ context.Context, s *transport.Server) { s.Close() },
		"ServeForever": func(ctx context.Context, s *transport.Server) { s.ServeForever(ctx) },
	} {
		clock := aio.NewVirtualClock()
		begin := clock.Now()
		ended := ""
		ctx := transport.WithNetwork(t.Context(), transport.Memory())
		err := aio.Run(ctx, func(ctx context.Context) error {
			s, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
				func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
					_, err := r.ReadLine(ctx)
					ended += fmt.Sprint(err)
					return nil
				})
			if err != nil {
				return err
			}
			if _, _, err := stream.Open(ctx, "tcp", s.Addrs()[0].String()); err != nil {
				return err
			}
			yields(ctx, 5)
			limited, cancel := aio.WithCancelCause(ctx)
			cancel(nil)
			end(limited, s)
			return nil
		}, aio.WithClock(clock), aio.WithShutdown(30*time.Second, time.Second))
		if d := clock.Now().Sub(begin); err != nil || d > 0 || ended != "EOF" {
			t.Errorf("%s: the end took %v, %q, %v", name, d, ended, err)
		}
	}
}
