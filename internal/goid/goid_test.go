package goid

import (
	"iter"
	"runtime"
	"testing"
)

func TestSlowTellsGoroutinesApart(t *testing.T) {
	other := make(chan uint64)
	go func() { other <- Slow() }()
	if a, b := Slow(), <-other; a == b || a == 0 || b == 0 {
		t.Fatalf("two goroutines have the numbers %d and %d", a, b)
	}
}

func TestGetTellsGoroutinesAndCoroutinesApart(t *testing.T) {
	if !Fast {
		t.Skip("this platform has no fast form")
	}
	mine, other := Get(), make(chan uintptr)
	go func() { other <- Get() }()
	if o := <-other; o == mine || o == 0 || mine == 0 {
		t.Fatalf("two goroutines have the values %x and %x", mine, o)
	}
	next, stop := iter.Pull(func(yield func(uintptr) bool) {
		for yield(Get()) {
		}
	})
	defer stop()
	first, _ := next()
	second, _ := next()
	if first != second || first == mine {
		t.Fatalf("a coroutine has the values %x and %x, its caller %x", first, second, mine)
	}
}

func BenchmarkGet(b *testing.B) {
	var sum uintptr
	for b.Loop() {
		sum ^= Get()
	}
	_ = sum
}

func TestLockedKnowsAThreadThatIsLocked(t *testing.T) {
	if !Fast {
		t.Skip("this platform has no fast form")
	}
	if lockedAt == 0 {
		t.Fatal("the place was not found; Locked cannot tell")
	}
	done := make(chan [3]bool)
	go func() {
		var got [3]bool
		got[0] = Locked(Get())
		runtime.LockOSThread()
		got[1] = Locked(Get())
		runtime.UnlockOSThread()
		got[2] = Locked(Get())
		done <- got
	}()
	if got := <-done; got != [3]bool{false, true, false} {
		t.Errorf("before, during and after: %v", got)
	}
}
