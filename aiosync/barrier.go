package aiosync

import (
	"context"
	"fmt"

	"github.com/aio-go/aio"
)

// Barrier lets a fixed number of tasks wait for each other. All resume when the last task arrives.
// It can be used again. asyncio: Barrier.
//
//	state      a task arriving  resumes                        next
//	filling    waits; the last  -                              draining: the last task arrives;
//	           does not                                        broken: Abort;
//	                                                           resetting: Reset, tasks wait
//	draining   waits outside    the tasks of this round        filling: all have left;
//	                                                           broken; resetting
//	resetting  waits outside    the tasks of this round,       filling: all have left;
//	                            with ErrBrokenBarrier          broken
//	broken     gets             all tasks, also those outside, filling: Reset;
//	           ErrBrokenBarrier with ErrBrokenBarrier          resetting: Reset, tasks inside
//
// Tasks that wait outside take part in the next round, in FIFO order.
type Barrier struct {
	parties int
	state   barrierState
	count   int // tasks that have arrived and not left
	inside  aio.Line
	outside aio.Line
}

type barrierState uint8

const (
	filling barrierState = iota
	draining
	resetting
	broken
)

func (s barrierState) String() string {
	return [...]string{"filling", "draining", "resetting", "broken"}[s]
}

// BarrierStatistics is the result of [Barrier.Statistics].
type BarrierStatistics struct {
	Parties int
	Waiting int    // tasks that have arrived in this round
	Outside int    // tasks that wait for the next round
	State   string // filling, draining, resetting or broken
}

// NewBarrier returns a barrier for the given number of tasks. It panics if parties is less than 1.
func NewBarrier(parties int) *Barrier {
	if parties < 1 {
		problem := fmt.Sprintf("the number of parties is %d; use 1 or more", parties)
		panic(misuse("NewBarrier", problem))
	}
	b := &Barrier{parties: parties}
	b.inside.MustBeHere("NewBarrier")
	return b
}

// Wait waits until the last of the barrier's tasks arrives. The last task does not wait. The others
// resume in the next pass, in the order of arrival. The index tells the tasks apart: it is 0 for
// the first to arrive. If the tasks of the previous round are still leaving, Wait waits for that
// first. It returns [ErrBrokenBarrier] if the barrier is broken, or is reset while the task waits.
// asyncio: wait.
//
// Cancellation: Wait returns the error, and the barrier waits for one more task. If all tasks had
// arrived before, the others pass all the same.
func (b *Barrier) Wait(ctx context.Context) (index int, err error) {
	const op = "Barrier.Wait"
	t := aio.Running(ctx, op)
	b.inside.MustFit(t, op)
	b.outside.MustFit(t, op)
	for b.state == draining || b.state == resetting {
		if err := b.outside.Wait(aio.NewWaiter(ctx, op, b)); err != nil {
			return 0, err
		}
	}
	switch {
	case b.state == broken:
		return 0, ErrBrokenBarrier
	case b.parties == 0:
		panic(misuse(op, "the barrier has no number of parties; make it with NewBarrier"))
	}
	b.count++
	defer b.leave()
	if b.count >= b.parties && b.present()+1 == b.parties {
		b.state = draining
		b.release()
		return b.parties - 1, nil
	}
	wait := aio.NewWaiter(ctx, op, b)
	if err := b.inside.Wait(wait); err != nil {
		return 0, err
	}
	if b.state != draining {
		return 0, ErrBrokenBarrier
	}
	return int(wait.Note()), nil
}

// release lets all tasks inside pass and gives each its index.
func (b *Barrier) release() {
	for i := int32(0); ; i++ {
		w := b.inside.Call("Barrier.Wait")
		if w.Zero() {
			return
		}
		w.SetNote(i)
	}
}

// present returns how many tasks wait inside and are not cancelled.
func (b *Barrier) present() (n int) {
	for range b.inside.Waiting() {
		n++
	}
	return n
}

// leave is the last step of a task that has arrived. When the last task has left, the tasks outside
// enter.
func (b *Barrier) leave() {
	if b.count--; b.count == 0 {
		if b.state == draining || b.state == resetting {
			b.state = filling
		}
		b.outside.CallAll("Barrier.Wait")
	}
}

// Reset makes the barrier usable again. Tasks that have arrived and not left get
// [ErrBrokenBarrier]. Tasks that wait outside take part in the next round. It never waits. asyncio:
// reset.
func (b *Barrier) Reset() {
	b.inside.MustBeHere("Barrier.Reset")
	b.state = filling
	if b.count > 0 {
		b.state = resetting
		b.inside.CallAll("Barrier.Reset")
	}
	// When they resume the tasks inside have left. They enter before tasks that arrive later.
	b.outside.CallAll("Barrier.Reset")
}

// Abort breaks the barrier. Tasks that wait get [ErrBrokenBarrier], and so do tasks that arrive
// before the next Reset. It never waits. asyncio: abort.
func (b *Barrier) Abort() {
	b.inside.MustBeHere("Barrier.Abort")
	b.state = broken
	b.inside.CallAll("Barrier.Abort")
	b.outside.CallAll("Barrier.Abort")
}

// Broken reports whether the barrier was aborted. asyncio: broken.
func (b *Barrier) Broken() bool { return b.state == broken }

// Parties returns the number of tasks that pass together. asyncio: parties.
func (b *Barrier) Parties() int { return b.parties }

// Waiting returns how many tasks have arrived while the barrier fills. In other states it returns
// 0. asyncio: n_waiting.
func (b *Barrier) Waiting() int {
	if b.state != filling {
		return 0
	}
	return b.count
}

// Statistics returns a copy of the barrier's current state.
func (b *Barrier) Statistics() BarrierStatistics {
	return BarrierStatistics{
		Parties: b.parties,
		Waiting: b.Waiting(),
		Outside: b.outside.Len(),
		State:   b.state.String(),
	}
}

// String shows the state, how many tasks have arrived and how many the barrier is for.
func (b *Barrier) String() string {
	if b.state == broken {
		return "<Barrier broken>"
	}
	return fmt.Sprintf("<Barrier %s, waiters:%d/%d>", b.state, b.Waiting(), b.parties)
}
