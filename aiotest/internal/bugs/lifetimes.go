package bugs

import (
	"context"
	"errors"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

func init() {
	add("close-twice", "double close", closeTwice)
	add("send-after-close", "use after close", sendAfterClose)
	add("reply-or-time-out", "time-out race", replyOrTimeout)
	add("heartbeat", "timer of an old connection", heartbeat)
	add("forgotten-worker", "task is left behind", forgottenWorker)
	add("first-answer", "result is set twice", firstAnswer)
	addCancelled("permit", "cancelled between acquire and release", permit)
	addCancelled("half-written", "cancelled in the middle of an update", halfWritten)
	addCancelled("swallowed", "cancellation is swallowed", swallowed)
}

// closeTwice is closed by the reader at the end, and by the owner.
func closeTwice(ctx context.Context, t *aiotest.T, fixed bool) error {
	closed, closes := false, 0
	closeConn := func(ctx context.Context) error {
		if closed {
			return nil
		}
		if fixed {
			closed = true
		}
		if err := work(ctx, 1); err != nil { // the rest is flushed
			return err
		}
		closed = true
		closes++
		return nil
	}
	err := together(ctx, func(ctx context.Context) error {
		if err := work(ctx, 2); err != nil { // it reads to the end
			return err
		}
		return closeConn(ctx)
	}, func(ctx context.Context) error {
		if err := work(ctx, 7); err != nil {
			return err
		}
		return closeConn(ctx)
	})
	if closes > 1 {
		t.Errorf("it was closed %d times", closes)
	}
	return err
}

var errClosed = errors.New("write on a closed connection")

// sendAfterClose looks whether the connection is open before it waits for its turn to write.
func sendAfterClose(ctx context.Context, t *aiotest.T, fixed bool) error {
	open := true
	var turn aiosync.Lock
	write := func(ctx context.Context) error {
		if !open {
			return nil
		}
		return turn.With(ctx, func(ctx context.Context) error {
			if fixed && !open {
				return nil
			}
			if !open {
				return errClosed
			}
			return nil
		})
	}
	return together(ctx, write, func(ctx context.Context) error {
		return turn.With(ctx, func(ctx context.Context) error {
			if err := work(ctx, 1); err != nil {
				return err
			}
			open = false
			return nil
		})
	}, func(ctx context.Context) error {
		if err := work(ctx, 6); err != nil {
			return err
		}
		return write(ctx)
	})
}

// replyOrTimeout forgets a request after its time, and answers it. Both come at the same moment.
func replyOrTimeout(ctx context.Context, t *aiotest.T, fixed bool) error {
	pending := map[int]*aio.Future[string]{1: aio.NewFuture[string](ctx)}
	return together(ctx, func(ctx context.Context) error {
		_, err := aio.WaitFor(ctx, 2*time.Second, pending[1].Await)
		var late *aio.TimeoutError
		if errors.As(err, &late) {
			delete(pending, 1)
			return nil
		}
		return err
	}, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 2*time.Second); err != nil {
			return err
		}
		reply, ok := pending[1]
		if fixed && (!ok || reply.Done()) {
			return nil
		}
		if !ok {
			t.Fatal("a reply came for a request that nobody made")
		}
		return reply.SetResult("pong")
	})
}

// heartbeat ends a connection that was silent for long; its timer outlives a reconnection.
func heartbeat(ctx context.Context, t *aiotest.T, fixed bool) error {
	alive, number := true, 1
	watch := func(ctx context.Context) error {
		of := number
		if err := aio.Sleep(ctx, 3*time.Second); err != nil {
			return err
		}
		if fixed && of != number {
			return nil
		}
		if of != number && alive {
			t.Errorf("the timer of connection %d ended connection %d", of, number)
		}
		alive = false
		return nil
	}
	return together(ctx, watch, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 3*time.Second); err != nil {
			return err
		}
		if alive { // it reconnects
			number++
		}
		return nil
	})
}

// forgottenWorker returns when the first result is there, and leaves a worker running.
func forgottenWorker(ctx context.Context, t *aiotest.T, fixed bool) error {
	q := aiosync.NewQueue[int](0)
	worker := func(ctx context.Context) error {
		if err := work(ctx, 2); err != nil {
			return err
		}
		return q.PutNowait(1)
	}
	a, b := aio.Start(ctx, worker), aio.Start(ctx, worker)
	if _, err := q.Get(ctx); err != nil {
		return err
	}
	if fixed {
		_, err := aio.Gather[aio.None](ctx, a, b)
		return err
	}
	return nil
}

// firstAnswer asks two servers, and takes the answer that comes first.
func firstAnswer(ctx context.Context, t *aiotest.T, fixed bool) error {
	answer := aio.NewFuture[string](ctx)
	ask := func(server string, steps int) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if answer.Done() {
				return nil
			}
			if err := work(ctx, steps); err != nil {
				return err
			}
			if fixed && answer.Done() {
				return nil
			}
			return answer.SetResult(server)
		}
	}
	return together(ctx, ask("a", 1), func(ctx context.Context) error {
		if err := work(ctx, 4); err != nil {
			return err
		}
		return ask("b", 1)(ctx)
	})
}

// permit takes a permit and gives it back, unless it is cancelled in between.
func permit(ctx context.Context, t *aiotest.T, fixed bool) error {
	sem := aiosync.NewSemaphore(1)
	call := func(ctx context.Context) error {
		if err := sem.Acquire(ctx); err != nil {
			return err
		}
		if fixed {
			defer sem.Release()
		}
		if err := work(ctx, 1); err != nil {
			return err
		}
		if !fixed {
			sem.Release()
		}
		return nil
	}
	a, b := aio.Start(ctx, call), aio.Start(ctx, call)
	if _, err := aio.GatherSettled[aio.None](ctx, a, b); err != nil {
		return err
	}
	if sem.Locked() {
		t.Errorf("the permit was not given back")
	}
	return nil
}

// halfWritten changes two things that belong together, with an await between them.
func halfWritten(ctx context.Context, t *aiotest.T, fixed bool) error {
	items, total := []int{}, 0
	put := func(ctx context.Context) error {
		if fixed {
			if err := work(ctx, 1); err != nil {
				return err
			}
			items, total = append(items, 5), total+5
			return nil
		}
		items = append(items, 5)
		if err := work(ctx, 1); err != nil {
			return err
		}
		total += 5
		return nil
	}
	a, b := aio.Start(ctx, put), aio.Start(ctx, put)
	if _, err := aio.GatherSettled[aio.None](ctx, a, b); err != nil {
		return err
	}
	if total != 5*len(items) {
		t.Errorf("%d items, but the total is %d", len(items), total)
	}
	return nil
}

// swallowed retries after any error, its own cancellation included.
func swallowed(ctx context.Context, t *aiotest.T, fixed bool) error {
	sent := 0
	flush := func(ctx context.Context) error {
		for range 3 {
			if err := work(ctx, 1); err != nil {
				if fixed {
					return err
				}
				continue
			}
			sent++
		}
		return nil
	}
	task := aio.Start(ctx, flush)
	_, err := aio.GatherSettled[aio.None](ctx, task)
	if err != nil {
		return err
	}
	if !task.Cancelled() && sent != 3 {
		t.Errorf("flush says that it is done, but sent %d of 3", sent)
	}
	return nil
}
