package stream_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// onNetworks runs main on each kind of network, in a loop in which reports are no failure.
func onNetworks(t *testing.T, main func(t *testing.T, ctx context.Context)) {
	for name, n := range map[string]transport.Network{
		"native":   transport.Native(),
		"portable": transport.Portable(),
		"memory":   transport.Memory(),
	} {
		t.Run(name, func(t *testing.T) {
			reportsOf(t, func(ctx context.Context) { main(t, transport.WithNetwork(ctx, n)) })
		})
	}
}

func TestAServerServesAtMostSoManyConnections(t *testing.T) {
	onNetworks(t, func(t *testing.T, ctx context.Context) {
		now, most := 0, 0
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				now++
				most = max(most, now)
				defer func() { now-- }()
				return answers(nil)(ctx, r, w)
			}, transport.MaxConnections(2))
		ok(t, err)
		tasks := make([]*aio.Task[aio.None], 7)
		for i := range tasks {
			tasks[i] = aio.Start(ctx, func(ctx context.Context) error {
				r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
				if err != nil {
					return err
				}
				defer w.Close()
				w.WriteString("one\n")
				line, err := r.ReadLine(ctx)
				expect(t, line, err, "got one\n")
				yields(ctx, 10)
				return err
			})
		}
		for _, task := range tasks {
			_, err := task.Await(ctx)
			ok(t, err)
		}
		if most != 2 {
			t.Errorf("%d at a time", most)
		}
		ok(t, server.Shutdown(ctx))
		if st := server.Statistics(); st.Accepted != 7 {
			t.Errorf("%+v", st)
		}
	})
}

func TestAPeerThatIsSilentOrDoesNotReadIsEnded(t *testing.T) {
	a := tlstest.New(t)
	onNetworks(t, func(t *testing.T, ctx context.Context) {
		for _, secure := range []bool{false, true} {
			var server, client []transport.Option
			if secure {
				server, client = []transport.Option{transport.TLS(a.Server())},
					[]transport.Option{transport.TLS(a.Client())}
			}
			silent := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				_, err := r.ReadLine(ctx)
				return err
			}
			pushing := func(ctx context.Context, r *stream.Reader, w *stream.Writer) (err error) {
				for err == nil {
					w.Write(make([]byte, 1<<20))
					err = w.Drain(ctx)
				}
				return err
			}
			for which, handler := range map[string]stream.Handler{"silent": silent, "pushing": pushing} {
				ended := aio.NewFuture[error](ctx)
				s, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
					func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
						err := handler(ctx, r, w)
						ended.SetResult(err)
						return err
					}, append(server, transport.IdleTimeout(50*time.Millisecond))...)
				ok(t, err)
				_, w := dial(ctx, t, s.Addrs()[0].String(), append(client, stream.Limit(1))...)
				err, _ = ended.Await(ctx)
				var limit *transport.TimeLimitError
				if !errors.As(err, &limit) || !limit.Idle || !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("secure %v, %s: %v", secure, which, err)
				}
				w.Abort()
				s.Close()
				ok(t, s.WaitClosed(ctx))
			}
		}
	})
}

func TestAHandlerThatWorksIsNotIdle(t *testing.T) {
	onNetworks(t, func(t *testing.T, ctx context.Context) {
		s, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				if err := aio.Sleep(ctx, 200*time.Millisecond); err != nil {
					return err
				}
				_, err := w.WriteString("done\n")
				return err
			}, transport.IdleTimeout(10*time.Millisecond))
		ok(t, err)
		r, w := dial(ctx, t, s.Addrs()[0].String())
		rest, err := r.ReadAll(ctx)
		expect(t, rest, err, "done\n")
		w.Close()
		ok(t, s.Shutdown(ctx))
	})
}

func TestAConnectionThatIsOpenForTooLongIsEnded(t *testing.T) {
	onNetworks(t, func(t *testing.T, ctx context.Context) {
		ended := aio.NewFuture[error](ctx)
		s, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				err := answers(nil)(ctx, r, w)
				ended.SetResult(err)
				return err
			}, transport.TotalTimeout(50*time.Millisecond))
		ok(t, err)
		r, w := dial(ctx, t, s.Addrs()[0].String())
		defer w.Abort()
		for err == nil { // busy all the time
			w.WriteString("x\n")
			_, err = r.ReadLine(ctx)
		}
		err, _ = ended.Await(ctx)
		var limit *transport.TimeLimitError
		if !errors.As(err, &limit) || limit.Idle {
			t.Errorf("the handler got %v", err)
		}
		ok(t, s.Shutdown(ctx))
	})
}
