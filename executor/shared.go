package executor

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aio-go/aio/aiosync"
)

// A queue, an event or a lock lives in the parent, on the loop of its pool or [Threads]. Everybody
// else asks for an operation, and waits for the reply, over a link:
//
//	who                                 link         an ask is
//	a task of that loop                 local        a call
//	other loops and goroutines          crossing     a task of that loop, through aio.Submit
//	a function in a worker              workerLink   a frame; the parent makes it a task
//
// What an ask has got, an item or the lock, is on an account: the parent's, or that of the job.
// The account of a job that is lost gives everything back.

// link is the way to the shared objects.
type link interface {
	// ask performs an operation, and waits for it. What the reply stands for is on the account
	// under the id. After an error nothing is.
	ask(ctx context.Context, r request) (id uint64, reply []byte, err error)
	// settle ends what an ask has put on the account: it is done with, or goes back.
	settle(id uint64, done bool)
	// keeps reports whether items stay on the account: that of a job, which may be lost.
	keeps() bool
	// limit is the largest message, in bytes.
	limit() int
}

// request is an operation on an object.
type request struct {
	op   op
	name string // of the object; empty for the job's pipe
	data []byte
}

type op byte

const (
	putOp op = iota + 1
	getOp
	closeOp
	lockOp
	setOp
	clearOp
	isSetOp
	waitOp
	lastOp = waitOp
)

const (
	// maxAsks is how many operations of a job may wait at a time.
	maxAsks = 1024
	// mostAsks is how many the parent takes: a reply that has been written counts for a while.
	mostAsks = 4 * maxAsks
	// maxHolds is how many items and locks a job may hold.
	maxHolds = 1024
)

var (
	errNoObjects = fmt.Errorf("executor: the context has no executor with shared objects; "+
		"use that of Processes, or With a Pool or Threads: %w", errors.ErrUnsupported)
	errNoPipe = fmt.Errorf("executor: the call of the function has no pipe; "+
		"give it one by Through: %w", errors.ErrUnsupported)
	errJobOver = errors.New("executor: the function has returned; " +
		"what it left behind cannot use shared objects")
	errAsks = fmt.Errorf("executor: a job has %d operations on shared objects under way, "+
		"or MaxMessage bytes; it may not start more", maxAsks)
	errHolds = fmt.Errorf("executor: a job holds %d items, or MaxMessage bytes; "+
		"take them by All, which is done with each after its turn", maxHolds)
)

// answers are the errors of a reply. Their order is part of the protocol.
var answers = []error{nil, ErrClosed, aiosync.ErrQueueShutdown, errNoPipe, errHolds, errTooLarge}

// makers has a constructor for each name.
var makers struct {
	mu sync.RWMutex // guards the rest
	m  map[string]func() object
}

// define makes a name known. Every process of the program does so.
func define(op, name string, make func() object) {
	makers.mu.Lock()
	defer makers.mu.Unlock()
	switch {
	case name == "":
		panic("executor: " + op + ": the name is empty; pass one")
	case makers.m[name] != nil:
		panic(fmt.Sprintf("executor: %s: there is a shared object %q already; "+
			"choose another name, such as one with the package in front", op, name))
	}
	if makers.m == nil {
		makers.m = map[string]func() object{}
	}
	makers.m[name] = make
}

// knows reports whether an operation may have this name.
func knows(name string) bool {
	makers.mu.RLock()
	defer makers.mu.RUnlock()
	return name == "" || makers.m[name] != nil
}

type linkKey struct{}

// sharer is an executor with shared objects.
type sharer interface {
	shared(ctx context.Context) *space
}

// linkOf returns the way to the objects from where ctx is.
func linkOf(ctx context.Context) (link, error) {
	if l, _ := ctx.Value(linkKey{}).(link); l != nil {
		return l, nil
	}
	if ex, ok := From(ctx).(sharer); ok {
		return ex.shared(ctx).link(), nil
	}
	return nil, errNoObjects
}

// ask performs an operation over the link of ctx.
func ask(ctx context.Context, r request) (l link, id uint64, reply []byte, err error) {
	if l, err = linkOf(ctx); err != nil {
		return nil, 0, nil, err
	}
	id, reply, err = askOn(ctx, l, r)
	return l, id, reply, err
}

