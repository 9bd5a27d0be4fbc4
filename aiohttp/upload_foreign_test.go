package aiohttp

import (
	"context"
	"io"
	"testing"

	"github.com/aio-go/aio"
)

func TestAWriteOfAnotherGoroutineTellsHowMuchWasTaken(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		u := newUpload(aio.RunningLoop(ctx))
		type count struct {
			n   int
			err error
		}
		writing := aio.CreateTask(ctx, func(ctx context.Context) (count, error) {
			return aio.ToThread(ctx, func(context.Context) (count, error) {
				n, err := (&uploadWriter{u, ctx}).Write(make([]byte, pieceSize+100))
				return count{n, err}, nil
			})
		})
		for !u.isFull() {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		u.Close()
		got, err := writing.Await(ctx)
		if got.n != pieceSize || got.err != io.ErrClosedPipe {
			t.Errorf("Write: %d, %v, want %d and ErrClosedPipe", got.n, got.err, pieceSize)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (u *upload) isFull() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.full
}
