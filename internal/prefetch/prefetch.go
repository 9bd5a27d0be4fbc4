// Package prefetch asks the processor to load memory that the program is going to need, so that it
// need not wait for it then. This is a hint: it changes nothing, and an address that is not valid
// any more does no harm. On processors other than amd64 and arm64, those of [goid.Fast], it does
// nothing.
package prefetch

import (
	"unsafe"

	"github.com/aio-go/aio/internal/goid"
)

// Object loads the first 256 bytes at p.
func Object(p unsafe.Pointer) {
	load4(uintptr(p))
}

// Goroutine loads what a switch to a suspended goroutine reads first: its description. g is its
// value of [goid.Get].
func Goroutine(g uintptr) {
	load4(g)
}

// Stack loads the innermost frames of a suspended goroutine. Its description should be loaded
// already.
func Stack(g uintptr) {
	if savedSP != 0 {
		load10(goid.Word(g, savedSP))
	}
}
