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
	// ErrClosed is returned for a job that arrives after the shutdown of its pool, or was in it
	// when the pool was closed.
	ErrClosed = errors.New("executor: the pool is closed")
	// ErrNotRegistered is returned for a job whose function the worker does not know: Register was
	// called too late there, or not at all.
	ErrNotRegistered = errors.New("executor: there is no function of this name; " +
		"register it in a variable of a package, so that workers have it")
	// ErrGoexit is returned for a function that ended its goroutine with runtime.Goexit.
	ErrGoexit = errors.New("executor: the function called runtime.Goexit")
)

// WorkerError is returned for a job whose worker process ended before the job did, or could not be
// started. The job may have been done in part. Only the caller knows whether another attempt is
// harmless (see [Attempts]).
type WorkerError struct {
	// Name is the name of the job's function.
	Name string
	// PID is the number of the process, 0 if it was not started.
	PID int
	// State is the end of the process, nil if it was not started.
	State *os.ProcessState
	// Stderr is the end of the process's standard error, at most 4 KiB.
	Stderr string
	// Err says why the process could not be started or used; nil if it just ended.
	Err error
}

// Error names the exit status and the most useful line of the worker's output.
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

// RemoteError is an error that a function returned in another process. [errors.Is] finds
// context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, fs.ErrNotExist,
// fs.ErrExist, fs.ErrPermission, errors.ErrUnsupported and ErrNotRegistered in it, as it did there.
// If the error's type is registered with gob.Register and gob can encode it, [errors.As] finds it.
type RemoteError struct {
	// Name is the name of the job's function.
	Name string
	// Text is the text of the error, as it is. Error makes it safe to show.
	Text string

	err  error
	like uint64 // bit i: it is known[i]
}

// Error returns the function's name and the text, in one line that is safe to show.
func (e *RemoteError) Error() string {
	return safetext.Message(fmt.Sprintf("executor: %s: %s", e.Name, e.Text))
}

// Unwrap returns the error itself, nil if it could not be sent.
func (e *RemoteError) Unwrap() error { return e.err }

// Is matches the errors that are known on both sides.
func (e *RemoteError) Is(target error) bool {
	for i, err := range known {
		if err == target {
			return e.like&(1<<i) != 0
		}
	}
	return false
}

// known are the errors that keep their identity. Their order is part of the protocol.
var known = []error{context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF,
	fs.ErrNotExist, fs.ErrExist,
	fs.ErrPermission, errors.ErrUnsupported, ErrNotRegistered, ErrGoexit}

// errorBox is the struct that gob needs around an interface.
type errorBox struct{ Err error }

// packError takes an error apart for sending. value is empty if gob cannot encode the error.
func packError(err error) (like uint64, text string, value []byte) {
	for i, k := range known {
		if errtree.Is(err, k) {
			like |= 1 << i
		}
	}
	return like, textOf(err), gobOf(err)
}

// textOf and gobOf call methods of the user's error, which may panic.
func textOf(err error) (text string) {
	defer func() {
		if recover() != nil {
			text = "<the Error method panicked>"
		}
	}()
	return err.Error()
}

func gobOf(err error) (value []byte) {
	defer func() {
		if recover() != nil {
			value = nil
		}
	}()
	var buf bytes.Buffer
	if gob.NewEncoder(&buf).Encode(errorBox{err}) != nil {
		return nil
	}
	return buf.Bytes()
}

// unpackError makes the error again.
func unpackError(name string, like uint64, text string, value []byte) error {
	e := &RemoteError{Name: name, Text: text, like: like}
	var box errorBox
	if len(value) > 0 && gob.NewDecoder(bytes.NewReader(value)).Decode(&box) == nil {
		e.err = box.Err
	}
	return e
}

// EncodeError encodes an error of a function, for executors that send it. Any goroutine.
func EncodeError(err error) []byte { return appendFailure(nil, err)[1:] }

// DecodeError returns a [*RemoteError] for what EncodeError made of an error of the function name.
// It returns another error if data is malformed. Any goroutine.
func DecodeError(name string, data []byte) error { return parseFailure(name, data) }
