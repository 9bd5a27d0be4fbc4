package unixsocket

import (
	"io/fs"
	"syscall"
)

// narrow keeps the file that bind will make from being open to more users than mode says, from the
// first moment: Linux takes the mode of the descriptor, less the umask.
func narrow(fd uintptr, mode fs.FileMode) { syscall.Fchmod(int(fd), uint32(mode.Perm())) }