func askOn(ctx context.Context, l link, r request) (id uint64, reply []byte, err error) {
	if len(r.data)+len(r.name)+jobOverhead > l.limit() {
		return 0, nil, fmt.Errorf("%w: %d bytes", errTooLarge, len(r.data))
	}
	return l.ask(ctx, r)
}

// act performs an operation that has no reply and leaves nothing on the account.
func act(ctx context.Context, o op, name string) error {
	_, _, _, err := ask(ctx, request{op: o, name: name})
	return err
}

// Event is an event that tasks of the parent and functions in workers share. Make it with
// [NewEvent]. It is not set at first, in each pool. Any goroutine. asyncio: Event; aioprocessing:
// AioEvent.
//
// Every method asks the parent, so it may fail: with [ErrClosed] when the pool has ended.
//
// Cancellation: Wait leaves the line. A cancelled Set or Clear may have happened.
type Event struct{ name string }

// NewEvent returns the event of that name. Call it for a variable of a package, as [Register]: each
// pool, and each [Threads], has an event of its own behind it. It panics if the name is taken.
func NewEvent(name string) *Event {
	define("NewEvent", name, func() object { return &eventObject{} })
	return &Event{name}
}

// Set sets the event and wakes all that wait, in all processes.
func (e *Event) Set(ctx context.Context) error { return act(ctx, setOp, e.name) }

// Clear makes the event not set.
func (e *Event) Clear(ctx context.Context) error { return act(ctx, clearOp, e.name) }

// IsSet reports whether the event is set.
func (e *Event) IsSet(ctx context.Context) (bool, error) {
	_, _, reply, err := ask(ctx, request{op: isSetOp, name: e.name})
	return len(reply) > 0, err
}

// Wait waits until the event is set: a task awaits, any other goroutine blocks.
func (e *Event) Wait(ctx context.Context) error { return act(ctx, waitOp, e.name) }

// eventObject is an event in the parent.
type eventObject struct {
	event aiosync.Event
	ended bool
}

func (e *eventObject) do(
	ctx context.Context, o op, _ []byte,
) (reply []byte, back func(done bool), err error) {
	switch o {
	case setOp:
		e.event.Set()
	case clearOp:
		e.event.Clear()
	case isSetOp:
		if e.event.IsSet() {
			reply = []byte{1}
		}
	case waitOp:
		if err := e.event.Wait(ctx); err != nil {
			return nil, nil, err
		}
		if e.ended {
			return nil, nil, ErrClosed
		}
	default:
		return nil, nil, errFrame
	}
	return reply, nil, nil
}

func (e *eventObject) end() {
	e.ended = true
	e.event.Set()
}

// Lock is a lock that tasks of the parent and functions in workers share. Make it with [NewLock].
// Those who wait get it in FIFO order. If a worker dies with it, the next gets it as soon as the
// process has gone; what the lock protects may be half done. Any goroutine. asyncio: Lock;
// aioprocessing: AioLock.
type Lock struct{ name string }

// NewLock returns the lock of that name. Call it for a variable of a package, as [Register]: each
// pool, and each [Threads], has a lock of its own behind it. It panics if the name is taken.
func NewLock(name string) *Lock {
	define("NewLock", name, func() object { return &lockObject{sem: aiosync.NewSemaphore(1)} })
	return &Lock{name}
}

// With waits for the lock, calls fn, and releases the lock: a task awaits, any other goroutine
// blocks. It returns the error of fn, or why it did not call it: [ErrClosed] when the pool has
// ended. The lock is not reentrant.
//
// Cancellation: a caller that waits leaves the line.
func (l *Lock) With(ctx context.Context, fn func(ctx context.Context) error) error {
	way, id, _, err := ask(ctx, request{op: lockOp, name: l.name})
	if err != nil {
		return err
	}
	defer way.settle(id, true)
	return fn(ctx)
}

// lockObject is a lock in the parent.
type lockObject struct {
	sem   *aiosync.Semaphore
	ended bool
}

func (l *lockObject) do(
	ctx context.Context, o op, _ []byte,
) (reply []byte, back func(done bool), err error) {
	if o != lockOp {
		return nil, nil, errFrame
	}
	if err := l.sem.Acquire(ctx); err != nil {
		return nil, nil, err
	}
	if l.ended {
		l.sem.Release()
		return nil, nil, ErrClosed
	}
	return nil, func(bool) { l.sem.Release() }, nil
}

func (l *lockObject) end() {
	l.ended = true
	l.sem.Release()
}
