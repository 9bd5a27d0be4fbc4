package aio

import (
	"context"
	"time"
	"unsafe"
)

// SizeOfTask returns the size of a task in bytes.
func SizeOfTask[T any]() uintptr { return unsafe.Sizeof(Task[T]{}) }

// GroupSize returns how many tasks a group remembers.
func GroupSize(g *TaskGroup) int { return len(g.children) }

// IdleStacks returns how many stacks the loop of ctx keeps for further tasks.
func IdleStacks(ctx context.Context) int { return RunningLoop(ctx).pool.Idle() }

// SetSilence sets for how long goroutines that may post can be silent.
func SetSilence(l *Loop, d time.Duration) { l.deadlock.silence = d }

// HasPosts reports whether other goroutines have posted what the loop has not taken.
func HasPosts(l *Loop) bool { return l.inbox.posted.Load() }

// TimersInHeap returns how many entries the timer heap of a loop has, dead ones among them.
func TimersInHeap(l *Loop) int { return l.timers.heap.Len() }

// Pointless returns how many entries of the ready queue are no choices for a Scheduler.
func Pointless(l *Loop) (n int) {
	for i := range l.ready.Len() {
		if pointless(l.ready.At(i)) {
			n++
		}
	}
	return n
}
