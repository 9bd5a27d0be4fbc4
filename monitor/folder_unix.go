//go:build unix

package monitor

import (
	"io/fs"
	"os"
	"syscall"
)

// hasModes says whether files have modes that the system heeds.
const hasModes = true

func ownedByUs(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// raisedRights reports whether the program has more rights than its user: the environment is then
// not to be trusted.
func raisedRights() bool { return os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() }

// alive reports whether there is a process with this number.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || err == syscall.EPERM
}
