//go:build unix

package aiofile

import (
	"io/fs"
	"os"
	"syscall"
)

// errInvalid is fsync's error for files that cannot be synced to a disk.
var errInvalid error = syscall.EINVAL

// openFolder are flags that open only a folder, without waiting.
const openFolder = syscall.O_DIRECTORY | syscall.O_NONBLOCK | syscall.O_NOFOLLOW

// noFolder are the errors for a path through something other than a folder.
var noFolder = []error{syscall.ENOTDIR, syscall.ELOOP}

// ours reports whether a file belongs to the effective user of this process.
func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// joinGroup gives f the group of the file that it will replace, and reports whether f has that
// group then.
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
