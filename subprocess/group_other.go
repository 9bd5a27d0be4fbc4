//go:build !unix

package subprocess

import (
	"errors"
	"syscall"

	"github.com/aio-go/aio/internal/sys"
)

// hasGroups says whether the system has process groups.
const hasGroups = false

const sigCont = sys.Signal(127) // it does not exist here, and is never sent

func hasNumber(int) bool { return false }

func killGroup(int, sys.Signal) error { return errors.ErrUnsupported }

// attributes returns the attributes of the child for the system. It never leads a group.
func (c *Cmd) attributes() (attr *syscall.SysProcAttr, leads bool, err error) {
	if c.NewSession {
		return nil, false, errors.ErrUnsupported
	}
	return c.SysProcAttr, false, nil
}
