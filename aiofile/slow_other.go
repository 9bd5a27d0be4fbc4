//go:build !linux

package aiofile

import (
	"context"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// slow is the part of a File for a FIFO or a device, whose reader or writer may wait for ever.
// Package os reads and writes it through its own poller if it can; then a deadline ends the wait.
type slow struct{ turns }

// openFile opens a file. Opening a FIFO waits for the other side on a goroutine. If the task is
// cancelled, the goroutine stays, and closes the file when that is open.
func openFile(ctx context.Context, name string, flag int, perm fs.FileMode) (*File, error) {
	const waits = fs.ModeNamedPipe | fs.ModeCharDevice
	mode, _ := Do(ctx, func() (fs.FileMode, error) {
		info, err := os.Stat(name)
		if err != nil {
			return 0, nil
		}
		return info.Mode(), nil
	})
	if mode&waits == 0 {
		f, err := Do(ctx, func() (*os.File, error) { return os.OpenFile(name, flag, perm) })
		if err != nil {
			return nil, err
		}
		return &File{f: f}, nil
	}
	if err := aio.Yield(ctx); err != nil {
		return nil, err
	}
	var mu sync.Mutex // guards left
	left := false
	f, err := aio.ToThread(ctx, func(context.Context) (*os.File, error) {
		f, err := os.OpenFile(name, flag, perm)
		mu.Lock()
		defer mu.Unlock()
		if err == nil && left {
			f.Close()
		}
		return f, err
	}, aio.LimitedBy(nil))
	if err != nil {
		mu.Lock()
		defer mu.Unlock()
		left = true
		return nil, err
	}
	return &File{f: f, slow: new(slow)}, nil
}

func (f *File) readSlow(ctx context.Context, p []byte) (int, error) {
	return f.until(ctx, &f.slow.read, f.f.(*os.File).SetReadDeadline, func() (int, error) {
		return f.f.Read(p)
	})
}

func (f *File) writeSlow(ctx context.Context, p []byte) (int, error) {
	return f.until(ctx, &f.slow.write, f.f.(*os.File).SetWriteDeadline, func() (int, error) {
		return f.f.Write(p)
	})
}

// until makes a call on a goroutine. A deadline ends it when the task is cancelled. It takes no
// place among the operations.
func (f *File) until(
	ctx context.Context,
	line *aiosync.Lock,
	deadline func(time.Time) error,
	call func() (int, error),
) (int, error) {
	n, err := f.slow.with(ctx, line, func(ctx context.Context) (int, error) {
		return untilNow(ctx, deadline, call)
	})
	if err == os.ErrClosed {
		err = &fs.PathError{Op: "use", Path: f.Name(), Err: err}
	}
	return n, shown(err)
}

func untilNow(
	ctx context.Context, deadline func(time.Time) error, call func() (int, error),
) (int, error) {
	scope, leave := aio.WithCancelCause(ctx) // it ends with the block that the task is in, too
	defer leave(nil)
	ended := make(chan struct{})
	stop := context.AfterFunc(scope, func() {
		_ = deadline(time.Unix(1, 0))
		close(ended)
	})
	n, err := aio.ToThread(context.WithoutCancel(ctx), func(context.Context) (int, error) {
		n, err := call()
		if !stop() {
			<-ended
			_ = deadline(time.Time{})
		}
		return n, err
	}, aio.LimitedBy(nil))
	if err != nil && scope.Err() != nil {
		return n, aio.Yield(scope)
	}
	return n, err
}
