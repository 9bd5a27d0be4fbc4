package aiosync

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/aio-go/aio/internal/safetext"

	"github.com/aio-go/aio"
)

// Queue hands items from tasks that put to tasks that get. Items come out in the order of the kind of queue; tasks that have to wait get
// their turn in the order in which they came. A queue belongs to the first loop on which a task had to wait for it and must not be copied
// after first use. The zero value is an unbounded first-in, first-out queue. All methods are for the loop only; another goroutine puts with
// CallSoonThreadsafe(func() { q.PutNowait(v) }). asyncio: Queue, LifoQueue, PriorityQueue.
//
// A task that waits is given its due at once when another one makes it possible, and goes on in the next pass: a getter an item (the one
// that is first when it goes on), a putter a place. Until then the item or place is promised: nobody else gets it, and if the task is
// cancelled it goes to the next in line, or back, the item to where it was.
//
//	there is        Put                              Get
//	room            puts                             -
//	no room         waits for a promised place       -
//	an item         -                                gets
//	no item         -                                waits for a promised item
//	a shutdown      ErrQueueShutdown                 gets what is left, then ErrQueueShutdown
type Queue[T any] struct {
	room       int // places that are neither taken nor promised
	avail      int // items that are not promised
	unfinished int // items put for which TaskDone was not called
	maxsize    int // no bound if not positive
	shut       bool
	items      store[T]

	getters, putters, joiners aio.Line
}

// QueueStatistics is what [Queue.Statistics] returns.
type QueueStatistics struct {
	Len        int // items in the queue
	Maxsize    int // 0 or less: no bound
	Unfinished int // items for which TaskDone was not called
	Getters    int // tasks that wait for an item
	Putters    int // tasks that wait for a place
	Joiners    int // tasks that wait in Join
	Shutdown   bool
}

// NewQueue makes a queue from which the item comes first that was put first. It has places for maxsize items; with 0 or less it has no
// bound. asyncio: Queue.
func NewQueue[T any](maxsize int) *Queue[T] { return newQueue[T](maxsize, store[T]{kind: fifo}) }

// NewLifoQueue makes a queue from which the item comes first that was put last. See [NewQueue]. asyncio: LifoQueue.
func NewLifoQueue[T any](maxsize int) *Queue[T] { return newQueue[T](maxsize, store[T]{kind: lifo}) }

// NewPriorityQueue makes a queue from which the smallest item comes first, of equal ones the one that was put first. The function compares
// two items as cmp.Compare does: negative if a comes before b. It is called by puts and gets, and must not await. See [NewQueue].
// asyncio: PriorityQueue.
func NewPriorityQueue[T any](maxsize int, cmp func(a, b T) int) *Queue[T] {
	if cmp == nil {
		panic(misuse("NewPriorityQueue", "the function that compares items is nil; cmp.Compare does for numbers and strings"))
	}
	return newQueue[T](maxsize, store[T]{kind: priority, cmp: cmp})
}

func newQueue[T any](maxsize int, items store[T]) *Queue[T] {
	q := &Queue[T]{maxsize: maxsize, items: items, room: maxsize}
	q.unbound()
	return q
}

// unbound makes endless room if there is no bound. The zero value comes without.
func (q *Queue[T]) unbound() {
	if q.maxsize <= 0 && q.room <= 0 && !q.shut {
		q.room = math.MaxInt
	}
}

// Put waits until there is room and nobody has asked for it before, and puts an item into the queue. If there is room it does not wait, also
// when the context is cancelled. It returns nil, [ErrQueueShutdown], or the error of a cancellation; after an error the item is not in the
// queue. asyncio: put.
//
// Cancellation: the task leaves the line, its item is not put; a place that was promised to it goes to the next in line.
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

