package aiter

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/perloop"
)

// A generator that has begun and not ended holds a stack, and may hold more. When a loop shuts
// down, a task closes these generators after all other tasks have ended, so that their cleanup can
// await. Generators that remain when the loop is closed are ended without that.

// leftover is a generator that has begun.
type leftover struct {
	of    *leftovers
	seq   uint64
	close func(ctx context.Context) error
	end   func() error // without a task
}

// leftovers are those of one loop.
type leftovers struct {
	loop *aio.Loop
	open map[*leftover]bool
	seq  uint64
}

var tables perloop.Table[*leftovers]

func register(l *aio.Loop, close func(ctx context.Context) error, end func() error) *leftover {
	t := tables.Get(l, func() *leftovers {
		t := &leftovers{loop: l, open: map[*leftover]bool{}}
		l.OnShutdown(t.shutdown)
		l.OnClose(t.release)
		return t
	})
	t.seq++
	x := &leftover{of: t, seq: t.seq, close: close, end: end}
	t.open[x] = true
	return x
}

func (x *leftover) forget() { delete(x.of.open, x) }

// inOrder returns the open generators, the oldest first.
func (t *leftovers) inOrder() []*leftover {
	return slices.SortedFunc(maps.Keys(t.open), func(a, b *leftover) int {
		return cmp.Compare(a.seq, b.seq)
	})
}

// shutdown is called when the loop begins to end. The task begins at once: at its first wait it is
// among the tasks to be outlived.
func (t *leftovers) shutdown() {
	aio.Start(t.loop.Context(), t.closeAll, aio.Name("aiter: closing generators"), aio.Eager())
}

func (t *leftovers) closeAll(ctx context.Context) error {
	self := aio.CurrentTask(ctx)
	free := context.WithoutCancel(ctx)
	for {
		others := slices.DeleteFunc(aio.AllTasks(ctx), func(o aio.AnyTask) bool {
			return o == self
		})
		if len(others) == 0 {
			break
		}
		if _, _, err := aio.Wait(free, aio.AllCompleted, others...); err != nil {
			return err
		}
	}
	var closing []aio.AnyTask
	for _, x := range t.inOrder() {
		task := aio.Start(ctx, func(ctx context.Context) error {
			// Shutdown cancels this task, too; the block protects the cleanup from that.
			return aio.TimeoutAt(context.WithoutCancel(ctx), time.Time{},
				func(ctx context.Context) error {
					t.ended(x.close(ctx))
					return nil
				})
		}, aio.Eager()) // a task that is cancelled before its first step never makes it
		if !task.Done() {
			closing = append(closing, task)
		}
	}
	if len(closing) == 0 {
		return nil
	}
	_, _, err := aio.Wait(free, aio.AllCompleted, closing...)
	return err
}

func (t *leftovers) ended(err error) {
	if err != nil && !isCancellation(err) {
		reportClosing(t.loop, err)
	}
}

// release is called when the loop is closed and no task is left. A cleanup that awaits now fails.
func (t *leftovers) release() {
	for _, x := range t.inOrder() {
		x.forget()
		err := x.end()
		if p, ok := errtree.As[*aio.PanicError](err); ok {
			err = p
		}
		t.ended(err)
	}
}
