package aiosync

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/safetext"
)

// Queue passes items from tasks that put to tasks that get. The kind of the queue decides the order
// of the items. Waiting tasks are served in FIFO order. The zero value is a FIFO queue without a
// limit. Another goroutine puts an item with CallSoonThreadsafe(func() { q.PutNowait(v) }).
// asyncio: Queue, LifoQueue, PriorityQueue.
//
// A waiting task is granted an item or a place as soon as there is one, and resumes in the next
// pass. Until then no other task gets that item or place. A getter takes the item that is first
// when it resumes. If the task is cancelled before, the grant goes to the next task in line, or the
// item stays where it was.
//
//	there is     Put                             Get
//	room         puts the item                   -
//	no room      waits until granted a place     -
//	an item      -                               takes the item
//	no item      -                               waits until granted an item
//	a shutdown   ErrQueueShutdown                takes the items left, then ErrQueueShutdown
type Queue[T any] struct {
	room       int // places that are neither taken nor promised
	avail      int // items not granted to a waiting task
	unfinished int // items put for which TaskDone was not called
	maxsize    int // 0 or less: unlimited
	shut       bool
	items      store[T]

	getters, putters, joiners aio.Line
}

// QueueStatistics is the result of [Queue.Statistics].
type QueueStatistics struct {
	Len        int // items in the queue
	Maxsize    int // 0 or less: unlimited
	Unfinished int // items for which TaskDone was not called
	Getters    int // tasks that wait for an item
	Putters    int // tasks that wait for a place
	Joiners    int // tasks that wait in Join
	Shutdown   bool
}

// NewQueue returns a FIFO queue with the given capacity. With maxsize <= 0 the capacity is
// unlimited. asyncio: Queue.
func NewQueue[T any](maxsize int) *Queue[T] { return newQueue[T](maxsize, store[T]{kind: fifo}) }

// NewLifoQueue returns a LIFO queue with the given capacity, as for [NewQueue]. asyncio: LifoQueue.
func NewLifoQueue[T any](maxsize int) *Queue[T] {
	return newQueue[T](maxsize, store[T]{kind: lifo})
}

// NewPriorityQueue returns a queue that yields the smallest item first. Equal items are in FIFO
// order. The capacity is as for [NewQueue]. Like cmp.Compare, cmp returns a negative number if a
// comes before b. Puts and gets call it; it must not await. NewPriorityQueue panics if cmp is nil.
// asyncio: PriorityQueue.
func NewPriorityQueue[T any](maxsize int, cmp func(a, b T) int) *Queue[T] {
	if cmp == nil {
		panic(misuse("NewPriorityQueue", "the compare function is nil; "+
			"use cmp.Compare for numbers and strings"))
	}
	return newQueue[T](maxsize, store[T]{kind: priority, cmp: cmp})
}

func newQueue[T any](maxsize int, items store[T]) *Queue[T] {
	q := &Queue[T]{maxsize: maxsize, items: items, room: maxsize}
	q.unbound()
	q.getters.MustBeHere("NewQueue")
	return q
}

// unbound gives a queue without a limit endless room. The zero value starts without room.
func (q *Queue[T]) unbound() {
	if q.maxsize <= 0 && q.room <= 0 && !q.shut {
		q.room = math.MaxInt
	}
}

// Put puts an item into the queue. It waits until there is room that no task ahead in line was
// granted. If there is room now it returns nil at once, even if the context is cancelled. It
// returns [ErrQueueShutdown] after a shutdown. After an error the item is not in the queue.
// asyncio: put.
//
// Cancellation: Put returns the error and the item is not put. If the task was granted a place,
// that goes to the next task in line.
func (q *Queue[T]) Put(ctx context.Context, v T) error {
	t := aio.Running(ctx, "Queue.Put")
	if q.room > 0 && q.getters.Fits(t) {
		q.push(v, "Queue.Put")
		q.room--
		return nil
	}
	return q.put(ctx, t, v)
}

