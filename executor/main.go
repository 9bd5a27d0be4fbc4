package executor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
)

// workerVariable tells a process that it is a worker, and which descriptor leads to its parent.
const workerVariable = "AIO_EXECUTOR_WORKER"

// hooked is set when the program has called Main.
var hooked atomic.Bool

// Main makes the process a worker if a [Pool] started it as one: then it serves jobs and does not return.
// Otherwise it does nothing. Call it first thing in main, before flags are parsed or anything is opened, and
// in TestMain of packages whose tests use a pool.
func Main() {
	hooked.Store(true)
	value := os.Getenv(workerVariable)
	if value == "" {
		return
	}
	os.Unsetenv(workerVariable) // what the worker starts is no worker
	fd, err := strconv.Atoi(value)
	if err != nil {
		exit(fmt.Errorf("%s is %q", workerVariable, value))
	}
	conn, err := adoptParent(fd)
	if err != nil {
		exit(err)
	}
	serve(conn)
}

// exit ends a worker that cannot work.
func exit(err error) {
	fmt.Fprintln(os.Stderr, "executor: the worker ends:", err)
	os.Exit(1)
}

// servant is the worker's side of the connection.
type servant struct {
	conn net.Conn
	busy atomic.Bool
	mu   sync.Mutex // one frame at a time
}

// serve runs jobs until the parent has gone.
func serve(conn net.Conn) {
	s := &servant{conn: conn}
	s.send(appendHello(nil))
	jobs := make(chan []byte)
	go s.receive(jobs)
	for body := range jobs {
		s.run(body)
	}
}

// receive reads frames. It goes on while a job runs, so that the end of the parent is noticed at once. The
// worker then ends: in order if it is idle; otherwise together with what the job has started.
func (s *servant) receive(jobs chan<- []byte) {
	for {
		body, err := readFrame(s.conn)
		switch {
		case err == nil:
			s.busy.Store(true)
			jobs <- body
		case s.busy.Load():
			killGroup(os.Getpid())
			os.Exit(1)
		case errors.Is(err, io.EOF):
			os.Exit(0)
		default:
			exit(err)
		}
	}
}

// run runs one job, on a goroutine of its own: the function may end it.
func (s *servant) run(body []byte) {
	if body[0] != jobFrame {
		exit(errFrame)
	}
	job, left, listens, err := parseJob(body[1:])
	if err != nil {
		exit(err)
	}
	s.send([]byte{startedFrame})
	ctx, cancel := context.Background(), func() {}
	if left > 0 {
		ctx, cancel = context.WithTimeout(ctx, left)
		job.Deadline, _ = ctx.Deadline()
	}
	defer cancel()
	over := false // guarded by s.mu
	if listens {
		job.Progress = func(report []byte) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if !over { // a goroutine that the function has left behind must not speak for the next one
				s.write(append([]byte{progressFrame}, report...))
			}
		}
	}
	answer := make(chan []byte, 1)
	go func() {
		returned := false
		defer func() {
			if returned {
				return
			}
			if v := recover(); v != nil {
				panic(v) // it ends the process, which may be in any state, and the parent gets the text
			}
			answer <- appendFailure(nil, ErrGoexit)
		}()
		result, err := Call(ctx, job)
		returned = true
		if err != nil {
			answer <- appendFailure(nil, err)
			return
		}
		answer <- append([]byte{resultFrame}, result...)
	}()
	frame := <-answer
	if len(frame) > maxFrame {
		frame = appendFailure(nil, fmt.Errorf("executor: a result of %d bytes is too large; %d are possible", len(frame), maxFrame))
	}
	s.busy.Store(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	over = true
	s.write(frame)
}

// send writes a frame.
func (s *servant) send(body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write(body)
}

// write writes a frame. The caller has s.mu.
func (s *servant) write(body []byte) {
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	if _, err := s.conn.Write(append(frame, body...)); err != nil {
		os.Exit(0) // the parent has gone
	}
}

// readFrame reads a frame, which is never empty.
func readFrame(r io.Reader) ([]byte, error) {
	var prefix [4]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(prefix[:])
	if n == 0 || n > maxFrame {
		return nil, errFrame
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	return body, nil
}
