package monitor

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/inspect"
	"github.com/aio-go/aio/internal/safetext"
)

// OperatorError is the cause of a cancellation that somebody has asked the monitor for.
type OperatorError struct {
	Operator string // who asked, such as "user 1000, process 4242"
	Reason   string // what the operator says about it; may be empty
}

func (e *OperatorError) Error() string {
	text := "cancelled by an operator (" + safetext.Line(e.Operator) + ")"
	if e.Reason != "" {
		text += ": " + safetext.Message(e.Reason)
	}
	return text
}

// maxReason is the length of a reason, in bytes.
const maxReason = 200

// cancel cancels a task of a loop of this process. If the loop does not answer in time, the request
// is void.
func cancel(ctx context.Context, loop uint64, task uint32, cause *OperatorError) error {
	var l *aio.Loop
	for _, e := range inspect.Running() {
		if e.Number == loop {
			l = e.Loop().(*aio.Loop)
		}
	}
	if l == nil {
		return fmt.Errorf("no loop %d runs", loop)
	}
	var begun atomic.Bool // by the loop, or given up here
	done := make(chan error, 1)
	_, err := l.CallSoonThreadsafe(func() {
		if !begun.Swap(true) {
			done <- cancelHere(l, task, cause)
		}
	})
	if err != nil {
		return err
	}
	limit := time.NewTimer(time.Second)
	defer limit.Stop()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	case <-limit.C:
	}
	if begun.Swap(true) {
		return <-done
	}
	return fmt.Errorf("loop %d does not answer; nothing was cancelled", loop)
}

func cancelHere(l *aio.Loop, id uint32, cause error) error {
	for _, t := range l.AllTasks() {
		if t.ID() == id {
			if !t.Cancel(cause) {
				return fmt.Errorf("task %d has been cancelled before", id)
			}
			return nil
		}
	}
	return fmt.Errorf("there is no task %d", id)
}
