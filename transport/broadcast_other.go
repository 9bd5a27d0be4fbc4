//go:build !unix

package transport

import "syscall"

// setBroadcast leaves the option as package net has set it: on.
func setBroadcast(syscall.RawConn, bool) error { return nil }
