package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// newsFrame is the news as a client sends them over a WebSocket.
var newsFrame = func() []byte {
	f, err := ws.CompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(news))))
	if err != nil {
		panic(err) // it is short
	}
	return f
}()

const wsHandshake = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n" +
	"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// head sends a request on a blocking connection and reads the head of the answer.
func head(fd int, request, status string) error {
	if _, err := unix.Write(fd, []byte(request)); err != nil {
		return err
	}
	var got []byte
	for !bytes.HasSuffix(got, []byte("\r\n\r\n")) {
		p := make([]byte, 1)
		n, err := unix.Read(fd, p)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case n == 0:
			return io.ErrUnexpectedEOF
		}
		got = append(got, p...)
	}
	if !bytes.HasPrefix(got, []byte("HTTP/1.1 "+status)) {
		line, _, _ := bytes.Cut(got, []byte("\r\n"))
		return fmt.Errorf("the answer begins with %.60q", line)
	}
	return nil
}

// dialHeads makes the connections, each with a request whose answer does not end.
func dialHeads(spec loadSpec, request, status string) (fds []int, err error) {
	for range spec.Conns {
		fd, err := dialRaw(spec.Port)
		if err == nil {
			err = head(fd, request, status)
		}
		if err != nil {
			return nil, err
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

// dialRoom makes the connections, of which one says something that all get.
func dialRoom(spec loadSpec) ([]int, error) {
	fds, err := dialHeads(spec, wsHandshake, "101")
	if err != nil {
		return nil, err
	}
	if _, err := unix.Write(fds[0], newsFrame); err != nil {
		return nil, err
	}
	for _, fd := range fds {
		got := make([]byte, 2+len(news))
		for n := 0; n < len(got); {
			k, err := unix.Read(fd, got[n:])
			if err == unix.EINTR {
				continue
			}
			if err != nil || k == 0 {
				return nil, fmt.Errorf("instead of the message came %v", err)
			}
			n += k
		}
		if string(got[2:]) != news {
			return nil, errors.New("the answer is not the message")
		}
	}
	return fds, err
}

func loadWebSocketIdle(spec loadSpec) (loadResult, error) { return idle(spec, dialRoom) }

// loadWebSocket has one connection say something, which all get, again and again.
func loadWebSocket(spec loadSpec) (loadResult, error) {
	fds, err := dialHeads(spec, wsHandshake, "101")
	if err != nil {
		return loadResult{}, err
	}
	return fanOut(spec, fds, func() error {
		_, err := unix.Write(fds[0], newsFrame)
		return err
	})
}

// loadEvents posts something, which all that listen get, again and again.
func loadEvents(spec loadSpec) (loadResult, error) {
	fds, err := dialHeads(spec, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "200")
	if err != nil {
		return loadResult{}, err
	}
	poster, err := dialRaw(spec.Port)
	if err != nil {
		return loadResult{}, err
	}
	post := fmt.Sprintf("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s",
		len(news), news)
	return fanOut(spec, fds, func() error { return head(poster, post, "200") })
}

// fanOut says something and reads what all get of it, round after round. An operation is one
// delivery.
func fanOut(spec loadSpec, fds []int, say func() error) (loadResult, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return loadResult{}, err
	}
	for i, fd := range fds {
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
		err := errors.Join(unix.SetNonblock(fd, true),
			unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &event))
		if err != nil {
			return loadResult{}, err
		}
	}
	w := window{pid: spec.PID}
	got := make([]int, len(fds)) // messages
	seen := false                // that it is the news
	buf := make([]byte, 4<<10)
	events := make([]unix.EpollEvent, 256)
	ops, next := 0, time.Now().Add(spec.Warm)
	for round := 1; ; round++ {
		if over, err := w.turn(spec.Window, &ops, &next); err != nil {
			return loadResult{}, err
		} else if over {
			return w.end(ops)
		}
		if err := say(); err != nil {
			return loadResult{}, err
		}
		for left := len(fds); left > 0; {
			ready, err := unix.EpollWait(epoll, events, int(stalled/time.Millisecond))
			switch {
			case err == unix.EINTR:
				continue
			case err != nil:
				return loadResult{}, err
			case ready == 0:
				return loadResult{}, fmt.Errorf("%d of %d got nothing within %v",
					left, len(fds), stalled)
			}
			for _, event := range events[:ready] {
				i := event.Fd
				n, err := unix.Read(fds[i], buf)
				switch {
				case err == unix.EAGAIN || err == unix.EINTR:
					continue
				case err != nil:
					return loadResult{}, err
				case n == 0:
					return loadResult{}, io.ErrUnexpectedEOF
				}
				if !seen && !bytes.Contains(buf[:n], []byte(news)) {
					return loadResult{}, errors.New("what came is not what was said")
				}
				seen = true
				k := bytes.Count(buf[:n], []byte{newsEnd})
				if got[i] += k; got[i] > round {
					return loadResult{}, errors.New("something came twice")
				}
				left -= k
			}
		}
		ops += len(fds)
	}
}