func (q *Queue[T]) put(ctx context.Context, t aio.TaskRef, v T) error {
	const op = "Queue.Put"
	q.mustFit(t, op)
	if q.unbound(); q.room > 0 {
		q.push(v, op)
		q.room--
		return nil
	}
	if q.shut {
		return ErrQueueShutdown
	}
	q.getters.Bind(t, op)
	wait := aio.NewWaiter(ctx, op, q)
	if err := q.putters.Wait(wait); err != nil {
		if wait.Woken() {
			q.vacate(op)
		}
		return err
	}
	if q.shut {
		return ErrQueueShutdown
	}
	q.push(v, op)
	return nil
}

// PutNowait puts an item into the queue without waiting. It returns [ErrQueueFull] if there is no
// room, or if waiting tasks were granted all of it. It returns [ErrQueueShutdown] after a shutdown.
// asyncio: put_nowait.
func (q *Queue[T]) PutNowait(v T) error {
	q.getters.MustBeHere("Queue.PutNowait")
	if q.room <= 0 {
		if q.shut {
			return ErrQueueShutdown
		}
		if q.unbound(); q.room <= 0 {
			return ErrQueueFull
		}
	}
	q.push(v, "Queue.PutNowait")
	q.room--
	return nil
}

// push stores an item and grants it to the first getter in line. The caller accounts for the place.
func (q *Queue[T]) push(v T, op string) {
	if q.items.kind == fifo {
		q.items.ring.Push(v)
	} else {
		q.items.push(v)
	}
	q.unfinished++
	if q.getters.Len() > 0 && !q.getters.Call(op).Zero() {
		return
	}
	q.avail++
}

// Get takes the first item. It waits until there is an item that no task ahead in line was granted.
// If there is one now it returns at once, even if the context is cancelled. It returns
// [ErrQueueShutdown] if the queue was shut down and is empty. asyncio: get.
//
// Cancellation: Get returns the error and no item is lost. If the task was granted an item, that
// goes to the next task in line, or stays where it was in the queue.
func (q *Queue[T]) Get(ctx context.Context) (T, error) {
	t := aio.Running(ctx, "Queue.Get")
	if q.avail > 0 && q.getters.Fits(t) {
		q.avail--
		return q.pop("Queue.Get"), nil
	}
	return q.get(ctx, t)
}

func (q *Queue[T]) get(ctx context.Context, t aio.TaskRef) (v T, err error) {
	const op = "Queue.Get"
	q.mustFit(t, op)
	if q.shut {
		return v, ErrQueueShutdown
	}
	wait := aio.NewWaiter(ctx, op, q)
	if err := q.getters.Wait(wait); err != nil {
		if wait.Woken() && wait.Note() == granted {
			q.offer(op)
		}
		return v, err
	}
	// A shutdown may have come first, or dropped the granted item.
	if wait.Note() != granted || q.items.len() == 0 {
		return v, ErrQueueShutdown
	}
	return q.pop(op), nil
}

// What a getter is called for.
const (
	granted int32 = iota // an item
	nothing              // a shutdown
)

// GetNowait takes the first item without waiting. It returns [ErrQueueEmpty] if the queue is empty,
// or if waiting tasks were granted all items. After a shutdown it returns [ErrQueueShutdown]
// instead. asyncio: get_nowait.
func (q *Queue[T]) GetNowait() (T, error) {
	q.getters.MustBeHere("Queue.GetNowait")
	if q.avail > 0 {
		q.avail--
		return q.pop("Queue.GetNowait"), nil
	}
	var zero T
	if q.shut {
		return zero, ErrQueueShutdown
	}
	return zero, ErrQueueEmpty
}

// pop removes the first item and frees its place. The caller accounts for the item.
func (q *Queue[T]) pop(op string) T {
	var v T
	if q.items.kind == fifo {
		v = q.items.ring.Pop()
	} else {
		v = q.items.pop()
	}
	q.vacate(op)
	return v
}

// vacate grants a place that has become free to the first putter in line.
func (q *Queue[T]) vacate(op string) {
	if q.putters.Len() > 0 && !q.putters.Call(op).Zero() || q.shut {
		return
	}
	q.room++
}

// offer grants an item, whose getter was cancelled, to the next getter in line.
func (q *Queue[T]) offer(op string) {
	if q.getters.Call(op).Zero() && q.avail < q.items.len() { // a shutdown may have dropped it
		q.avail++
	}
}

