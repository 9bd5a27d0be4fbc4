package stream_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/stream"
)

// rough is what goes wrong between two hosts.
var rough = aiotest.Faults{
	Resets: 1, HalfOpen: 1, SlowReaders: 1, Partitions: 1, OneWay: 1, Crashes: 1,
}

// Whatever goes wrong on the way, a reader gets the frames that were written, each whole and in
// order, from the first one. It gets all if the stream ends in order, and an error if not.
func TestAReaderGetsABeginningOfWhatWasWritten(t *testing.T) {
	var frames [][]byte
	for i := range 12 {
		frames = append(frames, bytes.Repeat([]byte{byte('a' + i)}, i*i*40))
	}
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, rough)
		w.SetLink(aiotest.Link{Latency: time.Millisecond, Bandwidth: 100_000})
		check := func(got [][]byte, end error) {
			if len(got) > len(frames) {
				t.Errorf("%d frames are read", len(got))
				return
			}
			for i, f := range got {
				if !bytes.Equal(f, frames[i]) {
					t.Errorf("frame %d has %d bytes, want %d", i, len(f), len(frames[i]))
				}
			}
			if end == io.EOF && len(got) < len(frames) {
				t.Errorf("the stream ends in order after %d frames", len(got))
			}
		}
		w.Host("db").Boot(func(ctx context.Context) error {
			server, err := stream.Serve(ctx, "tcp", ":80",
				func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
					var got [][]byte
					for {
						f, err := r.ReadFrame(ctx, stream.Prefix16)
						if err != nil {
							if ctx.Err() == nil {
								check(got, err)
							}
							return nil
						}
						got = append(got, slices.Clone(f))
						if w.WriteFrame(stream.Prefix16, f) != nil || w.Drain(ctx) != nil {
							return nil
						}
					}
				})
			if err != nil {
				return err
			}
			defer server.Close()
			return server.ServeForever(ctx)
		})
		ctx = w.Host("app").Context(ctx)
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		r, out, err := stream.Open(ctx, "tcp", "db:80")
		if err != nil {
			return nil
		}
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				for _, f := range frames {
					if out.WriteFrame(stream.Prefix16, f) != nil || out.Drain(ctx) != nil {
						out.Abort()
						return nil
					}
				}
				_ = out.WriteEOF()
				return nil
			})
			var got [][]byte
			for {
				f, err := r.ReadFrame(ctx, stream.Prefix16)
				if err != nil {
					check(got, err)
					break
				}
				got = append(got, slices.Clone(f))
			}
			out.Abort()
			return nil
		})
	}, aiotest.Schedules(150), aiotest.DocumentedOrder())
}

// Closing waits for what was written. If WaitClosed returns nil, the peer has got it, or cannot get
// it any more by a fault.
func TestWhatWasWrittenBeforeCloseArrives(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{SlowReaders: 2, Partitions: 1, OneWay: 1})
		got := 0
		w.Host("db").Boot(func(ctx context.Context) error {
			server, err := stream.Serve(ctx, "tcp", ":80",
				func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
					b, err := r.ReadAll(ctx)
					got += len(b)
					return err
				})
			if err != nil {
				return err
			}
			defer server.Close()
			return server.ServeForever(ctx)
		})
		ctx = w.Host("app").Context(ctx)
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		sent := 0
		for i := range 3 {
			_, out, err := stream.Open(ctx, "tcp", "db:80")
			if err != nil {
				return err
			}
			n, err := fmt.Fprint(out, string(bytes.Repeat([]byte{'x'}, 1000*i)))
			if err != nil {
				return err
			}
			sent += n
			out.Close()
			if err := out.WaitClosed(ctx); err != nil {
				return err
			}
		}
		if err := aio.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		if got != sent {
			t.Errorf("%d of %d bytes have arrived", got, sent)
		}
		return nil
	}, aiotest.Schedules(150), aiotest.DocumentedOrder())
}
