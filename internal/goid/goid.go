// Package goid tells goroutines apart.
//
// Get is what every await calls to make sure that it runs on its loop's goroutine, so it must cost
// next to nothing: on amd64 and arm64 it reads the pointer to the running goroutine. Slow works
// everywhere and is for paths where a microsecond does not matter.
package goid

import (
	"bytes"
	"runtime"
	"strconv"
)

// Self returns a value that differs between any two goroutines alive at the same time. If Get is
// Fast, it is that of Get, otherwise the goroutine's number, which takes a microsecond to find.
func Self() uintptr {
	if Fast {
		return Get()
	}
	return uintptr(Slow())
}

// Slow returns the number that a stack trace shows for the running goroutine.
func Slow() uint64 {
	var buf [64]byte
	s := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	if i := bytes.IndexByte(s, ' '); i > 0 {
		s = s[:i]
	}
	n, err := strconv.ParseUint(string(s), 10, 64)
	if err != nil {
		panic("goid: a stack trace does not begin with the goroutine's number: " + err.Error())
	}
	return n
}
