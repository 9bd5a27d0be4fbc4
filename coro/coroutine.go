package coro

import (
	"errors"
	"runtime"
	"runtime/debug"

	"github.com/aio-go/aio/internal/nocopy"
)

// Status is where a coroutine stands in its life.
type Status uint8

// A coroutine is Created until the first Send; it is Running while Send, Throw or Close is under way, Suspended while its body waits in
// a yield, and Finished for good when the body has ended or Close has.
const (
	Created Status = iota
	Suspended
	Running
	Finished
)

func (s Status) String() string {
	return [...]string{"created", "suspended", "running", "finished"}[s]
}

// Yield is what the body of a coroutine calls to hand out a value and wait. It returns the value given to the next Send, the error given
// to Throw, or [ErrClosed] when the coroutine is closed. After ErrClosed the body should clean up and return; a second yield does not
// return, but ends the body there, running its deferred functions.
type Yield[In, Out any] func(out Out) (In, error)

// Body is the function of a coroutine. It gets the value of the first Send; what it returns is the coroutine's result.
type Body[In, Out, Ret any] func(yield Yield[In, Out], first In) (Ret, error)

// Coroutine is a function that can stop in the middle. Its methods are for one goroutine at a time.
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

// New makes a coroutine; nothing runs until the first Send. A coroutine that is started must be run to its end or closed.
func New[In, Out, Ret any](body Body[In, Out, Ret]) *Coroutine[In, Out, Ret] {
	return NewFrom(&Pool{}, body)
}

// NewFrom is [New] with a pool: the stack of a finished coroutine serves the next one. The coroutine must be driven by the goroutine
// that owns the pool.
func NewFrom[In, Out, Ret any](pool *Pool, body Body[In, Out, Ret]) *Coroutine[In, Out, Ret] {
	if body == nil {
		panic("coro: New: the body is nil; give it the function to run")
	}
	return &Coroutine[In, Out, Ret]{pool: pool, body: body}
}

// Send goes on with the coroutine: the yield it waits in returns v (the first Send starts the body with v). It returns the next value
// yielded, or false when the body has ended; [Coroutine.Result] then tells how. On a finished coroutine it returns false. It panics when
// the coroutine is running, that is when it is called, directly or not, by the body itself.
func (c *Coroutine[In, Out, Ret]) Send(v In) (Out, bool) {
	c.in, c.inErr = v, nil
	return c.step("Send")
}

// Resume is Send with a zero value, for bodies that do not care what they get.
func (c *Coroutine[In, Out, Ret]) Resume() (Out, bool) {
	var zero In
	return c.Send(zero)
}

// Throw makes the yield in which the coroutine waits return err, and goes on as Send does. A coroutine that was not started ends with
// err, its body never runs. A nil error is a misuse and panics.
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

// Close ends the coroutine: its yield returns [ErrClosed], and its deferred functions run. It returns the error of the body, nil if that
// was ErrClosed. A body that goes on yielding is ended at its second yield. Close on a coroutine that was not started keeps it from ever
// running; on a finished one it does nothing. What a body yields while it is being closed is lost.
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
	if errors.Is(c.err, ErrClosed) {
		return nil
	}
	return c.err
}

// Status tells where the coroutine stands.
func (c *Coroutine[In, Out, Ret]) Status() Status { return c.status }

// Result returns what the body returned. The error is [ErrUnfinished] before the end, a [*PanicError] if the body panicked, a
// [*GoexitError] if it called runtime.Goexit, and [ErrClosed] if the coroutine was closed before it ended by itself.
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

// yield is the body's side of step.
func (c *Coroutine[In, Out, Ret]) yield(out Out) (In, error) {
	if c.status != Running {
		panic("coro: yield: the coroutine is not running; its yield is for its own body, while that runs")
	}
	if c.closed {
		runtime.Goexit()
	}
	c.out, c.status = out, Suspended
	c.stack.Suspend()
	c.closed = c.inErr == ErrClosed
	return c.in, c.inErr
}

// Run is called by the pool, on the coroutine's stack.
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
