package coro

import (
	"runtime"
	"runtime/debug"

	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/nocopy"
)

// Status is the state of a coroutine.
type Status uint8

// A coroutine is Created until the first Send. It is Running while Send, Throw or Close runs, and
// Suspended while its body waits in a yield. It is Finished when the body has ended or Close was
// called.
const (
	Created Status = iota
	Suspended
	Running
	Finished
)

func (s Status) String() string {
	return [...]string{"created", "suspended", "running", "finished"}[s]
}

// Yield is the function with which a body yields a value and waits. It returns the value of the
// next Send, the error of Throw, or [ErrClosed] when the coroutine is closed. After ErrClosed the
// body should clean up and return. Another yield then does not return: it ends the body and runs
// its deferred functions.
type Yield[In, Out any] func(out Out) (In, error)

// Body is the function of a coroutine. It gets the value of the first Send. Its return values are
// the coroutine's result.
type Body[In, Out, Ret any] func(yield Yield[In, Out], first In) (Ret, error)

// Coroutine is a function that can be suspended. One goroutine at a time may use its methods.
type Coroutine[In, Out, Ret any] struct {
	_      nocopy.Mark
	pool   *Pool
	stack  *Stack
	body   Body[In, Out, Ret]
	status Status

	in     In
	inErr  error
	out    Out
	ret    Ret
	err    error
	closed bool // ErrClosed was delivered: the next yield ends the body
}

// New returns a coroutine; the body starts with the first Send. A started coroutine must be run to
// its end or closed.
func New[In, Out, Ret any](body Body[In, Out, Ret]) *Coroutine[In, Out, Ret] {
	return NewFrom(&Pool{}, body)
}

// NewFrom is [New] with a pool: it reuses the stacks of finished coroutines. Use the coroutine on
// the goroutine that owns the pool.
func NewFrom[In, Out, Ret any](pool *Pool, body Body[In, Out, Ret]) *Coroutine[In, Out, Ret] {
	if body == nil {
		panic("coro: New: the body is nil; give it the function to run")
	}
	return &Coroutine[In, Out, Ret]{pool: pool, body: body}
}

// Send resumes the coroutine: its yield returns v, or the first Send starts the body with v. It
// returns the next value yielded, or false when the body has ended; [Coroutine.Result] then has the
// result. On a finished coroutine it returns false. It panics if the body itself calls it, directly
// or not.
func (c *Coroutine[In, Out, Ret]) Send(v In) (Out, bool) {
	c.in, c.inErr = v, nil
	return c.step("Send")
}

// Resume is Send with a zero value.
func (c *Coroutine[In, Out, Ret]) Resume() (Out, bool) {
	var zero In
	return c.Send(zero)
}

// Throw makes the suspended yield return err and resumes as Send does. A coroutine before its first
// Send ends with err, and its body never runs. Throw panics if err is nil.
func (c *Coroutine[In, Out, Ret]) Throw(err error) (Out, bool) {
	if err == nil {
		panic("coro: Throw: the error is nil; use Resume to go on without one")
	}
	if c.status == Created {
		c.finish(err)
	}
	var zero In
	c.in, c.inErr = zero, err
	return c.step("Throw")
}

// Close ends the coroutine. Its yield returns [ErrClosed], and its deferred functions run. Close
// returns the error of the body, or nil if that was ErrClosed. A body that keeps yielding is ended
// at its second yield; values it yields are lost. A coroutine before its first Send never runs. On
// a finished coroutine Close does nothing.
func (c *Coroutine[In, Out, Ret]) Close() error {
	switch c.status {
	case Finished:
		return nil
	case Created:
		c.finish(ErrClosed)
		return nil
	}
	var zero In
	c.in, c.inErr = zero, ErrClosed
	for c.status != Finished {
		c.step("Close")
	}
	if errtree.Is(c.err, ErrClosed) {
		return nil
	}
	return c.err
}

// Status returns the state of the coroutine.
func (c *Coroutine[In, Out, Ret]) Status() Status { return c.status }

// Result returns the result of the body. The error is [ErrUnfinished] before the end, and
// [ErrClosed] if the coroutine was closed before its end. After a panic it is a [*PanicError],
// after runtime.Goexit a [*GoexitError].
func (c *Coroutine[In, Out, Ret]) Result() (Ret, error) {
	if c.status != Finished {
		return c.ret, ErrUnfinished
	}
	return c.ret, c.err
}

func (c *Coroutine[In, Out, Ret]) step(op string) (out Out, ok bool) {
	switch c.status {
	case Running:
		panic("coro: " + op + ": the coroutine is already running; it cannot resume itself")
	case Finished:
		return out, false
	case Created:
		c.status = Running
		c.pool.Take(c).Resume()
	case Suspended:
		c.status = Running
		c.stack.Resume()
	}
	c.pool.Bury()
	if c.status == Finished {
		return out, false
	}
	out, c.out = c.out, out
	return out, true
}

// yield is the body's counterpart of step.
func (c *Coroutine[In, Out, Ret]) yield(out Out) (In, error) {
	if c.status != Running {
		panic("coro: yield: the coroutine is not running; call yield only in its body")
	}
	if c.closed {
		runtime.Goexit()
	}
	c.out, c.status = out, Suspended
	c.stack.Suspend()
	c.closed = c.inErr == ErrClosed
	return c.in, c.inErr
}

// Run is called by the pool on the coroutine's stack.
func (c *Coroutine[In, Out, Ret]) Run(s *Stack) Job {
	c.stack = s
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			c.finish(&PanicError{Value: v, Stack: debug.Stack()})
		} else if c.closed {
			c.finish(ErrClosed)
		} else {
			c.finish(&GoexitError{})
		}
	}()
	ret, err := c.body(c.yield, c.in)
	returned = true
	c.ret = ret
	c.finish(err)
	return nil
}

func (c *Coroutine[In, Out, Ret]) finish(err error) {
	c.err, c.status = err, Finished
	c.stack, c.body = nil, nil
}
