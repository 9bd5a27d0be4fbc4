//go:build unix

package subprocess

import (
	"os"
	"syscall"
)

// duplicate returns f under another number and in blocking mode, as a child expects it.
func duplicate(f *os.File) (dup *os.File, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	failed := raw.Control(func(fd uintptr) {
		var n int
		if n, err = dupCloseOnExec(int(fd)); err != nil {
			err = os.NewSyscallError("dup", err)
			return
		}
		syscall.SetNonblock(n, false)
		dup = os.NewFile(uintptr(n), f.Name())
	})
	if failed != nil {
		return nil, &os.PathError{Op: "dup", Path: f.Name(), Err: os.ErrClosed}
	}
	return dup, err
}
