package stream_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// Conformance: S-004.
func TestALostConnectionFailsTheReaderAndClosesQuietly(t *testing.T) {
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
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

// Conformance: S-039.
func TestAClosedWriterIsClosingAtOnceAndClosedLater(t *testing.T) {
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
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

// Conformance: TL-025.
func TestAllIsSentBeforeASecuredConnectionCloses(t *testing.T) {
	data := noise(4 << 20)
	a := tlstest.New(t)
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
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

// A main function's open connections are cancelled, closed and gone when Run returns; TestMain
// counts.
func TestARunThatEndsTakesItsConnectionsWithIt(t *testing.T) {
	a := tlstest.New(t)
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
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
			r, w := dial(transport.WithNetwork(ctx, d), t, secured.Addrs()[0].String(),
				transport.TLS(a.Client()))
			reader = aio.Start(ctx, func(ctx context.Context) error {
				_, err := r.ReadLine(ctx)
				return err
			})
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
