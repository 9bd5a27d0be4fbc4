//go:build !linux

package subprocess

import (
	"errors"
	"os"
	"syscall"
)

// stray would be a descendant of a child that has left the child's group. Here nothing finds them.
type stray struct{ pid int }

func findStrays(_, _ int, found []*stray) []*stray { return found }

func (*stray) signal(syscall.Signal) {}
func (*stray) gone() bool            { return true }
func (*stray) close()                {}

func groupOf(*os.Process) *os.File { return nil }

func signalGroupOf(*os.File, syscall.Signal) error { return errors.ErrUnsupported }
