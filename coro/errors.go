package coro

import (
	"errors"
	"fmt"
)

var (
	// ErrClosed is what a suspended coroutine gets from its yield when it is closed, and the result of one that was closed before its end.
	ErrClosed = errors.New("coro: closed")
	// ErrUnfinished is the answer to a question for the result of a coroutine that has not ended.
	ErrUnfinished = errors.New("coro: the coroutine has not ended yet")
)

// PanicError is a panic that was contained. It is the error of the coroutine, or task, in which it happened.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // the stack of the panic; where it was raised again, the stacks of those places follow
	// Others are the errors of tasks that failed beside the one that panicked, in the same group.
	Others []error
}

// Error returns the value and the stack: a panic is a bug, and whoever reads the message has to find it.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n\n%s", e.Value, e.Stack) }

// Unwrap returns the value of the panic if it was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// GoexitError is the error of a coroutine, or task, that was ended by [runtime.Goexit], as t.Fatal and t.FailNow of package testing do.
type GoexitError struct {
	Name string // of the task, "" for a coroutine
}

func (e *GoexitError) Error() string {
	if e.Name == "" {
		return "coro: ended by runtime.Goexit (t.Fatal and t.FailNow call it)"
	}
	return "aio: task " + e.Name + " was ended by runtime.Goexit (t.Fatal and t.FailNow call it)"
}
