package aiosync

import (
	"errors"
	"fmt"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/safetext"
)

var (
	// ErrQueueEmpty is returned by [Queue.GetNowait] if there is no item. asyncio: QueueEmpty.
	ErrQueueEmpty = errors.New("aio: the queue is empty")
	// ErrQueueFull is returned by [Queue.PutNowait] if there is no room. asyncio: QueueFull.
	ErrQueueFull = errors.New("aio: the queue is full")
	// ErrQueueShutdown is returned by puts into a queue that was shut down, and by gets once no
	// item is left in it. asyncio: QueueShutDown.
	ErrQueueShutdown = errors.New("aio: the queue was shut down")
	// ErrBrokenBarrier is returned to the tasks at a [Barrier] that is aborted or reset. asyncio:
	// BrokenBarrierError.
	ErrBrokenBarrier = errors.New("aio: the barrier is broken")
	// ErrBroadcastClosed is returned to the subscribers of a [Broadcast] that was closed, once they
	// have received every value.
	ErrBroadcastClosed = errors.New("aio: the broadcast was closed")
)

func misuse(op, problem string) string { return "aio: " + op + ": " + problem }

// mustHave panics if op was not given its function.
func mustHave(op string, given bool) {
	if !given {
		panic(misuse(op, "the function is nil; pass one"))
	}
}

// endedText names a task that has ended and may have forgotten to release what it took. It is empty
// if the task has not ended, or if there is none.
func endedText(what string, r aio.TaskRef) string {
	t := r.Task()
	if t == nil || !t.Done() {
		return ""
	}
	return ", " + what + " " + safetext.Message(t.Name()) + ", which has ended"
}

// waitersText is the part of a description that says how many tasks wait.
func waitersText(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", waiters:%d", n)
}
