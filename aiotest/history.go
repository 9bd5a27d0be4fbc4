package aiotest

import (
	"context"

	"github.com/aio-go/aio"
)

// History records operations on something that tasks share, with the steps at which they began and
// ended. Package aiotest/porcupine, a module of its own, checks whether there is an order of the
// operations in which each could have been done at once. The zero value is ready. It is for one
// run: make it in the function of [Explore].
type History struct {
	ops []Operation
	now int
}

// Operation is one operation of a [History].
type Operation struct {
	Task       uint32 // the number of the task that did it
	Input      any
	Output     any
	Call       int // a number that grows with each beginning and end
	Return     int // 0: it has not ended, or it failed and nobody knows whether it was done
	Began, End int // the steps
}

// Operations returns what was recorded, in the order in which the operations began.
func (h *History) Operations() []Operation { return h.ops }

// Record calls fn, and records it as an operation of the running task. If fn fails, its error is
// returned and the operation counts as one that may or may not have been done. Give errors that are
// answers, such as "not found", as part of the output.
func Record[In, Out any](
	ctx context.Context, t *T, h *History, input In, fn func(ctx context.Context) (Out, error),
) (Out, error) {
	h.now++
	i := len(h.ops)
	h.ops = append(h.ops, Operation{
		Task: aio.CurrentTask(ctx).ID(), Input: input, Call: h.now, Began: t.Steps(),
	})
	output, err := fn(ctx)
	if err == nil {
		h.now++
		op := &h.ops[i]
		op.Output, op.Return, op.End = output, h.now, t.Steps()
	}
	return output, err
}
