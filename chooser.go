package aio

// Choice is a kind of decision that a loop makes.
type Choice uint8

const (
	ChooseReady Choice = iota // which of n entries of the ready queue is next
	ChooseTimer               // which of n timers with the same deadline is first
	ChooseEvent               // which of n events of descriptors is handled first
	ChoosePost                // which of n calls from other goroutines is taken first
)

func (c Choice) String() string {
	return [...]string{"ready", "timer", "event", "post"}[c]
}

// Chooser makes the decisions that order a program, so that a test can go through the possible orders and repeat the one that fails.
// Production loops have none: everything is first in, first out.
type Chooser interface {
	// Choose returns a number from 0 to n-1; 0 is what a loop without chooser would take. n is at least 2.
	Choose(what Choice, n int) int
}

func (l *Loop) choose(what Choice, n int) int {
	if l.chooser == nil || n < 2 {
		return 0
	}
	i := l.chooser.Choose(what, n)
	if i < 0 || i >= n {
		l.chooser = nil // the loop has to be shut down without it
		panic(misuse("Chooser.Choose", "the answer is not between 0 and n-1"))
	}
	return i
}
