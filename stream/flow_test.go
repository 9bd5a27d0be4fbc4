package stream_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// Conformance: S-035.
func TestAllTasksThatDrainGoOnTogether(t *testing.T) {
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
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
				standStill(t, gone)
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
		onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
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

// Tasks that read, write, drain or ask at the same time: with a crypto/tls connection below that
// waits, each of these would stop the loop for good.
func TestTasksThatShareASecuredConnectionDoNotHangTheLoop(t *testing.T) {
	a := tlstest.New(t)
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
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
