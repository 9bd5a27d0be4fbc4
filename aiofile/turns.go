package aiofile

import (
	"context"
	"os"
	"slices"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// turns is the order of the reads and writes of what is no file on a disk. In each direction one is
// under way at a time: a task that waits for the other side must not keep another from writing to
// it. Closing the file ends them all.
type turns struct {
	read, write aiosync.Lock
	calls       []*call // under way, or in line
	closed      bool
}

type call struct{ end context.CancelCauseFunc }

// with makes a call when its turn in line has come. Its context ends when the file is closed.
func (t *turns) with(
	ctx context.Context, line *aiosync.Lock, fn func(ctx context.Context) (int, error),
) (n int, err error) {
	if t.closed {
		return 0, os.ErrClosed
	}
	ctx, end := aio.WithCancelCause(ctx)
	c := &call{end}
	t.calls = append(t.calls, c)
	defer func() {
		i := slices.Index(t.calls, c)
		t.calls = slices.Delete(t.calls, i, i+1)
		end(nil)
	}()
	err = line.With(ctx, func(ctx context.Context) error {
		n, err = fn(ctx)
		return err
	})
	if err != nil && t.closed && n == 0 {
		err = os.ErrClosed
	}
	return n, err
}

// close ends all calls and waits for them. It is for the owner of the file, before it closes that.
func (t *turns) close(ctx context.Context) {
	t.closed = true
	for _, c := range t.calls {
		c.end(os.ErrClosed)
	}
	for _, line := range []*aiosync.Lock{&t.read, &t.write} {
		if line.Acquire(ctx) == nil {
			defer line.Release()
		}
	}
}
