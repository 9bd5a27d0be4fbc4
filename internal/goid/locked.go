package goid

import (
	"runtime"
	"unsafe"
)

// lockedAt is the offset of the lock to the thread in the runtime's description of a goroutine; 0
// if it was not found.
var lockedAt = findLocked()

// searched is how much of a goroutine's description is looked at. The runtime's is longer.
const searched = 320

// Locked reports whether the goroutine with the value g of Get is wired to its thread by
// runtime.LockOSThread. The goroutine must be alive. If that cannot be known, Locked returns false.
func Locked(g uintptr) bool {
	return lockedAt != 0 && Word(g, lockedAt) != 0
}

// findLocked finds the place by experiment, since the runtime does not tell. It is the one word
// that is zero before LockOSThread, set while it is in force, and zero again after it, twice.
func findLocked() uintptr {
	if !Fast {
		return 0
	}
	found := make(chan uintptr)
	go func() {
		g := Get()
		var at []uintptr
		for i := range uintptr(searched / unsafe.Sizeof(g)) {
			at = append(at, (i+1)*unsafe.Sizeof(g))
		}
		for range 2 {
			at = keep(at, func(i uintptr) bool { return Word(g, i) == 0 })
			runtime.LockOSThread()
			at = keep(at, func(i uintptr) bool { return Word(g, i) != 0 })
			runtime.UnlockOSThread()
		}
		at = keep(at, func(i uintptr) bool { return Word(g, i) == 0 })
		if len(at) != 1 {
			at = []uintptr{0}
		}
		found <- at[0]
	}()
	return <-found
}

func keep(at []uintptr, ok func(uintptr) bool) (kept []uintptr) {
	for _, i := range at {
		if ok(i) {
			kept = append(kept, i)
		}
	}
	return kept
}

// Word reads the word at an offset into the description of a goroutine, which the runtime never
// moves.
//
//go:nocheckptr
func Word(g, offset uintptr) uintptr {
	return *(*uintptr)(*(*unsafe.Pointer)(unsafe.Pointer(&[1]uintptr{g + offset})))
}
