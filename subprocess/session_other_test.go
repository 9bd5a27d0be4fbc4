//go:build !linux

package subprocess

func sessionOf(pid int) int { return pid }
