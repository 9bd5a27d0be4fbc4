package aiohttp

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"sync"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/errtree"
)

// UploadForm is [Client.Upload] of a form with files (multipart/form-data), with POST. write writes
// its parts, with CreateFormFile and the like, which suspend the task; the end is written for it. A
// file is copied by [io.Copy] if it may block the loop for a moment, or by aiofile. Any size passes
// in constant memory. A handler reads the parts with MultipartReader of its request. Python:
// aiohttp.FormData.
//
// Cancellation: as for Upload.
func (c *Client) UploadForm(
	ctx context.Context, url string, write func(ctx context.Context, form *multipart.Writer) error,
) (*Response, error) {
	if write == nil {
		panic("aiohttp: Client.UploadForm: the function is nil; pass one")
	}
	boundary := multipart.NewWriter(nil)
	return c.Upload(ctx, http.MethodPost, url, boundary.FormDataContentType(),
		func(ctx context.Context, w io.Writer) error {
			form := multipart.NewWriter(w)
			if err := form.SetBoundary(boundary.Boundary()); err != nil {
				return err
			}
			if err := write(ctx, form); err != nil {
				return err
			}
			return form.Close()
		})
}

// Upload sends a body while a task of the loop produces it. It calls write with a writer, in a task
// of its own, and sends the bytes at once. The writer's Write suspends the task while the server
// does not take more. If the rest is not needed, because the response was closed early or the
// connection failed, Write fails with [io.ErrClosedPipe]. If write returns an error, the body is
// cut off and Upload fails with that error. A panic of write is re-panicked in the caller. See
// [Client.Do] for the rest; nothing is sent a second time.
//
// Cancellation: as for Do; write is cancelled and waited for.
func (c *Client) Upload(
	ctx context.Context,
	method, url, contentType string,
	write func(ctx context.Context, w io.Writer) error,
) (*Response, error) {
	if write == nil {
		panic("aiohttp: Client.Upload: the function is nil; pass one")
	}
	body := newUpload(aio.RunningLoop(ctx))
	req, err := newRequest(method, url, body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	var failed error // the error of write
	producer := aio.Start(ctx, func(ctx context.Context) error {
		err := errors.New("aiohttp: Client.Upload: the function did not return")
		defer func() { body.finish(err) }()
		err = write(ctx, &uploadWriter{body, ctx})
		if err != nil && !body.given() {
			failed = err
		}
		return nil
	}, aio.Name("upload to "+showURL(req.URL)))
	end := func(cause error) {
		body.Close()
		producer.Cancel(cause)
	}
	ended := false
	defer func() {
		if !ended {
			end(nil)
		}
	}()
	producer.AddDoneCallback(func() {
		if !ended {
			_ = producer.Err() // a panic is raised below: no report
		}
	})
	r, err := c.Do(ctx, req)
	if err != nil {
		end(err)
		ended = true
		producer.Await(context.WithoutCancel(ctx)) // raises its panic
		if failed != nil && !errtree.Is(failed, aio.ErrCancelled) {
			err = urlError(method, req.URL, failed)
		}
		return nil, err
	}
	ended = true
	switch {
	case producer.Done():
		_, _ = producer.Await(ctx) // raises its panic
	case r.x == nil: // the whole answer is there
		end(nil)
	default:
		r.x.upload = func() { end(nil) }
	}
	return r, nil
}

// upload holds the bytes of a body that were written and not sent yet. Tasks write. The reader is a
// task, or a goroutine of net/http.
type upload struct {
	loop  *aio.Loop
	room  aiosync.Event // set when there is room
	ready aiosync.Event // set when there are bytes, for a task that reads

	mu     sync.Mutex // guards the rest
	more   *sync.Cond // signals that there are bytes, to a goroutine that reads
	data   []byte
	err    error // of reading after data; nil: more will come
	closed bool  // the reader has closed it
	full   bool  // a writer waits for room
}

func newUpload(loop *aio.Loop) *upload {
	u := &upload{loop: loop}
	u.more = sync.NewCond(&u.mu)
	return u
}

// uploadWriter is the task's writer.
type uploadWriter struct {
	u   *upload
	ctx context.Context
}

func (w *uploadWriter) Write(p []byte) (int, error) {
	if !aio.InTask(w.ctx) { // on another goroutine
		return countAsTask(w.ctx, func(context.Context) (int, error) { return w.Write(p) })
	}
	n := 0
	for {
		took, err := w.u.add(p[n:])
		n += took
		if err != nil || n == len(p) {
			return n, err
		}
		if err := w.u.room.Wait(w.ctx); err != nil {
			return n, err
		}
	}
}

// add takes as much of p as there is room for. If that is not all, room will be set.
func (u *upload) add(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return 0, io.ErrClosedPipe
	}
	n := min(len(p), pieceSize-len(u.data))
	u.data = append(u.data, p[:n]...)
	if n > 0 {
		u.more.Signal()
		u.ready.Set()
	}
	if n < len(p) {
		u.full = true
		u.room.Clear()
	}
	return n, nil
}

// finish ends the body: in order, or with the error that the reader gets.
func (u *upload) finish(err error) {
	if err == nil {
		err = io.EOF
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.err = err
	u.more.Broadcast()
	u.ready.Set()
}

// given reports whether the reader has closed the body.
func (u *upload) given() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.closed
}

// take is a read that does not wait. Without data and an error, more will come.
func (u *upload) take(p []byte) (n int, err error, full bool) {
	switch {
	case u.closed:
		return 0, io.ErrClosedPipe, false
	case len(u.data) == 0:
		return 0, u.err, false
	}
	n = copy(p, u.data)
	u.data = append(u.data[:0], u.data[n:]...)
	full, u.full = u.full, false
	return n, nil, full
}

// Read implements io.Reader for net/http.
func (u *upload) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for {
		n, err, full := u.take(p)
		if full {
			u.loop.CallSoonThreadsafe(u.room.Set)
		}
		if n > 0 || err != nil {
			return n, err
		}
		u.more.Wait()
	}
}

// Close implements io.Closer: the reader needs no more. Any goroutine may call it.
func (u *upload) Close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.closed {
		u.closed = true
		u.more.Broadcast()
		u.loop.CallSoonThreadsafe(func() {
			u.room.Set()
			u.ready.Set()
		})
	}
	return nil
}

// taskUpload is an upload whose reader is a task.
type taskUpload struct{ *upload }

func (u taskUpload) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if !aio.InTask(u.loop.Context()) {
		return u.upload.Read(p)
	}
	for {
		u.mu.Lock()
		n, err, full := u.take(p)
		u.ready.Clear()
		u.mu.Unlock()
		if full {
			u.room.Set()
		}
		if n > 0 || err != nil {
			return n, err
		}
		if err := u.ready.Wait(u.loop.Context()); err != nil {
			return 0, err
		}
	}
}
