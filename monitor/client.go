package monitor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aio-go/aio/internal/safetext"
	"github.com/aio-go/aio/internal/sys"
	"github.com/aio-go/aio/recorder"
)

// ErrNoMonitor matches the error of [Connect] to a process that has no monitor, or of another user.
var ErrNoMonitor = errors.New("aio: no monitor")

// Client asks the monitor of a process. One goroutine at a time may use it.
type Client struct {
	conn net.Conn
	in   *bufio.Reader
}

// maxAnswer limits an answer: a million tasks have 300 MB.
const maxAnswer = 1 << 30

// Connect connects to the monitor of the process with this number, of the same user. The error
// matches [ErrNoMonitor] if there is none.
func Connect(ctx context.Context, pid int) (*Client, error) {
	var first error
	for _, dir := range userFolders() {
		if !isOurs(dir) {
			continue
		}
		c, err := Dial(ctx, filepath.Join(dir, socketName(pid)))
		if err == nil {
			return c, nil
		}
		if first == nil && !errors.Is(err, os.ErrNotExist) {
			first = err
		}
	}
	switch {
	case !alive(pid):
		return nil, fmt.Errorf("%w: there is no process %d", ErrNoMonitor, pid)
	case first != nil && !isRefused(first):
		return nil, first
	}
	return nil, fmt.Errorf("%w in process %d; start it with %s=1, and let its main package import "+
		"_ %q", ErrNoMonitor, pid, variable, "github.com/aio-go/aio/monitor")
}

// Dial connects to a monitor at an address: the path of a Unix socket, or host:port.
func Dial(ctx context.Context, address string) (*Client, error) {
	network := "unix"
	if _, _, err := net.SplitHostPort(address); err == nil && !strings.ContainsAny(address, `/\`) {
		network = "tcp"
	}
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("aio: monitor: %w", err)
	}
	return &Client{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Picture asks for a picture.
func (c *Client) Picture(ctx context.Context, q Question) (Picture, error) {
	r, err := c.ask(ctx, request{Op: "picture", Loop: q.Loop, Stacks: q.Stacks, Force: q.Force,
		Brief: q.Brief})
	if err != nil {
		return Picture{}, err
	}
	if r.Picture == nil {
		return Picture{}, errors.New("aio: monitor: the answer has no picture")
	}
	return *r.Picture, nil
}

// Record asks for recordings. It waits for the time that q says.
func (c *Client) Record(ctx context.Context, q RecordQuestion) ([]recorder.Recording, error) {
	r, err := c.ask(ctx, request{Op: "record", Loop: q.Loop, Task: q.Task, For: q.For,
		Last: q.Last})
	return r.Recordings, err
}

// Cancel cancels a task. It returns an error if the program does not allow it, if there is no such
// task, or if its loop does not answer.
func (c *Client) Cancel(ctx context.Context, loop uint64, task uint32, reason string) error {
	_, err := c.ask(ctx, request{Op: "cancel", Loop: loop, Task: task, Reason: reason})
	return err
}

// ask sends a request and returns the answer. If ctx ends first the connection is of no more use.
func (c *Client) ask(ctx context.Context, r request) (a response, err error) {
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() && err != nil {
			err = context.Cause(ctx)
		}
	}()
	r.Version = Version
	line, err := json.Marshal(r)
	if err != nil {
		return a, err
	}
	if _, err := c.conn.Write(append(line, '\n')); err != nil {
		return a, fmt.Errorf("aio: monitor: %w", err)
	}
	text, err := c.line()
	if err != nil {
		return a, fmt.Errorf("aio: monitor: %w", err)
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("aio: monitor: malformed answer: %w", err)
	}
	if a.Error != "" {
		return a, errors.New("aio: monitor: " + safetext.Message(a.Error))
	}
	return a, nil
}

func (c *Client) line() ([]byte, error) {
	var line []byte
	for {
		part, err := c.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > maxAnswer:
			return nil, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
		}
	}
}

// Processes returns the numbers of the processes of the same user that have a monitor. It removes
// the sockets of processes that have ended without removing them.
func Processes(ctx context.Context) ([]int, error) {
	var pids []int
	for _, dir := range userFolders() {
		if !isOurs(dir) {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("aio: monitor: %w", err)
		}
		for _, e := range entries {
			pid := pidOf(e.Name())
			if pid == 0 || e.Type()&os.ModeSocket == 0 {
				continue
			}
			path := filepath.Join(dir, e.Name())
			if !alive(pid) {
				_ = os.Remove(path)
				continue
			}
			c, err := Dial(ctx, path)
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if err == nil {
				c.Close()
				pids = append(pids, pid)
			}
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids), nil
}

func isRefused(err error) bool { return errors.Is(sys.Error(err), sys.ECONNREFUSED) }
