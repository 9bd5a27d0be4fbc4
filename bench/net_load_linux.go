package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// checkNet returns why the suite net cannot run here: nil.
func checkNet() error { return nil }

// request is the message that is sent and has to come back.
var request = func() []byte {
	p := make([]byte, requestSize)
	for i := range p {
		p[i] = byte(i*7 + i>>8)
	}
	return p
}()

// dialRaw makes a connection that blocks.
func dialRaw(port int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	timeout := unix.NsecToTimeval(int64(stalled))
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout))
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		unix.Close(fd)
		return 0, fmt.Errorf("connecting: %w", err)
	}
	return fd, nil
}

// exchange sends a request on a blocking connection and reads the answer.
func exchange(fd int, buf []byte) error {
	if _, err := unix.Write(fd, request); err != nil {
		return err
	}
	for got := 0; got < requestSize; {
		n, err := unix.Read(fd, buf[got:requestSize])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return fmt.Errorf("no answer within %v", stalled)
		case err != nil:
			return err
		case n == 0:
			return io.ErrUnexpectedEOF
		default:
			got += n
		}
	}
	return nil
}

// dialAll makes the connections, each with one request to see that it works.
func dialAll(spec loadSpec) ([]int, error) {
	fds := make([]int, 0, spec.Conns)
	buf := make([]byte, requestSize)
	for range spec.Conns {
		fd, err := dialRaw(spec.Port)
		if err != nil {
			return fds, err
		}
		fds = append(fds, fd)
		if err := exchange(fd, buf); err != nil {
			return fds, err
		}
		if !bytes.Equal(buf, request) {
			return fds, errors.New("the answer is not the request")
		}
	}
	return fds, nil
}

// loadEcho keeps one request under way on every connection: one thread, an
// epoll instance and system calls, so that it costs less than any server.
func loadEcho(spec loadSpec) (loadResult, error) {
	fds, err := dialAll(spec)
	if err != nil {
		return loadResult{}, err
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return loadResult{}, err
	}
	got := map[int]int{}
	for _, fd := range fds {
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
		err := errors.Join(unix.SetNonblock(fd, true),
			unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &event))
		if err != nil {
			return loadResult{}, err
		}
		if _, err := unix.Write(fd, request); err != nil {
			return loadResult{}, err
		}
	}
	w := window{pid: spec.PID}
	ops, next := 0, time.Now().Add(spec.Warm)
	buf := make([]byte, 2*requestSize)
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
			case n < requestSize: // in pieces, which is rare
				if n += got[fd]; n < requestSize {
					got[fd] = n
					continue
				}
				delete(got, fd)
			}
			if n > requestSize {
				return loadResult{}, errors.New("the answer is longer than the request")
			}
			ops++
			if _, err := unix.Write(fd, request); err != nil {
				return loadResult{}, err
			}
		}
	}
}

// sparsePause is the time between two requests of kind sparse.
const sparsePause = 5 * time.Millisecond

// loadSparse sends one request after each pause.
func loadSparse(spec loadSpec) (loadResult, error) {
	fds, err := dialAll(spec)
	if err != nil {
		return loadResult{}, err
	}
	w := window{pid: spec.PID}
	buf := make([]byte, requestSize)
	next := time.Now()
	rounds := func(n int) error {
		for range n {
			next = next.Add(sparsePause)
			time.Sleep(time.Until(next))
			for _, fd := range fds {
				if err := exchange(fd, buf); err != nil {
					return err
				}
			}
		}
		return nil
	}
	n := max(1, int(spec.Window/sparsePause))
	if err := rounds(max(1, int(spec.Warm/sparsePause))); err != nil {
		return loadResult{}, err
	}
	if err := w.begin(); err != nil {
		return loadResult{}, err
	}
	if err := rounds(n); err != nil {
		return loadResult{}, err
	}
	time.Sleep(sparsePause) // what the server does after the last answer counts too
	return w.end(n * len(fds))
}

// loadConnect keeps connections coming: each says at once that it has nothing
// to send, and is closed when the server has closed it too.
func loadConnect(spec loadSpec) (loadResult, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return loadResult{}, err
	}
	// The client closes first and keeps the port for a minute: each round has
	// ports of its own.
	from := unix.SockaddrInet4{Addr: [4]byte{127, 0, 1 + byte(spec.Round/200),
		1 + byte(spec.Round%200)}}
	open := func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
		return errors.Join(
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1),
			unix.Bind(fd, &from),
			unix.Connect(fd, &unix.SockaddrInet4{Port: spec.Port, Addr: [4]byte{127, 0, 0, 1}}),
			unix.Shutdown(fd, unix.SHUT_WR),
			unix.SetNonblock(fd, true),
			unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &event))
	}
	for range spec.Conns {
		if err := open(); err != nil {
			return loadResult{}, err
		}
	}
	w := window{pid: spec.PID}
	ops, next := 0, time.Now().Add(spec.Warm)
	buf := make([]byte, 1)
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
			return loadResult{}, fmt.Errorf("no connection was closed within %v", stalled)
		}
		for _, event := range events[:ready] {
			fd := int(event.Fd)
			if n, err := unix.Read(fd, buf); n != 0 || err != nil {
				return loadResult{}, fmt.Errorf("instead of the end came %d bytes and error %v",
					n, err)
			}
			unix.Close(fd)
			ops++
			if err := open(); err != nil {
				return loadResult{}, err
			}
		}
	}
}

// loadTLS keeps one request under way on every connection, secured. A goroutine for each is not
// cheap, but its cost is not the server's.
func loadTLS(spec loadSpec) (loadResult, error) {
	conns := make([]*tls.Conn, spec.Conns)
	for i := range conns {
		raw, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(spec.Port)))
		if err != nil {
			return loadResult{}, err
		}
		// The server's identity does not matter here.
		conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
		conn.SetDeadline(time.Now().Add(stalled))
		if err := conn.Handshake(); err != nil {
			return loadResult{}, fmt.Errorf("handshake: %w", err)
		}
		if suite := conn.ConnectionState().CipherSuite; suite != tls.TLS_AES_128_GCM_SHA256 {
			return loadResult{}, fmt.Errorf("the server chose the cipher %s",
				tls.CipherSuiteName(suite))
		}
		buf := make([]byte, requestSize)
		if err := exchangeTLS(conn, buf); err != nil {
			return loadResult{}, err
		}
		if !bytes.Equal(buf, request) {
			return loadResult{}, errors.New("the answer is not the request")
		}
		conns[i] = conn
	}
	for _, conn := range conns {
		conn.SetDeadline(time.Now().Add(stalled + spec.Warm + spec.Window))
	}
	const measuring, over = 1, 2
	var (
		phase  atomic.Int32
		ops    atomic.Int64
		wg     sync.WaitGroup
		failed = make(chan error, len(conns))
	)
	for _, conn := range conns {
		wg.Go(func() {
			buf := make([]byte, requestSize)
			for phase.Load() != over {
				if err := exchangeTLS(conn, buf); err != nil {
					failed <- err
					return
				}
				if phase.Load() == measuring {
					ops.Add(1)
				}
			}
		})
	}
	time.Sleep(spec.Warm)
	w := window{pid: spec.PID}
	if err := w.begin(); err != nil {
		return loadResult{}, err
	}
	phase.Store(measuring)
	time.Sleep(spec.Window)
	result, err := w.end(int(ops.Load()))
	phase.Store(over)
	wg.Wait()
	select {
	case err := <-failed:
		return loadResult{}, err
	default:
		return result, err
	}
}

func exchangeTLS(conn *tls.Conn, buf []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, buf)
	return err
}
