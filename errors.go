package aio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aio-go/aio/coro"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/safetext"
	"github.com/aio-go/aio/internal/timeout"
	"github.com/aio-go/aio/internal/unclosed"
)

var (
	// ErrCancelled matches every [*CancelledError] and nothing else: a time-out is not a
	// cancellation.
	ErrCancelled = errors.New("aio: cancelled")
	// ErrInvalidState is returned for a result that is not set yet, or set twice. asyncio:
	// InvalidStateError.
	ErrInvalidState = errors.New("aio: invalid state")
	// ErrLoopClosed is returned by operations on a closed loop.
	ErrLoopClosed = errors.New("aio: the loop is closed")
	// ErrStopped is returned by [Run] and [RunUntilComplete] when Stop ended the loop before the
	// function returned.
	ErrStopped = errors.New("aio: the loop was stopped before the function ended")
	// ErrNoPoller is returned by [Loop.Watch] and [Loop.AddReader] on platforms without a readiness
	// poller.
	ErrNoPoller = errors.New("aio: this platform has no readiness poller; " +
		"use net.Conn and goroutines (transport does)")
)

// A PanicError is a panic of a task. It is re-panicked in each task that awaits. Err, Result and
// [GatherSettled] return it as the task's error. Its Stack shows where the panic happened, then
// each place of a re-panic.
type PanicError = coro.PanicError

// A GoexitError is the outcome of a task that called [runtime.Goexit], as t.Fatal does. Awaiting
// such a task returns it.
type GoexitError = coro.GoexitError

// CancelledError is what an await returns when its task, or the block around it, was cancelled. It
// matches [ErrCancelled] and [context.Canceled], and whatever its Cause matches, but it is never a
// time-out: code that gives up after a limit of its own must not take the end of a block around it
// for that. So it matches neither [context.DeadlineExceeded] nor [os.ErrDeadlineExceeded], and
// errors.As finds no [*TimeoutError] and nothing with a Timeout method in it. Cause tells what ran
// out of time. asyncio: CancelledError.
type CancelledError struct {
	// Cause is the reason given with the request, or nil.
	Cause error

	by  string  // the origin of the request, if it has a name
	id  uint32  // or the id of the task that requested it
	pc  uintptr // the place of the request
	via *hop    // the last of the blocks and waits it has passed
}

// hop is a block, or a wait of a task, that has passed on a request to cancel.
type hop struct {
	op     string
	pc     uintptr
	before *hop
}

func (h *hop) String() string {
	if at := siteOf(h.pc); at != "" {
		return h.op + " at " + at
	}
	return h.op
}

// By names the origin of the request: a task, a block or the shutdown of the loop. It is empty if
// that is not known.
func (e *CancelledError) By() string {
	if e.by == "" && e.id != 0 {
		return "task " + defaultName(e.id)
	}
	return e.by
}

// At returns the place that requested the cancellation, as file:line, or an empty string.
func (e *CancelledError) At() string { return siteOf(e.pc) }

// Through lists the blocks and tasks that passed on the request, from its origin to the task that
// failed. A block is shown as "Group at file:line", a task as "Task.Await in Task-7". The list is
// empty if the request was made to this task or block directly.
func (e *CancelledError) Through() []string {
	var path []string
	for h := e.via; h != nil; h = h.before {
		path = append(path, h.String())
	}
	slices.Reverse(path)
	return path
}

func (e *CancelledError) Error() string {
	s := "cancelled"
	if by := e.By(); by != "" {
		s += " by " + by
	}
	if at := e.At(); at != "" {
		s += " at " + at
	}
	if e.via != nil {
		s += ", through " + strings.Join(e.Through(), ", ")
	}
	switch cause := e.Cause.(type) {
	case nil:
		return s
	case *TimeoutError:
		if cause.pc == e.pc && cause.op == e.by { // the block has been named
			return s + ": " + cause.what()
		}
	}
	return s + ": " + safetext.Error(e.Cause)
}

// Is reports a match with [ErrCancelled], [context.Canceled], or the Cause, as errors.Is does.
func (e *CancelledError) Is(target error) bool {
	switch target {
	case ErrCancelled, context.Canceled:
		return true
	case context.DeadlineExceeded, os.ErrDeadlineExceeded:
		return false
	}
	return e.Unwrap() == nil && errtree.Is(e.Cause, target)
}

