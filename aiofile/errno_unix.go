//go:build unix

package aiofile

import (
	"io/fs"
	"os"
	"syscall"
)

// errInvalid is what fsync says of what cannot be brought to a disk.
var errInvalid error = syscall.EINVAL

// openFolder are flags with which only a folder is opened, and nobody is waited for.
const openFolder = syscall.O_DIRECTORY | syscall.O_NONBLOCK | syscall.O_NOFOLLOW

// noFolder are the errors for a path through what is no folder.
var noFolder = []error{syscall.ENOTDIR, syscall.ELOOP}

// ours reports whether a file belongs to the user that this process acts as.
func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// joinGroup gives f the group of the file that it is to replace, and reports whether it has that then.
func joinGroup(f *os.File, old fs.FileInfo) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	is, ok := info.Sys().(*syscall.Stat_t)
	was, ok2 := old.Sys().(*syscall.Stat_t)
	return ok && ok2 && (is.Gid == was.Gid || f.Chown(-1, int(was.Gid)) == nil)
}

// rename gives a file another name.
func rename(from, to string) error { return os.Rename(from, to) }
