package stream_test

import (
	"context"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

func TestDrainLetsOthersGoOnWhereTheSystemTakesEverythingAtOnce(t *testing.T) {
	run(t, func(ctx context.Context) {
		sink := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			_, err := r.ReadAll(ctx)
			return err
		}
		listen(ctx, t, sink, func(address string) {
			_, w := dial(ctx, t, address)
			turns := 0
			other := aio.Start(ctx, func(ctx context.Context) error {
				for {
					if err := aio.Yield(ctx); err != nil {
						return err
					}
					turns++
				}
			})
			piece := make([]byte, 4<<10)
			for range 8 << 20 / len(piece) {
				_, err := w.Write(piece)
				ok(t, err)
				ok(t, w.Drain(ctx))
			}
			if turns < 7 {
				t.Errorf("another task had %d turns during 8 MiB", turns)
			}
			other.Cancel(nil)
			w.Abort()
		})
	})
}
