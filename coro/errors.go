package coro

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/aio-go/aio/internal/safetext"
	"github.com/aio-go/aio/internal/stacktext"
)

var (
	// ErrClosed is the error of a yield in a closed coroutine, and the result of a coroutine that
	// was closed before its end.
	ErrClosed = errors.New("coro: closed")
	// ErrUnfinished is the error of Result before the coroutine has ended.
	ErrUnfinished = errors.New("coro: the coroutine has not ended yet")
)

// PanicError is a recovered panic. It is the error of the coroutine, or task, in which it happened.
// Its message is one line. With %+v it prints the stack and the other errors as well; so does a
// program that ends because of it. Frames of the library and the runtime are left out there; Stack
// has them.
type PanicError struct {
	Value any    // the argument of panic
	Stack []byte // the stack of the panic, then those of each re-panic
	// Others are the errors of what ended together with it: other tasks of the group, scopes.
	Others []error
}

// Error returns the value as one line, without the stack: a server may send an error message to its
// peer.
func (e *PanicError) Error() string {
	var pc [1]uintptr
	runtime.Callers(2, pc[:])
	if pc[0] != 0 && runtime.FuncForPC(pc[0]-1).Name() == "runtime.preprintpanics" {
		return e.details("") // not recovered: the program prints "panic: " and this, and ends
	}
	return "panic: " + e.text()
}

func (e *PanicError) text() string { return safetext.Value(e.Value, safetext.MaxLine) }

// details returns the value, the stack and the other errors, after a prefix.
func (e *PanicError) details(prefix string) string {
	var b strings.Builder
	b.WriteString(prefix + e.text() + "\n\n" + safetext.Lines(stacktext.Brief(string(e.Stack))))
	for _, err := range e.Others {
		b.WriteString("\nbeside it: " + safetext.Error(err) + "\n")
	}
	return b.String()
}

// Format implements [fmt.Formatter]: %+v prints the stack as well.
func (e *PanicError) Format(f fmt.State, verb rune) {
	type plain PanicError
	switch {
	case e == nil:
		_, _ = io.WriteString(f, "<nil>")
	case verb == 'v' && f.Flag('+'):
		_, _ = io.WriteString(f, e.details("panic: "))
	case verb == 'v' && f.Flag('#'):
		_, _ = fmt.Fprintf(f, "%#v", (*plain)(e))
	default:
		_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), e.Error())
	}
}

// Unwrap returns the value of the panic if it was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// GoexitError is the error of a coroutine, or task, that called [runtime.Goexit], as t.Fatal and
// t.FailNow of package testing do.
type GoexitError struct {
	Name string // of the task, "" for a coroutine
}

func (e *GoexitError) Error() string {
	if e.Name == "" {
		return "coro: ended by runtime.Goexit (t.Fatal and t.FailNow call it)"
	}
	return "aio: task " + safetext.Message(e.Name) +
		" was ended by runtime.Goexit (t.Fatal and t.FailNow call it)"
}
