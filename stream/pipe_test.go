package stream_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// pipeStreams returns the two ends of a pipe as streams.
func pipeStreams(
	t *testing.T, ctx context.Context, opts ...transport.Option,
) (*stream.PipeReader, *stream.Writer) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := stream.ReadPipe(ctx, r, opts...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := stream.WritePipe(ctx, w)
	if err != nil {
		t.Fatal(err)
	}
	return in, out
}

func TestAPipeIsAStreamInEachDirection(t *testing.T) {
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			in, out := pipeStreams(t, ctx)
			out.WriteString("one\ntwo\nth")
			for _, want := range []string{"one\n", "two\n"} {
				if line, err := in.ReadLine(ctx); err != nil || string(line) != want {
					t.Errorf("read %q, %v, want %q", line, err, want)
				}
			}
			if err := out.WriteEOF(); err != nil { // of a pipe that is Close
				t.Error(err)
			}
			if _, err := out.WriteString("more"); !errors.Is(err, stream.ErrClosed) {
				t.Errorf("a write after the end: %v", err)
			}
			if rest, err := in.ReadAll(ctx); err != nil || string(rest) != "th" {
				t.Errorf("the rest is %q, %v", rest, err)
			}
			if err := in.WaitClosed(ctx); err != nil { // by the end of the stream
				t.Error(err)
			}
			if err := out.WaitClosed(ctx); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestAWriterToAPipeIsHeldBackByItsReader(t *testing.T) {
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			in, out := pipeStreams(t, ctx, stream.Limit(1000))
			const size = 1 << 20
			writer := aio.Start(ctx, func(ctx context.Context) error {
				defer out.Close()
				chunk := []byte(strings.Repeat("x", 1000))
				for n := 0; n < size; n += len(chunk) {
					out.Write(chunk)
					if err := out.Drain(ctx); err != nil {
						return err
					}
				}
				return nil
			})
			for range 20 {
				if err := aio.Yield(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if writer.Done() {
				t.Error("the writer was not held back")
			}
			n, p := 0, make([]byte, 3000)
			for {
				k, err := in.Read(ctx, p)
				n += k
				if err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			if want := (size + 999) / 1000 * 1000; n != want {
				t.Errorf("read %d bytes, want %d", n, want)
			}
			if _, err := writer.Await(ctx); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestAReaderThatIsClosedBreaksThePipe(t *testing.T) {
	onEach(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			in, out := pipeStreams(t, ctx)
			in.Close()
			in.Close()
			if err := in.WaitClosed(ctx); err != nil {
				t.Error(err)
			}
			if _, err := in.ReadLine(ctx); err != io.EOF {
				t.Errorf("a read after Close: %v", err)
			}
			var err error
			for err == nil {
				out.WriteString("anybody there?")
				if err = out.Drain(ctx); err == nil {
					err = aio.Yield(ctx)
				}
			}
			if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, stream.ErrClosed) {
				t.Errorf("writing to nobody: %v", err)
			}
		})
	})
}

func TestAPipeStreamOfARegularFileIsRefused(t *testing.T) {
	run(t, func(ctx context.Context) {
		f, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.WritePipe(ctx, f); !errors.Is(err, transport.ErrNotPipe) {
			t.Errorf("the error is %v", err)
		}
		if f, err = os.Open(f.Name()); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.ReadPipe(ctx, f); !errors.Is(err, transport.ErrNotPipe) {
			t.Errorf("the error is %v", err)
		}
	})
}
