package transport

import (
	"io/fs"
	"os"
	"syscall"
)

// socketFile is the file of a listening unix socket, to be removed with it.
type socketFile struct {
	path string
	info fs.FileInfo // as bound; nil for a name that is no file, or if the file is to stay
}

// clearSocketPath makes room at path: a socket is removed, whoever left it there; anything else that is
// in the way means the address is in use.
func clearSocketPath(path string) error {
	if isAbstract(path) {
		return nil
	}
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil // bind will say what is wrong, if anything is
	case info.Mode()&fs.ModeSocket == 0:
		return os.NewSyscallError("bind", syscall.EADDRINUSE)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// rememberSocketFile is called after the socket was bound.
func rememberSocketFile(path string, keep bool) socketFile {
	f := socketFile{path: path}
	if !keep && !isAbstract(path) {
		f.info, _ = os.Lstat(path)
	}
	return f
}

// remove removes the file, unless it is another one by now.
func (f *socketFile) remove() {
	if f.info == nil {
		return
	}
	if now, err := os.Lstat(f.path); err == nil && os.SameFile(f.info, now) {
		os.Remove(f.path)
	}
	f.info = nil
}

// isAbstract reports whether path is a name outside the file system, or none at all.
func isAbstract(path string) bool { return path == "" || path[0] == '@' || path[0] == 0 }