// mustFit panics if the queue is bound to another loop.
func (q *Queue[T]) mustFit(t aio.TaskRef, op string) {
	q.getters.MustFit(t, op)
	q.putters.MustFit(t, op)
}

// All returns an iterator that takes items with [Queue.Get]. It ends without an error when the
// queue is shut down and empty. The caller calls TaskDone. asyncio has no counterpart.
//
// Cancellation: the iterator yields the error as its last element. No item is lost.
func (q *Queue[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, err := q.Get(ctx)
			if err == ErrQueueShutdown {
				return
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// TaskDone reports that the work on one item is done. Join returns after one call for each item
// that was put. It panics if it is called more often than items were put. asyncio: task_done.
func (q *Queue[T]) TaskDone() {
	q.getters.MustBeHere("Queue.TaskDone")
	if q.unfinished <= 0 {
		panic(misuse("Queue.TaskDone", "called more often than items were put; "+
			"call it once for each item that Get returned"))
	}
	if q.unfinished--; q.unfinished == 0 {
		q.joiners.CallAll("Queue.TaskDone")
	}
}

// Join waits until TaskDone was called for every item that was put. If it was, Join returns nil at
// once, even if the context is cancelled. asyncio: join.
//
// Cancellation: Join returns the error; nothing else changes.
func (q *Queue[T]) Join(ctx context.Context) error {
	t := aio.Running(ctx, "Queue.Join")
	q.joiners.MustFit(t, "Queue.Join")
	if q.unfinished == 0 {
		return nil
	}
	return q.joiners.Wait(aio.NewWaiter(ctx, "Queue.Join", q))
}

// Shutdown closes the queue. Puts fail with [ErrQueueShutdown], also those that wait. Gets take the
// items that are left and then fail with [ErrQueueShutdown]. With immediate set, the items are
// dropped and count as done. A second call does nothing unless only the second is immediate.
// asyncio: shutdown.
func (q *Queue[T]) Shutdown(immediate bool) {
	const op = "Queue.Shutdown"
	q.getters.MustBeHere(op)
	q.shut, q.room = true, 0
	if immediate {
		if q.unfinished -= q.items.len(); q.unfinished <= 0 {
			q.unfinished = 0
			q.joiners.CallAll(op)
		}
		q.items.clear()
		q.avail = 0
	}
	for w := q.getters.Call(op); !w.Zero(); w = q.getters.Call(op) {
		w.SetNote(nothing)
	}
	q.putters.CallAll(op)
}

// Len returns how many items are in the queue, including those granted to waiting tasks. asyncio:
// qsize.
func (q *Queue[T]) Len() int { return q.items.len() }

// Maxsize returns the capacity; 0 or less means unlimited. asyncio: maxsize.
func (q *Queue[T]) Maxsize() int { return q.maxsize }

// Empty reports whether GetNowait would find no item. asyncio: empty.
func (q *Queue[T]) Empty() bool { return q.avail == 0 }

// Full reports whether PutNowait would find no room. asyncio: full.
func (q *Queue[T]) Full() bool {
	return q.maxsize > 0 && (q.items.len() >= q.maxsize || !q.shut && q.room == 0)
}

// Statistics returns a copy of the queue's current state.
func (q *Queue[T]) Statistics() QueueStatistics {
	return QueueStatistics{
		Len:        q.Len(),
		Maxsize:    q.maxsize,
		Unfinished: q.unfinished,
		Getters:    q.getters.Len(),
		Putters:    q.putters.Len(),
		Joiners:    q.joiners.Len(),
		Shutdown:   q.shut,
	}
}

// String shows the kind of queue, its capacity, its items and how many tasks wait.
func (q *Queue[T]) String() string {
	s := fmt.Sprintf("<%s maxsize:%d", q.items.kind, q.maxsize)
	if n := q.items.len(); n > 0 {
		s += ", items:" + safetext.Value(q.items.all(), 200)
	}
	if n := q.getters.Len(); n > 0 {
		s += fmt.Sprintf(", getters:%d", n)
	}
	if n := q.putters.Len(); n > 0 {
		s += fmt.Sprintf(", putters:%d", n)
	}
	if q.unfinished > 0 {
		s += fmt.Sprintf(", unfinished:%d", q.unfinished)
	}
	if q.shut {
		s += ", shut down"
	}
	return s + ">"
}
