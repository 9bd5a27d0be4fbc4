//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package transport

import "syscall"

func soReusePort() int { return syscall.SO_REUSEPORT }
