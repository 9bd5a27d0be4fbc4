package main

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// clientAnswer is what every request of the work http_client gets.
var clientAnswer = fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"+
	"Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s", plainText, len(greeting), greeting)

// listenRaw listens on a free port of the loopback.
func listenRaw(backlog int) (fd, port int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return 0, 0, err
	}
	err = errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}),
		unix.Listen(fd, backlog))
	if err != nil {
		return 0, 0, err
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		return 0, 0, err
	}
	return fd, at.(*unix.SockaddrInet4).Port, nil
}

// loadHTTPClient answers the requests of a client, which it tells where to send them: one thread,
// an epoll instance and system calls, so that it costs less than any client.
func loadHTTPClient(spec loadSpec) (loadResult, error) {
	listener, port, err := listenRaw(spec.Conns)
	if err != nil {
		return loadResult{}, err
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return loadResult{}, err
	}
	order, err := dialRaw(spec.Port)
	if err != nil {
		return loadResult{}, err
	}
	watch := func(fd int) error {
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
		return unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &event)
	}
	if err := errors.Join(watch(listener), watch(order)); err != nil {
		return loadResult{}, err
	}
	if _, err := unix.Write(order, fmt.Appendf(nil, "%d %d\n", port, spec.Conns)); err != nil {
		return loadResult{}, err
	}
	part := map[int][]byte{} // of a request, by connection; nil: of none
	w := window{pid: spec.PID}
	ops, next := 0, time.Now().Add(spec.Warm)
	buf := make([]byte, 16<<10)
	events := make([]unix.EpollEvent, 256)
	for {
		if now := time.Now(); !now.Before(next) && (len(part) >= spec.Conns || !w.began.IsZero()) {
			if !w.began.IsZero() {
				return w.end(ops)
			}
			if err := w.begin(); err != nil {
				return loadResult{}, err
			}
			ops, next = 0, w.began.Add(spec.Window)
		}
		ready, err := unix.EpollWait(epoll, events, int(stalled/time.Millisecond))
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return loadResult{}, err
		case ready == 0:
			return loadResult{}, fmt.Errorf("no request within %v", stalled)
		}
		for _, event := range events[:ready] {
			fd := int(event.Fd)
			switch fd {
			case order:
				return loadResult{}, errors.New("the client has given up")
			case listener:
				fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
				if err == unix.EAGAIN || err == unix.EINTR {
					continue
				}
				if err == nil {
					err = errors.Join(watch(fd),
						unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
				}
				if err != nil {
					return loadResult{}, err
				}
				// A connection that takes the place of a closed one may be seen first.
				if part[fd] = nil; len(part) > 2*spec.Conns {
					return loadResult{}, errors.New("the client uses more connections than it may")
				}
				next = time.Now().Add(spec.Warm)
				continue
			}
			n, err := unix.Read(fd, buf)
			switch {
			case err == unix.EAGAIN || err == unix.EINTR:
				continue
			case err != nil && err != unix.ECONNRESET:
				return loadResult{}, err
			case n <= 0: // net/http does so now and then, under load; it makes another one
				unix.Close(fd)
				delete(part, fd)
				continue
			}
			request := buf[:n]
			if len(part[fd]) > 0 {
				request = append(part[fd], request...)
			}
			if !bytes.HasSuffix(request, []byte("\r\n\r\n")) {
				part[fd] = bytes.Clone(request)
				continue
			}
			part[fd] = nil
			if !bytes.HasPrefix(request, []byte("GET / HTTP/1.1\r\n")) {
				line, _, _ := bytes.Cut(request, []byte("\r\n"))
				return loadResult{}, fmt.Errorf("the request begins with %.60q", line)
			}
			if _, err := unix.Write(fd, clientAnswer); err != nil && err != unix.EPIPE &&
				err != unix.ECONNRESET {
				return loadResult{}, err
			}
			ops++
		}
	}
}
