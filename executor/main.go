package executor

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aio-go/aio/internal/errtree"
)

// workerVariable says that a process is a worker. It has the descriptor of the connection to the
// parent, and the token that the parent sends first. Any process can set a variable, so it proves
// nothing by itself.
const workerVariable = "AIO_EXECUTOR_WORKER"

// tokenSize is the length of a token, in hexadecimal digits.
const tokenSize = 32

// claim is the variable's value. It is taken from the environment before packages that import this
// one are initialised, so that no process which the program starts can have it.
var claim = takeClaim()

func takeClaim() string {
	value := os.Getenv(workerVariable)
	os.Unsetenv(workerVariable)
	return value
}

// hooked is set when the program has called Main.
var hooked atomic.Bool

// Main makes the process a worker if a [Pool] started it as one: then it serves jobs and does not
// return. Otherwise it does nothing. Call it first in main, before flags are parsed or anything is
// opened, and in TestMain of packages whose tests use a pool.
//
// A worker runs the jobs that the other end of its connection sends. So a process with the variable
// of a worker ends unless the token comes from that end. On Linux, its parent must also have made
// that end, and have the same user. A process with other rights than its starter's, such as a
// set-uid program, is never a worker, and has none.
func Main() {
	hooked.Store(true)
	if claim == "" || raised() {
		return
	}
	number, token, _ := strings.Cut(claim, ":")
	fd, err := strconv.Atoi(number)
	if err != nil || fd <= 2 || len(token) != tokenSize {
		exit(fmt.Errorf("%s is not what a pool sets", workerVariable))
	}
	conn, err := adoptParent(fd)
	if err != nil {
		exit(err)
	}
	serve(conn, token)
}

// raised reports whether the process has other rights than the user who started it.
var raised = sync.OnceValue(hasRaised)

// exit ends a worker that cannot work.
func exit(err error) {
	fmt.Fprintln(os.Stderr, "executor: the worker ends:", err)
	os.Exit(1)
}

// servant is the worker's side of the connection.
type servant struct {
	conn net.Conn
	max  int // bytes of a frame
	busy atomic.Bool
	mu   sync.Mutex // one frame at a time

	asksMu sync.Mutex // guards the rest
	asks   map[uint64]*workerAsk
	asked  int // bytes
	lastID uint64
}

// serve runs jobs until the parent has gone.
func serve(conn net.Conn, token string) {
	body, err := readFrame(conn, maxWelcome)
	if err != nil {
		exit(fmt.Errorf("there is no word of the parent: %w", err))
	}
	max, err := parseWelcome(body, token)
	if err != nil {
		exit(err)
	}
	s := &servant{conn: conn, max: max, asks: map[uint64]*workerAsk{}}
	s.send(appendHello(nil))
	jobs := make(chan []byte)
	go s.receive(jobs)
	for body := range jobs {
		s.run(body)
	}
}

// receive reads frames. It goes on while a job runs, so that the end of the parent is noticed at
// once. Then the worker ends: in order if it is idle, otherwise together with the processes that
// the job has started.
func (s *servant) receive(jobs chan<- []byte) {
	for {
		body, err := readFrame(s.conn, s.max)
		switch {
		case err == nil && body[0] == replyFrame:
			s.replied(body[1:])
		case err == nil:
			s.busy.Store(true)
			jobs <- body
		case s.busy.Load():
			killGroup(os.Getpid())
			os.Exit(1)
		case errtree.Is(err, io.EOF):
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
	k := &workerLink{servant: s}
	ctx = context.WithValue(ctx, linkKey{}, link(k))
	if listens {
		job.Progress = func(report []byte) {
			if len(report) < s.max { // otherwise the parent could not parse it
				k.send(append([]byte{progressFrame}, report...))
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
				// it ends the process, whose state is unknown, and the parent gets the text
				panic(v)
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
	if len(frame) > s.max {
		frame = appendFailure(nil, fmt.Errorf("executor: a result of %d bytes is too large; "+
			"the pool's MaxMessage allows %d", len(frame), s.max))
	}
	if len(frame) > s.max { // a pool with a very small limit
		frame = appendFailure(nil, errTooLarge)
	}
	s.busy.Store(false)
	k.end(frame)
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

// readFrame reads a frame of 1 to max bytes. It allocates memory for received bytes, not for
// announced ones.
func readFrame(r io.Reader, max int) ([]byte, error) {
	var prefix [4]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(prefix[:])
	if n == 0 || uint64(n) > uint64(max) {
		return nil, errFrame
	}
	const atFirst = 64 << 10
	if n <= atFirst {
		body := make([]byte, n)
		_, err := io.ReadFull(r, body)
		return body, noEOF(err)
	}
	var body bytes.Buffer
	got, err := io.CopyN(&body, r, int64(n))
	if got == int64(n) {
		err = nil
	}
	return body.Bytes(), noEOF(err)
}

// noEOF makes the end in the middle of a frame another error than the end after a frame.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
