//go:build !unix

package executor

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
)

var errNoPairs = fmt.Errorf("executor: worker processes need pairs of sockets, "+
	"which this system lacks: %w", errors.ErrUnsupported)

func connection() (parent net.Conn, child *os.File, err error) { return nil, nil, errNoPairs }

func adoptParent(int) (net.Conn, error) { return nil, errNoPairs }

func asWorker(*exec.Cmd, *os.File, string) {}

func killGroup(int) {}

func hasRaised() bool { return false }
