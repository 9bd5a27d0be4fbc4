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
	// tailSize is how many bytes of a worker's standard error are kept.
	tailSize = 4 << 10
	// stderrDelay is how long another process may hold the standard error of a worker that has
	// ended.
	stderrDelay = time.Second
)

// errRaised says why a set-uid program has no workers.
var errRaised = fmt.Errorf("executor: a program with other rights than its starter's, "+
	"such as a set-uid one, has no workers: %w", errors.ErrUnsupported)

// newToken returns an unguessable token.
func newToken() string {
	var b [tokenSize / 2]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

var errKilled = errors.New("executor: it was killed before it had started")

// process is a worker as a process of the system. Any goroutine may call its methods. start takes
// some milliseconds, and other calls wait for it.
//
//	state     start         kill                  then
//	new       started       killed                -
//	started   -             gets SIGKILL, stays   ended, when it has been waited for
//	killed    errKilled     -                     -
type process struct {
	cmd   *exec.Cmd
	token string // the token that the worker must get first
	tail  tail
	ended chan struct{} // closed when there is no process any more

	mu     sync.Mutex // guards the rest
	conn   net.Conn   // the parent's end, until take
	killed bool
	exited bool // no more signals: another process may get its number soon
}

// newProcess prepares a process with the given standard error.
func newProcess(stderr io.Writer) *process {
	p := &process{ended: make(chan struct{})}
	p.tail.to = stderr
	p.cmd = &exec.Cmd{
		Path:      self(),
		Args:      os.Args[:1],
		Stdout:    os.Stdout,
		Stderr:    &p.tail,
		WaitDelay: stderrDelay,
	}
	return p
}

// start starts the process. When the process has ended, some goroutine calls gone.
func (p *process) start(gone func()) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		close(p.ended)
		return errKilled
	}
	if raised() { // its worker would be this program with the same rights, and would refuse
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

// take returns the parent's end of the connection. The caller closes it.
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
		// the processes that it has started; the group keeps its number until it is waited for
		killGroup(p.cmd.Process.Pid)
		p.exited = true
	})
	p.cmd.Wait() // the state says more than the error
	p.mu.Lock()
	p.exited = true
	p.mu.Unlock()
	if conn := p.take(); conn != nil {
		conn.Close()
	}
	close(p.ended)
}

// kill ends the process and the processes that it has started, or prevents its start.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	if p.cmd.Process != nil && !p.exited {
		killGroup(p.cmd.Process.Pid)
	}
}

// state returns the end of the process. Call it after ended is closed.
func (p *process) state() (pid int, state *os.ProcessState) {
	if p.cmd.Process == nil {
		return 0, nil
	}
	return p.cmd.Process.Pid, p.cmd.ProcessState
}

// tail passes on the bytes written to it and keeps the last ones.
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
	t.to.Write(p) // an error of showing them must not end the worker
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.end)
}

// selfByName is the file of this program, or the name by which it was called.
func selfByName() string {
	if name, err := os.Executable(); err == nil {
		return name
	}
	return os.Args[0]
}
