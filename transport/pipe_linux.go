package transport

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"

	"github.com/aio-go/aio"
)

// newPipeConn makes a Conn with a descriptor of its own for the pipe or device of f. It never takes
// f itself.
func newPipeConn(
	ctx context.Context, h *hub, f *os.File, d direction,
) (conn Conn, taken bool, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, false, err
	}
	c := &pipeConn{loop: h.loop, fd: -1, name: f.Name(), dir: d}
	var opening error
	if err := raw.Control(func(fd uintptr) { opening = c.open(int(fd)) }); err != nil {
		return nil, false, err
	}
	if err := opening; err != nil {
		c.Close()
		return nil, false, err
	}
	if NetworkFrom(ctx) != Portable() {
		return c, false, nil
	}
	p := newPortablePipe(h, os.NewFile(uintptr(c.fd), c.name), d)
	p.restore = c.restore
	return p, false, nil
}

// pipeConn is an end of a pipe, or of something that is read and written like one.
type pipeConn struct {
	loop     *aio.Loop
	fd       int // -1 after Close
	watch    *aio.Watch
	name     string
	dir      direction
	terminal bool
	// gives the descriptor its blocking mode back, for others that share it; nil if there is
	// nothing to do
	restore func()
}

// open gets a non-blocking descriptor from one that may block and may be shared with other
// processes.
func (c *pipeConn) open(fd int) error {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	flags, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
	if errno != 0 {
		return os.NewSyscallError("fcntl", errno)
	}
	kind := st.Mode & syscall.S_IFMT
	c.terminal = kind == syscall.S_IFCHR
	if flags&syscall.O_NONBLOCK == 0 && (kind == syscall.S_IFIFO ||
		kind == syscall.S_IFCHR && st.Rdev != ptmx) {
		// The mode belongs to the open file, not to the descriptor: changing it would change it for
		// the shell, too. So open the file again. The master of a terminal must not be opened
		// again: that makes another terminal.
		access := syscall.O_RDONLY
		if c.dir == sends {
			access = syscall.O_WRONLY
		}
		path := fmt.Sprintf("/proc/self/fd/%d", fd)
		mode := access | syscall.O_NONBLOCK | syscall.O_NOCTTY | syscall.O_CLOEXEC
		if again, err := syscall.Open(path, mode, 0); err == nil {
			c.fd = again
			return c.tryWatch(kind)
		}
	}
	dup, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return os.NewSyscallError("fcntl", errno)
	}
	c.fd = int(dup)
	if err := c.tryWatch(kind); err != nil {
		return err
	}
	if flags&syscall.O_NONBLOCK == 0 {
		if err := syscall.SetNonblock(c.fd, true); err != nil {
			return os.NewSyscallError("fcntl", err)
		}
		c.restore = func() { syscall.SetNonblock(c.fd, false) }
	}
	return nil
}

// ptmx is the number of the device that makes terminals: 5, 2. The masters of terminals have it
// too.
const ptmx = 5<<8 | 2

// tryWatch asks the poller about devices; it takes some and refuses others.
func (c *pipeConn) tryWatch(kind uint32) error {
	switch kind {
	case syscall.S_IFIFO, syscall.S_IFSOCK:
		return nil
	case syscall.S_IFBLK:
		return ErrNotPipe
	}
	w, err := c.loop.Watch(uintptr(c.fd), func(aio.Interest) {})
	if err != nil {
		return ErrNotPipe
	}
	w.Close()
	return nil
}

func (c *pipeConn) direction() direction { return c.dir }

func (c *pipeConn) Start(ready func(aio.Interest)) (err error) {
	if c.fd < 0 {
		return c.fail("watch", os.ErrClosed)
	}
	c.watch, err = c.loop.Watch(uintptr(c.fd), ready)
	return err
}

func (c *pipeConn) TryRead(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, errno := c.try(syscall.SYS_READ, p)
	switch {
	case errno == syscall.EAGAIN:
		return 0, ErrWouldBlock
	case errno == syscall.EIO && c.terminal:
		// the master of a terminal learns in this way that the other side was closed
		return 0, io.EOF
	case errno != 0:
		return 0, c.fail("read", errno)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (c *pipeConn) TryWrite(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, errno := c.try(syscall.SYS_WRITE, p[:min(len(p), maxWrite)])
	switch errno {
	case 0:
		return n, nil
	case syscall.EAGAIN:
		return 0, ErrWouldBlock
	}
	return 0, c.fail("write", errno)
}

// try reads or writes. The descriptor does not block, so the scheduler is not told.
func (c *pipeConn) try(call uintptr, p []byte) (int, syscall.Errno) {
	if c.fd < 0 {
		return 0, syscall.EBADF
	}
	for {
		n, _, errno := syscall.RawSyscall(call, uintptr(c.fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

// CloseWrite is not called: ending the sending half of a pipe is closing it.
func (c *pipeConn) CloseWrite() error { return c.fail("close", syscall.ENOTSUP) }

func (c *pipeConn) Close() error {
	if c.fd < 0 {
		return nil
	}
	if c.watch != nil {
		c.watch.Close()
		c.watch = nil
	}
	if c.restore != nil {
		c.restore()
	}
	fd := c.fd
	c.fd = -1
	if err := syscall.Close(fd); err != nil {
		return c.fail("close", err)
	}
	return nil
}

func (c *pipeConn) fail(op string, err error) error {
	return &os.PathError{Op: op, Path: c.name, Err: err}
}

func (c *pipeConn) LocalAddr() net.Addr  { return pipeAddr(c.name) }
func (c *pipeConn) RemoteAddr() net.Addr { return pipeAddr(c.name) }

// String describes the end of the pipe for logs and dumps.
func (c *pipeConn) String() string { return "pipe " + c.name }
