package main

import (
	"context"
	"errors"

	"github.com/aio-go/aio/stream"
)

// portion is how much is read at a time, in bytes.
const portion = 16 << 10

// echo serves one connection, in a task of its own. It waits in Drain for bytes that cannot be
// written yet, and reads nothing meanwhile: a client that sends and does not read has to wait.
func (st *statistics) echo(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	st.enter()
	defer st.leave()
	buf := make([]byte, portion)
	for {
		err := st.limits.Wait(ctx, w, func(ctx context.Context) error {
			n, err := r.Read(ctx, buf)
			if n > 0 {
				st.bytes += int64(n)
				w.Write(buf[:n])
				err = w.Drain(ctx)
			}
			return err
		})
		if errors.Is(err, context.Canceled) {
			return err
		}
		if err != nil {
			return nil // the other side has gone
		}
	}
}
