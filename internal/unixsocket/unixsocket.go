// Package unixsocket manages the files of Unix sockets: it removes those without a listener, sets
// which users may connect, and removes a file with its socket, but never that of another socket.
package unixsocket

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"github.com/aio-go/aio/internal/sys"
)

// DefaultMode lets only the user of the process connect, whatever the umask is.
const DefaultMode fs.FileMode = 0o600

var claiming sync.Mutex // one goroutine of the process makes room and binds at a time

// CheckMode panics unless mode is one for a socket.
func CheckMode(op string, mode fs.FileMode) {
	if mode&^0o777 != 0 || mode&0o200 == 0 {
		panic(fmt.Sprintf("%s: %#o is no mode for a socket; use 0o600, 0o660 or 0o666",
			op, uint32(mode)))
	}
}

// Claim makes room at path and calls bind. It removes a socket without a listener. A socket in use,
// and any other file, gives EADDRINUSE. A listener does not notice the check.
//
// Another process may do the same at the same time. So the file is moved aside before it is
// removed, and checked once more: only a socket without a listener is removed.
func Claim(path string, bind func() error) error {
	claiming.Lock()
	defer claiming.Unlock()
	if err := makeRoom(path); err != nil {
		return err
	}
	return bind()
}

func makeRoom(path string) error {
	if IsAbstract(path) {
		return nil // bind reports whether it is in use
	}
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil // bind reports what is wrong, if anything is
	case info.Mode()&fs.ModeSocket == 0 || !stale(path):
		return os.NewSyscallError("bind", sys.EADDRINUSE)
	}
	// short: the length of a path is limited
	aside := filepath.Join(filepath.Dir(path), "."+rand.Text()[:7])
	if err := os.Rename(path, aside); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if !stale(aside) {
		os.Link(aside, path) // fails if yet another has taken the place
		os.Remove(aside)
		return os.NewSyscallError("bind", sys.EADDRINUSE)
	}
	return os.Remove(aside)
}

// stale reports whether no process holds the socket at path. It asks with a datagram socket: then a
// listener gets no connection, and the asker only an error of the type. A socket without permission
// to ask counts as held.
func stale(path string) bool {
	c, err := net.Dial("unixgram", path)
	if err == nil {
		c.Close()
		return false
	}
	if runtime.GOOS == "windows" { // has streams only
		c, err = net.Dial("unix", path)
		if err == nil {
			c.Close()
			return false
		}
	}
	return errors.Is(sys.Error(err), sys.ECONNREFUSED)
}

// IsAbstract reports whether path is a name outside the file system, or none at all.
func IsAbstract(path string) bool { return path == "" || path[0] == '@' || path[0] == 0 }

// SetMode gives the file of a socket that was bound its mode.
func SetMode(path string, mode fs.FileMode) error {
	if IsAbstract(path) || runtime.GOOS == "windows" {
		return nil
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Perm() == mode {
		return nil
	}
	return os.Chmod(path, mode)
}

// File is the file of a socket that listens, to be removed with it. The zero value is none.
type File struct {
	path string
	info fs.FileInfo // as bound; nil if there is nothing to remove
}

// Remember is called after the socket was bound.
func Remember(path string) File {
	f := File{path: path}
	if !IsAbstract(path) {
		f.info, _ = os.Lstat(path)
	}
	return f
}

// IsOurs reports whether the file is still the one that was remembered. The number of a removed
// file is soon used for another, so its time is compared, too.
func (f *File) IsOurs() bool {
	if f.info == nil {
		return false
	}
	now, err := os.Lstat(f.path)
	return err == nil && os.SameFile(f.info, now) && now.Mode()&fs.ModeSocket != 0 &&
		now.ModTime().Equal(f.info.ModTime())
}

// Remove removes the file, unless it is another one by now.
func (f *File) Remove() {
	if f.IsOurs() {
		os.Remove(f.path)
	}
	f.info = nil
}

// Listen listens on path for package net: after Claim, and with a mode. ctx is that of
// [net.ListenConfig]. Its Close removes the file as [File.Remove] does; keep leaves it.
func Listen(ctx context.Context, path string, mode fs.FileMode, keep bool) (*Listener, error) {
	fail := func(err error) (*Listener, error) {
		return nil, &net.OpError{
			Op:   "listen",
			Net:  "unix",
			Addr: &net.UnixAddr{Name: path, Net: "unix"},
			Err:  err,
		}
	}
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		if IsAbstract(path) {
			return nil
		}
		return c.Control(func(fd uintptr) { narrow(fd, mode) })
	}}
	var ln net.Listener
	err := Claim(path, func() (err error) {
		ln, err = lc.Listen(ctx, "unix", path)
		return err
	})
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return nil, err
	} else if err != nil {
		return fail(err)
	}
	l := &Listener{UnixListener: ln.(*net.UnixListener)}
	keepFile(l.UnixListener)
	l.file = Remember(path)
	if err := SetMode(path, mode); err != nil {
		l.Close()
		return fail(err)
	}
	if keep {
		l.file = File{}
	}
	return l, nil
}

// Listener is a listener of package net that removes its own file, and no other.
type Listener struct {
	*net.UnixListener
	file File
}

// Close stops listening and removes the file.
func (l *Listener) Close() error {
	l.file.Remove()
	return l.UnixListener.Close()
}

// Adopted sees to it that the Close of a listener of package net, which removes its file by name,
// does not remove that of another.
func Adopted(ln *net.UnixListener) *AdoptedListener {
	return &AdoptedListener{ln, Remember(ln.Addr().String())}
}

// AdoptedListener is the result of Adopted.
type AdoptedListener struct {
	*net.UnixListener
	file File
}

// Close closes the listener. If that removes its file, it does so only while the file is its own.
func (l *AdoptedListener) Close() error {
	if !l.file.IsOurs() {
		keepFile(l.UnixListener)
	}
	return l.UnixListener.Close()
}
