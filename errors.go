package aio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aio-go/aio/coro"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/safetext"
)

var (
	// ErrCancelled matches every [*CancelledError], and nothing else: a time-out is not a cancellation.
	ErrCancelled = errors.New("aio: cancelled")
	// ErrInvalidState is returned for a result that is not there yet, or set twice. asyncio: InvalidStateError.
	ErrInvalidState = errors.New("aio: invalid state")
	// ErrLoopClosed is returned by what needs a loop that is closed.
	ErrLoopClosed = errors.New("aio: the loop is closed")
	// ErrStopped is returned by [RunUntilComplete] when Stop ended the loop before the function did.
	ErrStopped = errors.New("aio: the loop was stopped before the function ended")
	// ErrNoPoller is returned by [Loop.Watch] where the platform has no readiness poller.
	ErrNoPoller = errors.New("aio: this platform has no readiness poller; use net.Conn and goroutines (transport does)")
)

// A PanicError is a panic of a task. It is raised again in whoever awaits the task, and is the task's error for those who ask with Err,
// Result or [GatherSettled]. Its Stack shows where the panic happened first, then each place where it was raised again.
type PanicError = coro.PanicError

// A GoexitError is the outcome of a task that called [runtime.Goexit], as t.Fatal does. Awaiting such a task returns it.
type GoexitError = coro.GoexitError

// CancelledError is what an await returns when its task, or the block around it, was cancelled. It matches [ErrCancelled] and
// [context.Canceled], and whatever its Cause matches. asyncio: CancelledError.
type CancelledError struct {
	// Cause is the reason given with the request, nil if none was.
	Cause error

	by  string  // who asked, if it has a name of its own
	id  uint32  // or the number of the task that asked
	pc  uintptr // where
	via *hop    // the last of the blocks and waits it has passed
}

// hop is a block, or a wait of a task, through which a request to cancel has come.
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

// By names who asked for the cancellation: a task, a block, the shutdown of the loop. It is empty when that is not known.
func (e *CancelledError) By() string {
	if e.by == "" && e.id != 0 {
		return "task " + defaultName(e.id)
	}
	return e.by
}

// At is the place in the program, as file:line, from which the cancellation was asked for; empty if there is none.
func (e *CancelledError) At() string { return siteOf(e.pc) }

// Through lists what the request came through on its way from where it was made to where it was met: blocks, as "Group at file:line", and
// tasks that awaited the one it met, as "Task.Await in Task-7"; the first it came to is the first. A request that met its own task or
// block has come through nothing.
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

// Is reports a match with [ErrCancelled] and [context.Canceled].
func (e *CancelledError) Is(target error) bool {
	return target == ErrCancelled || target == context.Canceled
}

// Unwrap returns the Cause.
func (e *CancelledError) Unwrap() error { return e.Cause }

// TimeoutError is what comes out of a block whose time ran out. It matches [context.DeadlineExceeded] and never [ErrCancelled], so that a
// group takes it for the failure it is. asyncio: TimeoutError.
type TimeoutError struct {
	// After is the time that was allowed, 0 if a point in time was given.
	After time.Duration
	// Err is what the block itself returned when it was interrupted, usually a [*CancelledError].
	Err error

	op string
	pc uintptr
}

// At is the place of the block in the program, as file:line.
func (e *TimeoutError) At() string { return siteOf(e.pc) }

func (e *TimeoutError) Error() string {
	s := "aio: " + e.op
	if e.op == "" {
		s = "aio: time-out"
	}
	if at := e.At(); at != "" {
		s += " at " + at
	}
	return s + ": " + e.what()
}

func (e *TimeoutError) what() string {
	if e.After != 0 {
		return "took longer than " + e.After.String()
	}
	return "its deadline has passed"
}

// Timeout reports true, as net.Error wants it.
func (e *TimeoutError) Timeout() bool { return true }

// Unwrap returns [context.DeadlineExceeded].
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }

func misuse(op, problem string) string { return "aio: " + op + ": " + problem }

// mustHave panics if op was not given its function.
func mustHave(op string, given bool) {
	if !given {
		panic(misuse(op, "the function is nil"))
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

// isCancellation reports whether err says "I was cancelled": a CancelledError, possibly wrapped, but not inside an error with a meaning
// of its own (a time-out, a panic, several errors joined).
func isCancellation(err error) bool {
	return wraps(err, func(err error) bool {
		_, ok := err.(*CancelledError)
		return ok
	})
}

// isBareCanceled reports whether err is context.Canceled, possibly wrapped: what code returns that looks at ctx.Err.
func isBareCanceled(err error) bool {
	return wraps(err, func(err error) bool { return err == context.Canceled })
}

// wraps reports whether found accepts err or what it wraps, as far as that has no meaning of its own.
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
