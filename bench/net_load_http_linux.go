package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// An httpLoad is a request that is sent over and over, and its answer.
type httpLoad struct {
	request []byte
	body    []byte
}

var (
	loadHTTPGreeting = httpLoad{httpRequest("GET", nil), []byte(greeting)}.run
	loadHTTPPost     = httpLoad{httpRequest("POST", patterned(uploadSize)),
		strconv.AppendInt(nil, uploadSize, 10)}.run
	loadHTTPGet = httpLoad{httpRequest("GET", nil), download}.run
)

// httpRequest has the fields that a plain client sends.
func httpRequest(method string, body []byte) []byte {
	head := fmt.Appendf(nil,
		"%s / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n", method)
	if body != nil {
		head = fmt.Appendf(head, "Content-Type: application/octet-stream\r\nContent-Length: %d\r\n",
			len(body))
	}
	return append(append(head, "\r\n"...), body...)
}

// send writes a request. It waits for room, which a server makes that reads.
func (l httpLoad) send(fd int) error {
	for p := l.request; len(p) > 0; {
		n, err := unix.Write(fd, p)
		switch {
		case err == unix.EAGAIN:
			ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}},
				int(stalled/time.Millisecond))
			if err != nil && err != unix.EINTR {
				return err
			}
			if ready == 0 && err == nil {
				return fmt.Errorf("a request was not taken within %v", stalled)
			}
		case err == unix.EINTR:
		case err != nil:
			return err
		default:
			p = p[n:]
		}
	}
	return nil
}

// first sends a request on a blocking connection and returns the length of the
// answer, which all others on it must have too.
func (l httpLoad) first(fd int, buf []byte) (int, error) {
	if err := l.send(fd); err != nil {
		return 0, err
	}
	for got := 0; got < len(buf); {
		n, err := unix.Read(fd, buf[got:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return 0, fmt.Errorf("no answer within %v", stalled)
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.ErrUnexpectedEOF
		}
		got += n
		head, body, whole := bytes.Cut(buf[:got], []byte("\r\n\r\n"))
		if !whole || len(body) < len(l.body) {
			continue
		}
		switch length := fmt.Appendf(nil, "\r\nContent-Length: %d", len(l.body)); {
		case !bytes.HasPrefix(head, []byte("HTTP/1.1 200 OK\r\n")):
			line, _, _ := bytes.Cut(head, []byte("\r\n"))
			return 0, fmt.Errorf("the answer begins with %.60q", line)
		case !bytes.Contains(append(head, '\r'), append(length, '\r')):
			return 0, errors.New("the answer does not tell its length")
		case !bytes.Equal(body, l.body):
			return 0, errors.New("the body of the answer is a wrong one")
		}
		return got, nil
	}
	return 0, errors.New("the head of the answer is too long")
}

// run keeps one request under way on every connection.
func (l httpLoad) run(spec loadSpec) (loadResult, error) {
	const headRoom = 4 << 10
	buf := make([]byte, len(l.body)+headRoom)
	answers := map[int]int{} // the length of an answer, by connection
	left := map[int]int{}    // bytes of the answer still to come
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return loadResult{}, err
	}
	for range spec.Conns {
		fd, err := dialRaw(spec.Port)
		if err != nil {
			return loadResult{}, err
		}
		if answers[fd], err = l.first(fd, buf); err != nil {
			return loadResult{}, err
		}
		left[fd] = answers[fd]
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
		err = errors.Join(unix.SetNonblock(fd, true),
			unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &event))
		if err != nil {
			return loadResult{}, err
		}
	}
	for fd := range answers {
		if err := l.send(fd); err != nil {
			return loadResult{}, err
		}
	}
	w := window{pid: spec.PID}
	ops, next := 0, time.Now().Add(spec.Warm)
	events := make([]unix.EpollEvent, 256)
	for {
		if over, err := w.turn(spec.Window, &ops, &next); err != nil {
			return loadResult{}, err
		} else if over {
			return w.end(ops)
		}
		ready, err := unix.EpollWait(epoll, events, int(stalled/time.Millisecond))
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return loadResult{}, err
		case ready == 0:
			return loadResult{}, fmt.Errorf("no answer within %v", stalled)
		}
		for _, event := range events[:ready] {
			fd := int(event.Fd)
			n, err := unix.Read(fd, buf)
			switch {
			case err == unix.EAGAIN || err == unix.EINTR:
				continue
			case err != nil:
				return loadResult{}, err
			case n == 0:
				return loadResult{}, io.ErrUnexpectedEOF
			case n < left[fd]:
				left[fd] -= n
				continue
			case n > left[fd]:
				return loadResult{}, errors.New("an answer is longer than the first one")
			}
			left[fd] = answers[fd]
			ops++
			if err := l.send(fd); err != nil {
				return loadResult{}, err
			}
		}
	}
}