// PutNowait puts an item into the queue if there is room, and returns [ErrQueueFull] if there is none, or none that is not promised to a
// task that waits, and [ErrQueueShutdown] after a shutdown. asyncio: put_nowait.
func (q *Queue[T]) PutNowait(v T) error {
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

// push stores an item, whose place is accounted for, and promises it to the first getter in line.
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

// Get waits until there is an item that is not promised to somebody else, and takes it. If there is one it does not wait, also when the
// context is cancelled. It returns the item, [ErrQueueShutdown] if the queue was shut down and nothing is left, or the error of a
// cancellation. asyncio: get.
//
// Cancellation: no item is lost. An item that was promised to the task goes to the next in line, or stays where it was in the queue.
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
		if wait.Woken() && wait.Note() == promised {
			q.offer(op)
		}
		return v, err
	}
	if wait.Note() != promised || q.items.len() == 0 { // a shutdown came before the item, or took it back
		return v, ErrQueueShutdown
	}
	return q.pop(op), nil
}

// What a getter is called for.
const (
	promised int32 = iota // an item
	nothing               // a shutdown
)

// GetNowait takes an item, and returns [ErrQueueEmpty] if there is none, or none that is not promised to a task that waits, and
// [ErrQueueShutdown] if besides the queue was shut down. asyncio: get_nowait.
func (q *Queue[T]) GetNowait() (T, error) {
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

// pop takes out the first item, which is accounted for, and makes use of its place.
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

// vacate promises a place that has become free to the first putter in line.
func (q *Queue[T]) vacate(op string) {
	if q.putters.Len() > 0 && !q.putters.Call(op).Zero() || q.shut {
		return
	}
	q.room++
}

// offer promises an item, whose getter was cancelled, to the next in line.
func (q *Queue[T]) offer(op string) {
	if q.getters.Call(op).Zero() && q.avail < q.items.len() { // it may have been thrown away
		q.avail++
	}
}

// mustFit panics if tasks of another loop have waited for the queue.
func (q *Queue[T]) mustFit(t aio.TaskRef, op string) {
	q.getters.MustFit(t, op)
	q.putters.MustFit(t, op)
}

// All returns an iterator that gets items until the queue is shut down and nothing is left in it, which ends it quietly, or the task is
// cancelled, whose error is its last element. Items are marked with TaskDone by the caller. asyncio has no counterpart.
//
// Cancellation: as for Get.
func (q *Queue[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, err := q.Get(ctx)
			if errors.Is(err, ErrQueueShutdown) {
				return
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// TaskDone tells that the work on an item that was taken is finished. When it was called for every item that was put, Join returns. It panics
// if it is called more often than items were put. asyncio: task_done.
func (q *Queue[T]) TaskDone() {
	if q.unfinished <= 0 {
		panic(misuse("Queue.TaskDone", "called more often than there were items; call it once for each item that Get returned"))
	}
	if q.unfinished--; q.unfinished == 0 {
		q.joiners.CallAll("Queue.TaskDone")
	}
}

// Join waits until TaskDone was called for every item that was put. It returns nil, or the error of a cancellation. asyncio: join.
//
// Cancellation: the task leaves the line; nothing else changes.
func (q *Queue[T]) Join(ctx context.Context) error {
	t := aio.Running(ctx, "Queue.Join")
	q.joiners.MustFit(t, "Queue.Join")
	if q.unfinished == 0 {
		return nil
	}
	return q.joiners.Wait(aio.NewWaiter(ctx, "Queue.Join", q))
}

// Shutdown closes the queue: puts fail with [ErrQueueShutdown], those that wait too; what is in the queue can still be taken, after that
// gets fail with [ErrQueueShutdown]. With immediate the items are thrown away and count as done. A second call does nothing, except that it
// may be the immediate one. asyncio: shutdown.
func (q *Queue[T]) Shutdown(immediate bool) {
	const op = "Queue.Shutdown"
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

// Len returns how many items are in the queue, those included that are promised. asyncio: qsize.
func (q *Queue[T]) Len() int { return q.items.len() }

// Maxsize returns the number of places, 0 or less if there is no bound. asyncio: maxsize.
func (q *Queue[T]) Maxsize() int { return q.maxsize }

// Empty reports whether GetNowait would find nothing. asyncio: empty.
func (q *Queue[T]) Empty() bool { return q.avail == 0 }

// Full reports whether PutNowait would find no room. asyncio: full.
func (q *Queue[T]) Full() bool {
	return q.maxsize > 0 && (q.items.len() >= q.maxsize || !q.shut && q.room == 0)
}

// Statistics returns a picture of the queue as it is now.
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

// String shows the kind of queue, its bound, its items and who waits.
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
