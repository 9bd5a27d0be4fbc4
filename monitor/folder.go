package monitor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// userFolders returns the folders in which sockets of the user may stand, the preferred one first.
// A program and the command that asks it may have different environments, so both look at all.
func userFolders() []string {
	uid := strconv.Itoa(os.Getuid())
	var dirs []string
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		dirs = append(dirs, filepath.Join(dir, "aio"))
	}
	if run := filepath.Join("/run/user", uid); isOurs(run) {
		dirs = append(dirs, filepath.Join(run, "aio"))
	}
	dirs = append(dirs, filepath.Join(os.TempDir(), "aio-"+uid), "/tmp/aio-"+uid)
	slices.Sort(dirs[1:])
	return slices.Compact(dirs)
}

// maxPath is the length of a path that every system takes for a socket.
const maxPath = 103

// userFolder returns the folder for a new socket. It makes the folder, with mode 0700, if need be.
// The first that belongs to the user, and to nobody else, is taken.
func userFolder() (string, error) {
	var first error
	for _, dir := range userFolders() {
		if len(filepath.Join(dir, socketName(os.Getpid()))) > maxPath {
			continue
		}
		err := os.Mkdir(dir, 0o700)
		if err == nil || os.IsExist(err) {
			if isOurs(dir) {
				return dir, nil
			}
			err = fmt.Errorf("%s is not a folder that only the user of this process may use; "+
				"remove it or give a Path", dir)
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = errors.New("the paths are too long for one; give a Path")
	}
	return "", fmt.Errorf("aio: monitor.Serve: no folder for the socket: %w", first)
}

// isOurs reports whether path is a folder, and no link, that only the user of the process may use.
func isOurs(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir() && ownedByUs(info) && private(info)
}

func private(info fs.FileInfo) bool { return !hasModes || info.Mode().Perm()&0o077 == 0 }
