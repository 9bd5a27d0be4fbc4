package aiofile

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/safetext"
)

// ErrTooLong matches the error for a line, or a whole file, that is longer than [Limit] allows.
var ErrTooLong = errors.New("longer than the limit")

const (
	defaultAll  = 1 << 30  // bytes of a whole file
	defaultLine = 16 << 20 // bytes of a line
)

// ReadOption is a setting of [ReadFile], [Lines] and similar methods: a [Limit].
type ReadOption func(s *readSettings)

type readSettings struct{ limit int64 }

// Limit bounds how many bytes are kept in memory. For [ReadFile] and [File.ReadAll] it counts the
// whole file, with a default of 1 GiB. For [Lines] and [File.Lines] it counts one line with its
// newline, with a default of 16 MiB. More is an error that matches [ErrTooLong]. It panics if n is
// less than 1.
func Limit(n int64) ReadOption {
	if n < 1 {
		panic(misuse("Limit", "the number of bytes is less than 1; use 1 or more"))
	}
	return func(s *readSettings) { s.limit = n }
}

func limitOf(opts []ReadOption, otherwise int64) int64 {
	s := readSettings{otherwise}
	for _, o := range opts {
		o(&s)
	}
	return s.limit
}

func (f *File) tooLong(op string, limit int64) error {
	return shown(&fs.PathError{
		Op:   op,
		Path: f.Name(),
		Err:  fmt.Errorf("%w of %d bytes; raise it with aiofile.Limit", ErrTooLong, limit),
	})
}

// shownError is an error whose text must not reach a terminal or a log as it is: names of files may
// have any character but two.
type shownError struct{ error }

func (e *shownError) Error() string { return safetext.Line(e.error.Error()) }
func (e *shownError) Unwrap() error { return e.error }

// shown makes an error safe to show. Most errors are.
func shown(err error) error {
	path, ok := errtree.As[*fs.PathError](err)
	if !ok || safetext.Line(path.Path) == path.Path {
		return err
	}
	if _, done := err.(*shownError); done {
		return err
	}
	return &shownError{err}
}
