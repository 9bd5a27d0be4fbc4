package prefetch

import (
	"iter"
	"unsafe"

	"github.com/aio-go/aio/internal/goid"
)

// savedSP is the offset of the stack pointer of a suspended goroutine in the runtime's description
// of the goroutine; 0 if it was not found.
var savedSP = findSP()

// expected is the offset in Go 1.26: after two bounds of the stack, two guards, and three pointers.
const expected = 7 * unsafe.Sizeof(uintptr(0))

// findSP tries the expected offset out with a coroutine that is suspended: the stack pointer is a
// little below a variable of its function.
func findSP() uintptr {
	if !goid.Fast {
		return 0
	}
	type place struct{ g, variable uintptr }
	next, stop := iter.Pull(func(yield func(place) bool) {
		var here [1]byte
		yield(place{goid.Get(), uintptr(unsafe.Pointer(&here))})
	})
	defer stop()
	at, _ := next()
	if d := at.variable - goid.Word(at.g, expected); d < 2048 {
		return expected
	}
	return 0
}