// As finds the target in a Cause that Unwrap does not return, as errors.As does, unless it is a
// time-out.
func (e *CancelledError) As(target any) bool {
	if e.Cause == nil || e.Unwrap() != nil {
		return false
	}
	to := reflect.ValueOf(target).Elem()
	wide := to.Kind() == reflect.Interface
	return errtree.Search(e.Cause, func(err error) bool {
		if _, late := err.(*TimeoutError); late || wide && timeout.Is(err) {
			return false
		}
		if !reflect.TypeOf(err).AssignableTo(to.Type()) {
			return errtree.Offers(err, target)
		}
		to.Set(reflect.ValueOf(err))
		return true
	})
}

// Unwrap returns the Cause; nil if that is a time-out, or wraps one.
func (e *CancelledError) Unwrap() error {
	if e.Cause == nil || errtree.Search(e.Cause, timeout.Is) {
		return nil
	}
	return e.Cause
}

// TimeoutError is the error of a block that exceeded its time limit. Its message names the block,
// and the await that the time-out cut off: what that waited for, and on which line. It matches
// [context.DeadlineExceeded] and never [ErrCancelled], so a group treats it as a failure. asyncio:
// TimeoutError.
type TimeoutError struct {
	// After is the time limit, or 0 if the block was given a point in time.
	After time.Duration
	// Err is the error that the interrupted block returned, usually a [*CancelledError].
	Err error

	op  string
	pc  uintptr
	cut *cutOff // nil: not known
}

// cutOff is the await that a time-out has ended.
type cutOff struct {
	op, on string
	stack  []uintptr
}

// String says what the await was, and on which line of the program.
func (c *cutOff) String() string {
	s := c.op
	if at := programLine(c.stack); at != "" {
		s += " at " + at
	}
	if c.on != "" {
		s += " for " + c.on
	}
	return s
}

// programLine returns the innermost line of a stack that is not the library's, as file:line.
func programLine(stack []uintptr) string {
	frames := runtime.CallersFrames(stack)
	for more := len(stack) > 0; more; {
		var f runtime.Frame
		if f, more = frames.Next(); f.File != "" && !unclosed.Ours(f) {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
	}
	return ""
}

// At returns the place of the block in the program, as file:line.
func (e *TimeoutError) At() string { return siteOf(e.pc) }

func (e *TimeoutError) Error() string {
	s := "aio: " + e.op
	if e.op == "" {
		s = "aio: time-out"
	}
	if at := e.At(); at != "" {
		s += " at " + at
	}
	s += ": " + e.what()
	if e.cut != nil {
		s += ", in " + e.cut.String()
	}
	return s
}

func (e *TimeoutError) what() string {
	if e.After != 0 {
		return "took longer than " + e.After.String()
	}
	return "its deadline has passed"
}

// Timeout returns true. It implements net.Error.
func (e *TimeoutError) Timeout() bool { return true }

// Unwrap returns [context.DeadlineExceeded].
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }

func misuse(op, problem string) string { return "aio: " + op + ": " + problem }

// mustHave panics if the function given to op is nil.
func mustHave(op string, given bool) {
	if !given {
		panic(misuse(op, "the function is nil; pass one"))
	}
}

// mustHaveOptions panics if one of the options is nil.
func mustHaveOptions[O comparable](op string, opts []O) {
	var none O
	if i := slices.Index(opts, none); i >= 0 {
		panic(misuse(op, fmt.Sprintf("option %d is nil; leave it out", i+1)))
	}
}

func defaultName(id uint32) string { return "Task-" + strconv.FormatUint(uint64(id), 10) }

// isCancellation reports whether err says "I was cancelled": a CancelledError, possibly wrapped,
// but not inside an error with its own meaning (a time-out, a panic, several errors joined).
func isCancellation(err error) bool {
	return wraps(err, func(err error) bool {
		_, ok := err.(*CancelledError)
		return ok
	})
}

// isBareCanceled reports whether err is context.Canceled, possibly wrapped: the error of code that
// checks ctx.Err.
func isBareCanceled(err error) bool {
	return wraps(err, func(err error) bool { return err == context.Canceled })
}

// wraps reports whether found accepts err or an error that it wraps. It does not look into errors
// with their own meaning.
func wraps(err error, found func(error) bool) bool {
	for n := 0; err != nil && n < errtree.Max; n++ {
		if found(err) {
			return true
		}
		switch err.(type) {
		case *TimeoutError, *PanicError:
			return false
		}
		_, err = errtree.Unwrap(err)
	}
	return false
}

// isDeadlock reports whether err is a cancellation that ends a deadlock.
func isDeadlock(err error) bool {
	_, ok := errtree.As[*DeadlockError](err)
	return ok
}
