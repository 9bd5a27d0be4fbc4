//go:build unix

package main

import "syscall"

// raiseLimit lets the process have n descriptors, or as many as the system allows.
func raiseLimit(n int) {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil && uint64(limit.Cur) < uint64(n) {
		limit.Cur = min(limit.Max, uint64(n))
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
}
