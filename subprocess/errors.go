package subprocess

import (
	"bytes"
	"errors"
	"io/fs"
	"os/exec"
	"strings"

	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/safetext"
)

// ErrHeldOpen says that a child has ended, but other processes that inherited its pipes did not
// close them within [Cmd.Drain]. The bytes that arrived before are returned with it.
var ErrHeldOpen = errors.New(
	"subprocess: the child has ended, but something that it started still holds its pipes open")

// ErrOutputLimit matches the error for a child that writes more than [Cmd.OutputLimit].
var ErrOutputLimit = errors.New("subprocess: the child has written more than its output limit")

// StartError says that a program could not be started. errors.Is finds [fs.ErrNotExist] if the
// program, or the directory to start in, does not exist, [fs.ErrPermission] if it must not be used,
// and otherwise an error number of the system.
type StartError struct {
	Name string // of the program
	Err  error
}

// Error names the program and the reason.
func (e *StartError) Error() string {
	text := strings.TrimPrefix(e.Err.Error(), "exec: ")
	if strings.Contains(text, e.Name) {
		return "subprocess: " + safetext.Line(text)
	}
	return "subprocess: " + safetext.Line(e.Name) + ": " + safetext.Line(text)
}

// Unwrap returns the reason.
func (e *StartError) Unwrap() error { return e.Err }

// Is reports whether target is [fs.ErrNotExist] and the program is not in $PATH: os/exec has an
// error of its own for that.
func (e *StartError) Is(target error) bool {
	return target == fs.ErrNotExist && errtree.Is(e.Err, exec.ErrNotFound)
}

// ExitError says that a child did not end with exit code 0.
type ExitError struct {
	Status
	Name string // of the program
	// Stderr is the end of the child's stderr, at most 4 KiB, unless Cmd.Stderr was set.
	Stderr []byte
}

// Error has the name, the status, and the last line of stderr, made safe to show: without control
// characters, and cut.
func (e *ExitError) Error() string {
	text := "subprocess: " + safetext.Line(e.Name) + ": " + e.Status.String()
	end := bytes.TrimSpace(e.Stderr)
	if last := bytes.TrimSpace(end[bytes.LastIndexByte(end, '\n')+1:]); len(last) > 0 {
		text += ": " + safetext.Message(string(last))
	}
	return text
}

// StoppedError says that a child was ended because its owner was cancelled, failed, or ran out of
// time. It matches all errors that Err matches, such as [context.Canceled].
type StoppedError struct {
	Name   string // of the program
	Status Status // the end of the child
	Killed bool   // it did not end in time after SIGTERM, so that SIGKILL was sent
	Err    error  // why it was ended
}

// Error says what was done and why.
func (e *StoppedError) Error() string {
	text := "subprocess: " + safetext.Line(e.Name) + " was asked to end"
	if e.Killed {
		text += ", and killed"
	}
	text += ": " + e.Status.String()
	return text + ", because of: " + e.Err.Error()
}

// Unwrap returns why the child was ended.
func (e *StoppedError) Unwrap() error { return e.Err }
