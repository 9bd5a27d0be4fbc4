package transport

import (
	"sync/atomic"
	"syscall"
)

// Linux keeps the descriptors of a process in a table that grows by doubling. In a process with
// several threads each growth waits for all processors, some 15 ms. The call that needed the room
// waits that long, so an accept would stop the loop. Therefore another goroutine makes the table
// grow ahead of need.

// tableSize is the size of the table as far as this package has made it grow.
var tableSize atomic.Int64

// firstTable holds the descriptors of most programs. It costs 8 KiB.
const firstTable = 1024

// reserveDescriptors makes the table grow when half of it is in use. fd is the newest descriptor.
func reserveDescriptors(fd int) {
	size := tableSize.Load()
	if 2*int64(fd) < size {
		return
	}
	next := max(firstTable, 2*size)
	if tableSize.CompareAndSwap(size, next) {
		go growTable(int(next))
	}
}

// growTable opens the last descriptor that fits, and closes it. Beyond the limit of the process it
// does nothing.
func growTable(size int) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return
	}
	defer syscall.Close(fd)
	last, _, errno := syscall.Syscall(
		syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, uintptr(size-1))
	if errno == 0 {
		syscall.Close(int(last))
	}
}
