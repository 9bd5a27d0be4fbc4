package stream_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// onDisk opens a file with data in it.
func onDisk(t *testing.T, data []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	ok(t, os.WriteFile(path, data, 0o600))
	f, err := os.Open(path)
	ok(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// Conformance: SF-005, SF-008, SF-011.
func TestAWriterSendsAFileBetweenOtherThings(t *testing.T) {
	data := noise(700_000)
	a := tlstest.New(t)
	for name, secured := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
				run(func(ctx context.Context) {
					var server, client []transport.Option
					if secured {
						server, client = []transport.Option{transport.TLS(a.Server())},
							[]transport.Option{transport.TLS(a.Client()),
								transport.ServerName("localhost")}
					}
					handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
						w.WriteString("before ")
						n, err := w.Sendfile(ctx, onDisk(t, data), transport.FileRange(0, 600_000))
						if err != nil || n != 600_000 {
							t.Errorf("sent %d: %v", n, err)
						}
						w.WriteString(" after")
						return w.Drain(ctx)
					}
					listen(ctx, t, handler, func(address string) {
						r, w := dial(ctx, t, address, client...)
						got, err := r.ReadAll(ctx)
						ok(t, err)
						want := bytes.Join([][]byte{[]byte("before "), data[:600_000], []byte(" after")}, nil)
						if !bytes.Equal(got, want) {
							t.Errorf("received %d bytes, want %d, or other ones", len(got), len(want))
						}
						shut(ctx, t, w)
					}, server...)
				})
			})
		})
	}
}

func TestDrainWaitsForTheEndOfAFile(t *testing.T) {
	run(t, func(ctx context.Context) {
		data := noise(100)
		data = bytes.Repeat(data, 120_000)
		handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			sending := aio.CreateTask(ctx, func(ctx context.Context) (int64, error) {
				return w.Sendfile(ctx, onDisk(t, data))
			})
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if err := w.Drain(ctx); err != nil {
				return err
			}
			if !sending.Done() {
				t.Error("Drain let others write in the middle of the file")
			}
			w.WriteString("the end")
			_, err := sending.Await(ctx)
			return err
		}
		listen(ctx, t, handler, func(address string) {
			r, w := dial(ctx, t, address)
			got, err := r.ReadAll(ctx)
			ok(t, err)
			if !bytes.HasSuffix(got, []byte("the end")) || len(got) != len(data)+7 {
				t.Errorf("received %d bytes", len(got))
			}
			shut(ctx, t, w)
		})
	})
}

func TestNoFileIsSentByAWriterThatWasClosed(t *testing.T) {
	run(t, func(ctx context.Context) {
		listen(ctx, t, echo, func(address string) {
			_, w := dial(ctx, t, address)
			w.Close()
			f := onDisk(t, []byte("data"))
			n, err := w.Sendfile(ctx, f)
			if at, _ := f.Seek(0, io.SeekCurrent); n != 0 || at != 0 || !errors.Is(err, net.ErrClosed) {
				t.Errorf("sent %d: %v", n, err)
			}
			shut(ctx, t, w)
		})
	})
}
