package aiofile

import (
	"context"
	"io"

	"github.com/aio-go/aio"
)

// Reader returns an [io.Reader] for libraries. In a task each Read suspends the task. On another
// goroutine, such as one of net/http that sends a request's body, Read blocks and makes the call on
// the loop. After the end of the loop it returns [aio.ErrLoopClosed]. If the library reads small
// pieces, put a bufio.Reader in front.
//
// Cancellation: as for Read, by ctx.
func (f *File) Reader(ctx context.Context) io.Reader { return newAdapter(ctx, f) }

// Writer returns an [io.Writer] for libraries that works like [File.Reader]. If the library writes
// small pieces, put a bufio.Writer in front, and flush it.
//
// Cancellation: as for Write, by ctx.
func (f *File) Writer(ctx context.Context) io.Writer { return newAdapter(ctx, f) }

type adapter struct {
	ctx  context.Context
	loop *aio.Loop
	f    *File
}

func newAdapter(ctx context.Context, f *File) adapter {
	return adapter{ctx, aio.RunningLoop(ctx), f}
}

func (a adapter) Read(p []byte) (int, error)  { return a.do(p, a.f.Read) }
func (a adapter) Write(p []byte) (int, error) { return a.do(p, a.f.Write) }

// do calls fn in the running task. On another goroutine than the loop's it starts a task for the
// call. It always waits for the end, since p is in use.
func (a adapter) do(p []byte, fn func(ctx context.Context, p []byte) (int, error)) (int, error) {
	if aio.InTask(a.ctx) {
		return fn(a.ctx, p)
	}
	type result struct {
		n   int
		err error
	}
	r, err := aio.SubmitValue(context.WithoutCancel(a.ctx), a.loop,
		func(context.Context) (r result, _ error) {
			r.n, r.err = fn(a.ctx, p)
			return r, nil
		})
	if err != nil {
		return 0, err
	}
	return r.n, r.err
}
