package prefetch

import (
	"iter"
	"testing"
	"unsafe"

	"github.com/aio-go/aio/internal/goid"
)

func TestTheStackPointerOfASuspendedGoroutineIsFound(t *testing.T) {
	if !goid.Fast {
		t.Skip("this platform is not supported")
	}
	if savedSP == 0 {
		t.Fatal("the place was not found; Stack does nothing")
	}
	var inside uintptr
	next, stop := iter.Pull(func(yield func(uintptr) bool) {
		var here [1]byte
		inside = uintptr(unsafe.Pointer(&here))
		yield(goid.Get())
	})
	defer stop()
	g, _ := next()
	if sp := goid.Word(g, savedSP); sp > inside || inside-sp > 2048 {
		t.Errorf("the stack pointer is %#x, and a variable of the function is at %#x", sp, inside)
	}
}

// Hints about addresses that are not mapped are ignored.
func TestAnAddressThatIsNotValidDoesNoHarm(t *testing.T) {
	Object(nil)
	for _, p := range []uintptr{1, 4096, ^uintptr(0) - 600} {
		load4(p)
		load10(p)
	}
	next, stop := iter.Pull(func(yield func(uintptr) bool) { yield(goid.Get()) })
	g, _ := next()
	Goroutine(g)
	Stack(g)
	stop()
	Goroutine(g) // descriptions of goroutines are never freed
	Stack(g)
}

func TestAHintAllocatesNothing(t *testing.T) {
	x := new([256]byte)
	next, stop := iter.Pull(func(yield func(uintptr) bool) { yield(goid.Get()) })
	defer stop()
	g, _ := next()
	if n := testing.AllocsPerRun(100, func() {
		Object(unsafe.Pointer(x))
		Goroutine(g)
		Stack(g)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
