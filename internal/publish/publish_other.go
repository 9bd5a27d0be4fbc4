//go:build !amd64 && !arm64

// Package publish stores a number for other goroutines to see.
package publish

import "sync/atomic"

// Uint32 stores v at p, and all that was written before becomes visible with it.
func Uint32(p *uint32, v uint32) { atomic.StoreUint32(p, v) }

// Uintptr is [Uint32] for an address.
func Uintptr(p *uintptr, v uintptr) { atomic.StoreUintptr(p, v) }
