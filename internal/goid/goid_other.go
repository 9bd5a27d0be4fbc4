//go:build !amd64 && !arm64

package goid

// Fast says whether Get tells goroutines apart on this platform.
const Fast = false

// Get returns 0: this platform has no cheap way to tell goroutines apart.
func Get() uintptr { return 0 }
