//go:build unix

package main

import "syscall"

// raiseLimit lets the process have n descriptors, or as many as the system allows.
func raiseLimit(n int) {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil && uint64(limit.Cur) < uint64(n) {
		limit.Cur = least(limit.Max, n)
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
}

// least is for limits of both types that systems have.
func least[T int64 | uint64](most T, n int) T { return min(most, T(n)) }
