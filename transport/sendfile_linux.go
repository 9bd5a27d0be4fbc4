package transport

import (
	"os"
	"syscall"
)

// sendfile lets the kernel send up to limit bytes of f from offset to the socket fd. It tells the
// scheduler, as the disk may be slow.
func sendfile(fd int, f *os.File, offset int64, limit int) (n int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failure error
	err = raw.Control(func(file uintptr) {
		for {
			at := offset
			n, failure = syscall.Sendfile(fd, int(file), &at, limit)
			if failure != syscall.EINTR {
				return
			}
		}
	})
	if err == nil {
		err = failure
	}
	if err == syscall.EAGAIN {
		err = ErrWouldBlock
	}
	return max(n, 0), err
}

// trySendfile is TryWrite for a part of a file.
func (c *nativeConn) trySendfile(f *os.File, offset int64, limit int) (int, error) {
	n, err := sendfile(c.fd, f, offset, limit)
	if err != nil && err != ErrWouldBlock {
		err = c.fail("sendfile", err)
	}
	return n, err
}
