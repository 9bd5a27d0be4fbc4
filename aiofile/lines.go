package aiofile

import (
	"bytes"
	"context"
	"io"
	"iter"
)

// Lines is the sequence of the remaining lines of the file, each with its newline; the last one may
// have none. The file is read in chunks of 64 KiB, so most lines cause no wait. If the loop ends
// early, the position is behind the last line yielded, provided that the file can seek. A line of
// more than 16 MiB, or than [Limit] says, ends the sequence with [ErrTooLong]. Python: async for
// line in f.
//
// Cancellation: its error ends the sequence.
func (f *File) Lines(ctx context.Context, opts ...ReadOption) iter.Seq2[string, error] {
	limit := limitOf(opts, defaultLine)
	return func(yield func(string, error) bool) {
		var rest []byte // the beginning of a line
		for chunk, err := range f.Chunks(ctx, chunkSize) {
			if err != nil {
				yield("", err)
				return
			}
			for len(chunk) > 0 {
				i := bytes.IndexByte(chunk, '\n')
				n := i + 1
				if i < 0 {
					n = len(chunk)
				}
				if int64(n) > limit-int64(len(rest)) {
					yield("", f.tooLong("read a line of", limit))
					return
				}
				if i < 0 {
					rest = append(rest, chunk...)
					break
				}
				line := string(chunk[:i+1])
				if len(rest) > 0 {
					line, rest = string(rest)+line, rest[:0]
				}
				chunk = chunk[i+1:]
				if !yield(line, nil) {
					f.back(ctx, len(chunk))
					return
				}
			}
		}
		if len(rest) > 0 {
			yield(string(rest), nil)
		}
	}
}

// back moves the position back by n bytes if the file can seek, even if the task is cancelled.
func (f *File) back(ctx context.Context, n int) {
	if n == 0 {
		return
	}
	if f.turn.Acquire(context.WithoutCancel(ctx)) == nil {
		defer f.turn.Release()
	}
	_ = insist(ctx, func() error {
		_, err := f.f.Seek(int64(-n), io.SeekCurrent)
		return err
	})
}

// Lines is the sequence of the lines of the named file, which is open while the loop runs. See
// [File.Lines].
//
// Cancellation: its error ends the sequence; the file is closed.
func Lines(ctx context.Context, name string, opts ...ReadOption) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		f, err := Open(ctx, name)
		if err != nil {
			yield("", err)
			return
		}
		defer f.Close(ctx)
		f.Lines(ctx, opts...)(yield)
	}
}

// ReadFile reads a whole file. See [os.ReadFile]. A file of more than 1 GiB, or than [Limit] says,
// is an error that matches [ErrTooLong].
//
// Cancellation: ends it after the current chunk.
func ReadFile(ctx context.Context, name string, opts ...ReadOption) ([]byte, error) {
	f, err := Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer f.Close(ctx)
	all, err := f.ReadAll(ctx, opts...)
	if err != nil {
		return nil, err
	}
	return all, nil
}
