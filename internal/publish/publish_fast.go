//go:build amd64 || arm64

// Package publish stores a number for other goroutines to see.
package publish

// Uint32 stores v at p, and all that was written before becomes visible with it: a release store.
// Others read it by atomic.LoadUint32. On these processors an atomic.StoreUint32 also waits until
// others can see it, which takes about 7 ns; that is too much for each task.
//
//go:noescape
func Uint32(p *uint32, v uint32)

// Uintptr is [Uint32] for an address. It must not be one of the heap: the collector does not see
// it.
//
//go:noescape
func Uintptr(p *uintptr, v uintptr)
