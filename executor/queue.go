package executor

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/aio-go/aio/aiosync"
)

// Queue is a FIFO queue that tasks of the parent and functions in workers share. Make it with
// [NewQueue]. Its methods suspend a task, also one of a loop in a worker, and block any other
// goroutine. Items are encoded, as arguments are. Any goroutine. asyncio: Queue; aioprocessing:
// AioQueue.
//
// An item that a function has taken is not lost with its worker: then it goes back to its place at
// the front of the queue, and another gets it. What the worker did with it is not undone.
//
// Methods return [ErrClosed] when the pool has ended.
type Queue[T any] struct{ name string }

// NewQueue returns the queue of that name, with room for size items. Call it for a variable of a
// package, as [Register]: each pool, and each [Threads], has a queue of its own behind it. It
// panics if the name is taken, if size is less than 1, or if gob cannot encode the type. The parent
// holds at most size items of MaxMessage bytes each, and those that functions have taken.
func NewQueue[T any](name string, size int) *Queue[T] {
	atLeastOne("NewQueue", size)
	mustEncode[T](nil, fmt.Sprintf("NewQueue: the queue %q", name))
	define("NewQueue", name, func() object { return newQueueObject(size) })
	return &Queue[T]{name}
}

// Put adds a copy of v, and waits while the queue is full. It returns aiosync.ErrQueueShutdown
// after Close, and the error of encoding.
//
// Cancellation: the item was not put if the caller is a task of the pool's loop. In other places
// it may have been put at that moment.
func (q *Queue[T]) Put(ctx context.Context, v T) error {
	data, err := encode(v)
	if err != nil {
		return err
	}
	_, _, _, err = ask(ctx, request{op: putOp, name: q.name, data: data})
	return err
}

// Get waits for an item and takes it. It returns aiosync.ErrQueueShutdown if the queue is closed
// and empty.
//
// In a function the item goes on the account of the job: if its worker is lost before the function
// has returned, the item goes back. A job can hold 1024 items. For more use All.
//
// Cancellation: the item stays in the queue.
func (q *Queue[T]) Get(ctx context.Context) (T, error) {
	v, l, id, err := q.get(ctx)
	if err == nil && !l.keeps() {
		l.settle(id, true)
	}
	return v, err
}

func (q *Queue[T]) get(ctx context.Context) (v T, l link, id uint64, err error) {
	l, id, data, err := ask(ctx, request{op: getOp, name: q.name})
	if err != nil {
		return v, l, id, err
	}
	v, err = decode[T](data)
	return v, l, id, err
}

// All takes items until the queue is closed and empty. In a function an item is done with when the
// body of the loop has ended. If the worker is lost in the body, the item goes back, and so it does
// if the body panics. An error other than that of the end comes last. asyncio: async for, over a
// queue.
//
// Cancellation: that of Get.
func (q *Queue[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, l, id, err := q.get(ctx)
			switch {
			case errors.Is(err, aiosync.ErrQueueShutdown):
				return
			case err != nil:
				yield(v, err)
				return
			}
			if !q.turn(l, id, v, yield) {
				return
			}
		}
	}
}

// turn is one turn of the loop.
func (q *Queue[T]) turn(l link, id uint64, v T, yield func(T, error) bool) bool {
	done := !l.keeps()
	defer func() { l.settle(id, done) }()
	more := yield(v, nil)
	done = true
	return more
}

// Close ends the queue: further Puts fail, also those that wait. Items that are left can be taken.
// An item that comes back later can be taken, too: by the next attempt of the job, for instance.
// asyncio: Queue.shutdown.
//
// Cancellation: the queue may be closed.
func (q *Queue[T]) Close(ctx context.Context) error { return act(ctx, closeOp, q.name) }

// queueObject is a queue in the parent. A permit of more is an item that nobody has been promised;
// one of room is a free place. When the queue is closed, each has one permit more, which goes from
// one that waits to the next.
type queueObject struct {
	items  []queuedItem // by seq
	seq    uint64       // of the next item
	over   int          // items that came back when there may have been no place
	more   *aiosync.Semaphore
	room   *aiosync.Semaphore
	closed bool
	ended  bool
}

type queuedItem struct {
	seq  uint64
	data []byte
}

func newQueueObject(size int) *queueObject {
	return &queueObject{more: aiosync.NewSemaphore(0), room: aiosync.NewSemaphore(size)}
}

func (q *queueObject) do(
	ctx context.Context, o op, data []byte,
) (reply []byte, back func(done bool), err error) {
	switch o {
	case putOp:
		return nil, nil, q.put(ctx, data)
	case getOp:
		return q.get(ctx)
	case closeOp:
		q.close()
		return nil, nil, nil
	}
	return nil, nil, errFrame
}

func (q *queueObject) put(ctx context.Context, data []byte) error {
	if err := q.room.Acquire(ctx); err != nil {
		return err
	}
	if q.closed || q.ended {
		q.room.Release()
		return q.why()
	}
	q.items = append(q.items, queuedItem{q.seq, data})
	q.seq++
	q.more.Release()
	return nil
}

// why says why there is nothing to wait for.
func (q *queueObject) why() error {
	if q.ended {
		return ErrClosed
	}
	return aiosync.ErrQueueShutdown
}

func (q *queueObject) get(ctx context.Context) (data []byte, back func(done bool), err error) {
	if err := q.more.Acquire(ctx); err != nil {
		return nil, nil, err
	}
	if q.ended || len(q.items) == 0 { // this permit is for the next one, too
		q.more.Release()
		return nil, nil, q.why()
	}
	item := q.items[0]
	q.items[0].data = nil
	q.items = q.items[1:]
	if q.over > 0 {
		q.over--
	} else {
		q.room.Release()
	}
	return item.data, func(done bool) {
		if !done {
			q.putBack(item)
		}
	}, nil
}

// putBack puts an item where it was. It does not wait for a place.
func (q *queueObject) putBack(item queuedItem) {
	i, _ := slices.BinarySearchFunc(q.items, item.seq,
		func(a queuedItem, seq uint64) int { return int(a.seq) - int(seq) })
	q.items = slices.Insert(q.items, i, item)
	q.over++
	q.more.Release()
}

func (q *queueObject) close() {
	if !q.closed {
		q.closed = true
		q.room.Release()
		q.more.Release()
	}
}

func (q *queueObject) end() {
	q.ended = true
	q.more.Release()
	q.room.Release()
}

// String shows what is in the queue.
func (q *queueObject) String() string { return fmt.Sprintf("%d items", len(q.items)) }
