package stream

import (
	"context"
	"io"
	"iter"
	"math"

	"github.com/aio-go/aio/internal/errtree"
)

const (
	opRead    = "Reader.Read"
	opReadAll = "Reader.ReadAll"
)

// Read reads the bytes that are there, at most len(p), and waits only if there are none. At the end
// of the stream it returns 0 and [io.EOF]. If p is empty it returns at once. Bytes that arrive
// while it waits are written straight into p, so no other waiting Read may use that memory.
// asyncio: read with a positive count.
//
// Cancellation: nothing is taken.
func (r *Reader) Read(ctx context.Context, p []byte) (int, error) {
	const op = opRead
	if err := r.begin(op); err != nil {
		return 0, err
	}
	defer r.waited()
	if len(p) == 0 {
		return 0, nil
	}
	for r.buf.Len() == 0 {
		if err := r.end(); err != nil {
			return 0, err
		}
		r.into = p // past the buffer
		if err := r.prepare(ctx, op, 0).Park(); err != nil {
			r.takeBack()
			return 0, err
		}
		n := r.got
		if r.into, r.got = nil, 0; n > 0 {
			r.taken()
			return n, nil
		}
	}
	n := r.buf.Read(p)
	r.taken()
	return n, nil
}

// end returns why no more data will come: the reader's error, io.EOF, or nil if more may come.
func (r *Reader) end() error {
	switch {
	case r.err != nil:
		return r.err
	case r.eof:
		return io.EOF
	}
	return nil
}

// ReadAll reads until the stream ends. The limit does not apply, so memory is the limit. If the
// connection is lost, it returns the bytes before the loss, and the error. asyncio: read without a
// count.
//
// Cancellation: nothing is taken; all bytes stay readable.
func (r *Reader) ReadAll(ctx context.Context) ([]byte, error) {
	const op = opReadAll
	if err := r.begin(op); err != nil {
		return nil, err
	}
	defer r.waited()
	for r.end() == nil {
		if err := r.prepare(ctx, op, math.MaxInt).Park(); err != nil {
			r.pauseIfFull()
			return nil, err
		}
	}
	data := r.buf.Next(r.buf.Len())
	r.taken()
	return data, r.err
}

// ReadExactly reads n bytes. The limit does not apply. If the stream ends before, it takes the
// remaining bytes and returns them in an [*IncompleteReadError]. A negative n gives [ErrCount].
// asyncio: readexactly.
//
// Cancellation: nothing is taken.
func (r *Reader) ReadExactly(ctx context.Context, n int) ([]byte, error) {
	const op = "Reader.ReadExactly"
	if err := r.begin(op); err != nil {
		return nil, err
	}
	defer r.waited()
	if n < 0 {
		return nil, ErrCount
	}
	for r.buf.Len() < n {
		switch err := r.end(); {
		case err == io.EOF:
			return nil, r.incomplete(n)
		case err != nil:
			return nil, err
		}
		if err := r.prepare(ctx, op, n).Park(); err != nil {
			r.pauseIfFull()
			return nil, err
		}
	}
	data := make([]byte, n)
	r.buf.Read(data)
	r.taken()
	return data, nil
}

// incomplete takes the remaining bytes of a stream that ended too early.
func (r *Reader) incomplete(expected int) error {
	err := &IncompleteReadError{Partial: r.buf.Next(r.buf.Len()), Expected: expected}
	r.taken()
	return err
}

// ReadUntil reads up to and including a separator. Of several separators the one that ends first
// counts. If the stream ends before, it takes the remaining bytes and returns them in an
// [*IncompleteReadError].
//
// If more bytes than the limit precede the separator, it returns a [*LimitError]. The bytes stay
// and can be read in another way. asyncio: readuntil.
//
// Cancellation: nothing is taken.
func (r *Reader) ReadUntil(ctx context.Context, separators ...[]byte) ([]byte, error) {
	if len(separators) == 0 {
		return nil, ErrSeparator
	}
	for _, sep := range separators {
		if len(sep) == 0 {
			return nil, ErrSeparator
		}
	}
	end, err := r.findEnd(ctx, "Reader.ReadUntil", separators...)
	switch {
	case err == io.EOF:
		return nil, r.incomplete(-1)
	case err != nil:
		return nil, err
	}
	data := r.buf.Next(end)
	r.taken()
	return data, nil
}

// findEnd waits for a separator and returns where it ends.
func (r *Reader) findEnd(ctx context.Context, op string, separators ...[]byte) (int, error) {
	if err := r.begin(op); err != nil {
		return 0, err
	}
	defer r.waited()
	from := 0
	for {
		start, end := r.buf.search(from, separators...)
		switch {
		case start > r.limit:
			return end, &LimitError{Consumed: start, Found: true}
		case start >= 0:
			return end, nil
		case end > r.limit:
			return 0, &LimitError{Consumed: end}
		}
		from = end
		if err := r.end(); err != nil {
			return 0, err
		}
		if err := r.prepare(ctx, op, 0).Park(); err != nil {
			return 0, err
		}
	}
}

var newline = []byte{'\n'}

// ReadLine reads up to and including the next newline. The last line of a stream may have none.
// After it, and for an empty stream, it returns nil and [io.EOF].
//
// If a line is longer than the limit, it returns a [*LimitError] and drops the line up to the
// newline, or all buffered bytes if the newline has not arrived. asyncio: readline.
//
// Cancellation: nothing is taken.
func (r *Reader) ReadLine(ctx context.Context) ([]byte, error) {
	end, err := r.findEnd(ctx, "Reader.ReadLine", newline)
	tooLong, ok := errtree.As[*LimitError](err)
	switch {
	case err == nil:
	case err == io.EOF && r.buf.Len() > 0:
		end = r.buf.Len()
	case ok:
		if !tooLong.Found {
			end = r.buf.Len()
		}
		r.buf.Discard(end)
		r.taken()
		return nil, err
	default:
		return nil, err
	}
	line := r.buf.Next(end)
	r.taken()
	return line, nil
}

// Lines iterates over the remaining lines, newlines included, until the stream ends. An error of
// ReadLine is yielded, with a nil line, and ends the iteration.
//
//	for line, err := range r.Lines(ctx) {
//		if err != nil {
//			return err
//		}
//		...
//	}
//
// Cancellation: the error is yielded; nothing is taken.
func (r *Reader) Lines(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			line, err := r.ReadLine(ctx)
			if err == io.EOF {
				return
			}
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}
