package stream

import (
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/aio-go/aio/internal/sys"
)

var (
	// ErrClosed is returned by a [Writer] whose connection is closed, or ended in order. It matches
	// [net.ErrClosed] and [syscall.ECONNRESET].
	ErrClosed error = closedError{}
	// ErrBusy is returned by a method of [Reader] while another task waits in one: two readers
	// would get parts of each other's data.
	ErrBusy = errors.New("stream: another task is using the stream")
	// ErrLimit matches every [*LimitError].
	ErrLimit = errors.New("stream: separator limit exceeded")
	// ErrIncomplete matches every [*IncompleteReadError].
	ErrIncomplete = errors.New("stream: incomplete read")
	// ErrSeparator is returned by [Reader.ReadUntil] for an empty separator, or none.
	ErrSeparator = errors.New("stream: Reader.ReadUntil: the separator is empty; " +
		"pass at least one byte")
	// ErrCount is returned by [Reader.ReadExactly] for a negative number of bytes.
	ErrCount = errors.New("stream: Reader.ReadExactly: the number of bytes is negative")
	// ErrNoHalfClose is returned by [Writer.WriteEOF] if the sending half cannot end alone, as with
	// TLS.
	ErrNoHalfClose = errors.New("stream: Writer.WriteEOF: " +
		"this connection cannot close its sending half alone; ask CanWriteEOF first, or Close")
)

type closedError struct{}

func (closedError) Error() string { return "stream: the connection is closed" }

func (closedError) Is(target error) bool {
	return target == net.ErrClosed || target == sys.ECONNRESET
}

// IncompleteReadError is returned when the stream ends before a read has all its bytes. It matches
// [ErrIncomplete] and [io.ErrUnexpectedEOF], and [io.EOF] if no byte was left.
// asyncio: IncompleteReadError.
type IncompleteReadError struct {
	Partial  []byte // the bytes that were left; they have been taken from the reader
	Expected int    // the number of bytes asked for; -1 if it was a separator
}

// Error says how many bytes there were.
func (e *IncompleteReadError) Error() string {
	if e.Expected < 0 {
		return fmt.Sprintf("stream: the stream ended before the separator: %d bytes read",
			len(e.Partial))
	}
	return fmt.Sprintf("stream: %d bytes read on a total of %d expected bytes",
		len(e.Partial), e.Expected)
}

// Is makes the error match the sentinels named above.
func (e *IncompleteReadError) Is(target error) bool {
	return target == ErrIncomplete || target == io.ErrUnexpectedEOF ||
		target == io.EOF && len(e.Partial) == 0
}

// LimitError is returned when the bytes before a separator are more than the reader's limit. It
// matches [ErrLimit]. asyncio: LimitOverrunError.
type LimitError struct {
	// Consumed is the number of bytes that can be read before the separator.
	Consumed int
	// Found says whether the separator is there, behind too many bytes.
	Found bool
}

// Error says which of the two cases it is.
func (e *LimitError) Error() string {
	if e.Found {
		return fmt.Sprintf("stream: the separator comes after %d bytes, which is over the limit",
			e.Consumed)
	}
	return fmt.Sprintf("stream: no separator within %d bytes, which is over the limit", e.Consumed)
}

// Is makes the error match [ErrLimit].
func (e *LimitError) Is(target error) bool { return target == ErrLimit }
