package executor

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/safetext"
)

var (
	// ErrClosed is returned for a job that comes after the shutdown of its pool, or that was in it when it
	// was closed.
	ErrClosed = errors.New("executor: the pool is closed")
	// ErrNotRegistered is returned for a job whose function the worker does not have: Register was called
	// too late there, or not at all.
	ErrNotRegistered = errors.New("executor: there is no function of this name; register it in a variable of a package, so that workers have it")
	// ErrGoexit is returned for a function that ended its goroutine with runtime.Goexit.
	ErrGoexit = errors.New("executor: the function called runtime.Goexit")
)

// WorkerError is returned for a job whose worker process ended before the job did, or could not be
// started. The job may have been done in part; whether another attempt is harmless only the caller knows
// (see [Attempts]).
type WorkerError struct {
	// Name is that of the job's function.
	Name string
	// PID is the number of the process, 0 if it was not started.
	PID int
	// State says how the process ended; nil if it was not started.
	State *os.ProcessState
	// Stderr is the end of what the process wrote to its standard error, 4 KiB at most.
	Stderr string
	// Err is why the process could not be started or used; nil if it just ended.
	Err error
}

// Error tells the exit status and the most telling line of what the worker wrote.
func (e *WorkerError) Error() string {
	s := fmt.Sprintf("executor: the worker of %q was lost", safetext.Line(e.Name))
	if e.State != nil {
		s += ": " + e.State.String()
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if line := telling(e.Stderr); line != "" {
		s += ": " + safetext.Message(line)
	}
	return s
}

// Unwrap returns Err.
func (e *WorkerError) Unwrap() error { return e.Err }

// telling picks the line that says why a program died: the first of a panic, otherwise the last.
func telling(stderr string) string {
	last := ""
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			return line
		}
		if line != "" {
			last = line
		}
	}
	return last
}

// RemoteError is an error that a function returned in another process. What [errors.Is] tells about
// context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, fs.ErrNotExist, fs.ErrExist,
// fs.ErrPermission, errors.ErrUnsupported and ErrNotRegistered, it tells here too. An error whose type is
// registered with gob.Register, and which gob can encode, is found by [errors.As].
type RemoteError struct {
	// Name is that of the job's function.
	Name string
	// Text is what the error's Error method returned there, as it is. Error shows it safely.
	Text string

	err  error
	like uint64 // bit i: it is known[i]
}

// Error tells the function's name and the text, in one line that is safe to show.
func (e *RemoteError) Error() string {
	return safetext.Message(fmt.Sprintf("executor: %s: %s", e.Name, e.Text))
}

// Unwrap returns the error itself, nil if it could not be sent.
func (e *RemoteError) Unwrap() error { return e.err }

// Is tells about the errors that are known on both sides.
func (e *RemoteError) Is(target error) bool {
	for i, err := range known {
		if err == target {
			return e.like&(1<<i) != 0
		}
	}
	return false
}

// known are the errors that keep their identity. Their order is part of the protocol.
var known = []error{context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, fs.ErrNotExist, fs.ErrExist,
	fs.ErrPermission, errors.ErrUnsupported, ErrNotRegistered, ErrGoexit}

// errorBox is what gob needs around an interface.
type errorBox struct{ Err error }

// packError takes an error apart so that it can be sent. value is empty if its type cannot.
func packError(err error) (like uint64, text string, value []byte) {
	for i, k := range known {
		if errtree.Is(err, k) {
			like |= 1 << i
		}
	}
	var buf bytes.Buffer
	if gob.NewEncoder(&buf).Encode(errorBox{err}) == nil {
		value = buf.Bytes()
	}
	return like, err.Error(), value
}

// unpackError puts an error together again.
func unpackError(name string, like uint64, text string, value []byte) error {
	e := &RemoteError{Name: name, Text: text, like: like}
	var box errorBox
	if len(value) > 0 && gob.NewDecoder(bytes.NewReader(value)).Decode(&box) == nil {
		e.err = box.Err
	}
	return e
}
