package executor

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"
)

const (
	// tailSize is how much of a worker's standard error is kept, bytes.
	tailSize = 4 << 10
	// stderrDelay is how long the standard error of a worker that has ended may stay open, in a process
	// that it started.
	stderrDelay = time.Second
)

// errRaised says why a set-uid program has no workers.
var errRaised = fmt.Errorf("executor: a program with other rights than those of whoever started it, such as a set-uid one, has no workers: %w", errors.ErrUnsupported)

// newToken returns a token that nobody can guess.
func newToken() string {
	var b [tokenSize / 2]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

var errKilled = errors.New("executor: it was killed before it had started")

// process is a worker as the system sees it. Its methods are for any goroutine. start takes some
// milliseconds, and others wait for it.
//
//	state     start         kill                  then
//	new       started       killed                -
//	started   -             gets SIGKILL, stays   ended, when it has been waited for
//	killed    errKilled     -                     -
type process struct {
	cmd   *exec.Cmd
	token string // what the worker has to hear first
	tail  tail
	ended chan struct{} // closed when there is no process any more

	mu     sync.Mutex // guards the rest
	conn   net.Conn   // the parent's end, until somebody takes it
	killed bool
	exited bool // it must not be sent signals: its number may be another's soon
}

// newProcess prepares a process. What it writes to its standard error goes to stderr.
func newProcess(stderr io.Writer) *process {
	p := &process{ended: make(chan struct{})}
	p.tail.to = stderr
	p.cmd = &exec.Cmd{Path: self(), Args: os.Args[:1], Stdout: os.Stdout, Stderr: &p.tail, WaitDelay: stderrDelay}
	return p
}

// start starts the process, and calls gone, on some goroutine, when it has ended.
func (p *process) start(gone func()) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		close(p.ended)
		return errKilled
	}
	if raised() { // its worker would be this program once more, with the same rights, and would not be one
		close(p.ended)
		return errRaised
	}
	conn, child, err := connection()
	if err != nil {
		close(p.ended)
		return err
	}
	p.token = newToken()
	asWorker(p.cmd, child, p.token)
	err = p.cmd.Start()
	child.Close()
	if err != nil {
		conn.Close()
		close(p.ended)
		return err
	}
	p.conn = conn
	go func() {
		p.reap()
		gone()
	}()
	return nil
}

// begun reports whether there is, or was, a process.
func (p *process) begun() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process != nil
}

// take returns the parent's end of the connection. Whoever takes it closes it.
func (p *process) take() net.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	conn := p.conn
	p.conn = nil
	return conn
}

// reap waits for the end of the process.
func (p *process) reap() {
	awaitExit(p.cmd.Process.Pid, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		killGroup(p.cmd.Process.Pid) // what it has started; the group's number is its own until it is waited for
		p.exited = true
	})
	p.cmd.Wait() // the state tells more than the error
	p.mu.Lock()
	p.exited = true
	p.mu.Unlock()
	if conn := p.take(); conn != nil {
		conn.Close()
	}
	close(p.ended)
}

// kill ends the process and what it has started, or keeps it from being started.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	if p.cmd.Process != nil && !p.exited {
		killGroup(p.cmd.Process.Pid)
	}
}

// state says how the process ended. It may be asked after ended is closed.
func (p *process) state() (pid int, state *os.ProcessState) {
	if p.cmd.Process == nil {
		return 0, nil
	}
	return p.cmd.Process.Pid, p.cmd.ProcessState
}

// tail passes on what is written to it and keeps the end.
type tail struct {
	to io.Writer

	mu  sync.Mutex // guards the rest
	end []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.end = append(t.end, p...)
	if extra := len(t.end) - tailSize; extra > 0 {
		t.end = append(t.end[:0], t.end[extra:]...)
	}
	t.mu.Unlock()
	t.to.Write(p) // what cannot be shown must not end the worker
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.end)
}

// selfByName is the file of this program, or what it was called as if that is not known.
func selfByName() string {
	if name, err := os.Executable(); err == nil {
		return name
	}
	return os.Args[0]
}
