package aiosync

import (
	"context"
	"fmt"

	"github.com/aio-go/aio"
)

// Barrier lets a fixed number of tasks wait for each other: all go on when the last has come. It can be used again and again. It belongs to
// the first loop on which a task had to wait at it. Its methods are for the loop only. asyncio: Barrier.
//
//	state      who comes           goes on                        next
//	filling    waits; the last     -                              draining, when the last has come; broken (Abort);
//	           one passes                                         resetting (Reset with tasks waiting)
//	draining   waits outside       those who waited pass          filling, when all have left; broken; resetting
//	resetting  waits outside       those who waited get           filling, when all have left; broken
//	                               ErrBrokenBarrier
//	broken     ErrBrokenBarrier    the same, also those outside   filling, or resetting if tasks have not left yet (Reset)
//
// Those who wait outside come in, in their order, when the barrier fills again.
type Barrier struct {
	parties int
	state   barrierState
	count   int // tasks that have come and not left
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

// BarrierStatistics is what [Barrier.Statistics] returns.
type BarrierStatistics struct {
	Parties int
	Waiting int    // tasks that have come to the present round
	Outside int    // tasks that wait for it to begin
	State   string // filling, draining, resetting or broken
}

// NewBarrier makes a barrier for a number of tasks. It panics if that is less than one.
func NewBarrier(parties int) *Barrier {
	if parties < 1 {
		panic(misuse("NewBarrier", fmt.Sprintf("the number of parties is %d; use 1 or more", parties)))
	}
	return &Barrier{parties: parties}
}

// Wait waits until as many tasks have come as the barrier is for. The last to come does not wait; the others go on in the next pass, in the
// order in which they came. Each gets a number of its own, from 0 for the first to come. While the tasks of the round before are leaving
// Wait waits for that first. It returns [ErrBrokenBarrier] if the barrier is aborted, or reset while the task waits in it, or the error of a
// cancellation. asyncio: wait.
//
// Cancellation: the task leaves, and the barrier waits for one more to come. If all had come already the others pass nevertheless.
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

// release lets those pass who wait, and numbers them.
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

// leave is the last step of a task that had come. After the last has left those outside come in.
func (b *Barrier) leave() {
	if b.count--; b.count == 0 {
		if b.state == draining || b.state == resetting {
			b.state = filling
		}
		b.outside.CallAll("Barrier.Wait")
	}
}

// Reset makes the barrier as good as new. Tasks that have come, and have not left yet, get [ErrBrokenBarrier]; those who wait outside take
// part in the next round. It never waits. asyncio: reset.
func (b *Barrier) Reset() {
	b.state = filling
	if b.count > 0 {
		b.state = resetting
		b.inside.CallAll("Barrier.Reset")
	}
	b.outside.CallAll("Barrier.Reset") // by their turn those inside have left, and they come in before newcomers
}

// Abort breaks the barrier: all who wait get [ErrBrokenBarrier], and so do all who come, until Reset. It never waits. asyncio: abort.
func (b *Barrier) Abort() {
	b.state = broken
	b.inside.CallAll("Barrier.Abort")
	b.outside.CallAll("Barrier.Abort")
}

// Broken reports whether the barrier was aborted. asyncio: broken.
func (b *Barrier) Broken() bool { return b.state == broken }

// Parties returns how many tasks the barrier is for. asyncio: parties.
func (b *Barrier) Parties() int { return b.parties }

// Waiting returns how many tasks have come while the barrier fills, 0 in other states. asyncio: n_waiting.
func (b *Barrier) Waiting() int {
	if b.state != filling {
		return 0
	}
	return b.count
}

// Statistics returns a picture of the barrier as it is now.
func (b *Barrier) Statistics() BarrierStatistics {
	return BarrierStatistics{Parties: b.parties, Waiting: b.Waiting(), Outside: b.outside.Len(), State: b.state.String()}
}

// String shows the state, how many have come and how many are to come.
func (b *Barrier) String() string {
	if b.state == broken {
		return "<Barrier broken>"
	}
	return fmt.Sprintf("<Barrier %s, waiters:%d/%d>", b.state, b.Waiting(), b.parties)
}
