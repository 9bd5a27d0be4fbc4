//go:build !linux

package subprocess

import (
	"errors"
	"os"

	"github.com/aio-go/aio/internal/sys"
)

// stray would be a descendant of a child that has left the child's group. This system cannot find
// them.
type stray struct{ pid int }

func findStrays(_, _ int, found []*stray) []*stray { return found }

func (*stray) signal(sys.Signal) {}
func (*stray) gone() bool        { return true }
func (*stray) close()            {}

func groupOf(*os.Process) *os.File { return nil }

func signalGroupOf(*os.File, sys.Signal) error { return errors.ErrUnsupported }
