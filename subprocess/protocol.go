package subprocess

import (
	"context"
	"fmt"
	"os"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/nocopy"
	"github.com/aio-go/aio/internal/sys"
	"github.com/aio-go/aio/transport"
)

// Protocol receives the events of a child as callbacks of the loop: the low-level half, without
// tasks. fd is the descriptor in the child: 0 its stdin, 1 its stdout, 2 its stderr. Embed
// [BaseProtocol] to write only the methods of interest.
//
// ConnectionMade comes first and ConnectionLost last. Between them, for each pipe, its data comes
// before its loss; ProcessExited may come before or after. asyncio: SubprocessProtocol.
type Protocol interface {
	// ConnectionMade passes the transport; the child runs.
	ConnectionMade(t *Transport)
	// PipeDataReceived delivers output of the child. p is valid only during the call.
	PipeDataReceived(fd int, p []byte)
	// PipeConnectionLost says that a pipe is closed: by the child, with nil, or because of err.
	PipeConnectionLost(fd int, err error)
	// ProcessExited says that the child has ended.
	ProcessExited()
	// ConnectionLost is the last call, when the child has ended and all pipes are closed.
	ConnectionLost(err error)
}

// BaseProtocol is a [Protocol] whose methods do nothing, to be embedded.
type BaseProtocol struct{}

// ConnectionMade does nothing.
func (BaseProtocol) ConnectionMade(*Transport) {}

// PipeDataReceived does nothing.
func (BaseProtocol) PipeDataReceived(int, []byte) {}

// PipeConnectionLost does nothing.
func (BaseProtocol) PipeConnectionLost(int, error) {}

// ProcessExited does nothing.
func (BaseProtocol) ProcessExited() {}

// ConnectionLost does nothing.
func (BaseProtocol) ConnectionLost(error) {}

// Transport is a child as its [Protocol] sees it. Its methods belong to the loop's goroutine and do
// not suspend. asyncio: SubprocessTransport.
//
//	state     entered by                       calls of the protocol             leaves to
//	starting  Connect                          none; events are kept             open
//	open      all pipes are connected          ConnectionMade, then all          over
//	over      child ended, all pipes closed    ConnectionLost                    -
type Transport struct {
	_     nocopy.Mark
	child *child
	proto Protocol
	pipes [3]*pipe
	live  int // pipes that are not lost, and 1 for a child that has not ended
	made  bool
	kept  []func() // events before ConnectionMade
	close bool     // Close was called
}

// pipe is the protocol of one pipe of a Transport.
type pipe struct {
	transport.BaseProtocol
	owner *Transport
	fd    int
	t     transport.Transport
}

// Connect starts a program whose events p receives, and returns when p's ConnectionMade has run.
// Every stream of c that is Pipe is connected to p. Pipe(0) of the Transport is the transport that
// writes to the child's stdin.
//
// The errors are those of [Cmd.Start]. It panics if p is nil. asyncio: subprocess_exec; with
// [Shell], subprocess_shell.
//
// Cancellation: as for [Cmd.Start].
func Connect(ctx context.Context, c *Cmd, p Protocol) (*Transport, error) {
	c.check("Connect")
	if p == nil {
		panic("subprocess: Connect: the protocol is nil; " +
			"pass one, BaseProtocol{} ignores everything")
	}
	child, pipes, err := begin(ctx, c)
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // it runs now
	t := &Transport{child: child, proto: p, live: 1}
	ready := false
	defer func() {
		if !ready { // also if the loop ends the task in its wait
			closeEnds(pipes[:])
			t.proto = BaseProtocol{}
			t.Close()
		}
	}()
	child.onEnd(func() {
		t.tell(func() { t.proto.ProcessExited() })
		if q := t.pipes[0]; q != nil {
			q.t.Close() // on some systems it does not notice the end of the reader by itself
		}
		t.ended()
	})
	for fd, end := range pipes {
		if end.isNone() {
			continue
		}
		pipes[fd] = pipeEnd{}
		q := &pipe{owner: t, fd: fd}
		connect := transport.ConnectReadPipe
		if fd == 0 {
			connect = transport.ConnectWritePipe
		}
		t.live++
		if _, err = connect(end.in(ctx), end.file, q); err != nil {
			t.live--
			return nil, err
		}
		if in, ok := []Stdio{c.Stdin, c.Stdout, c.Stderr}[fd].(inputStdio); ok {
			q.t.Write(in)
			q.t.Close()
		}
		t.pipes[fd] = q
		child.nursery.connected()
	}
	ready = true
	t.made = true
	t.proto.ConnectionMade(t)
	for _, fn := range t.kept { // before newer events
		fn()
	}
	t.kept = nil
	return t, nil
}

// tell calls fn, or keeps it until ConnectionMade has been called.
func (t *Transport) tell(fn func()) {
	if !t.made {
		t.kept = append(t.kept, fn)
		return
	}
	fn()
}

// ended counts the ends of pipes and of the child.
func (t *Transport) ended() {
	if t.live--; t.live == 0 {
		t.tell(func() { t.child.nursery.loop.CallSoon(func() { t.proto.ConnectionLost(nil) }) })
	}
}

// ConnectionMade implements transport.Protocol.
func (q *pipe) ConnectionMade(t transport.Transport) { q.t = t }

// DataReceived implements transport.Protocol.
func (q *pipe) DataReceived(p []byte) {
	if !q.owner.made {
		p = append([]byte(nil), p...)
	}
	q.owner.tell(func() { q.owner.proto.PipeDataReceived(q.fd, p) })
}

// ConnectionLost implements transport.Protocol.
func (q *pipe) ConnectionLost(err error) {
	q.owner.tell(func() { q.owner.proto.PipeConnectionLost(q.fd, err) })
	q.owner.ended()
}

// Pid returns the number of the process. After the end of the child another process may get that
// number. asyncio: get_pid.
func (t *Transport) Pid() int { return t.child.pid }

// ReturnCode returns the code of a child that has ended, see [Process.Wait].
// asyncio: get_returncode.
func (t *Transport) ReturnCode() (code int, ended bool) {
	return t.child.status.Code, t.child.ended
}

// Pipe returns the transport of a pipe: 0 to write to the child's stdin, 1 and 2 to pause or close
// its outputs. It is nil if the stream is no Pipe. asyncio: get_pipe_transport.
func (t *Transport) Pipe(fd int) transport.Transport {
	if fd < 0 || fd >= len(t.pipes) || t.pipes[fd] == nil {
		return nil
	}
	return t.pipes[fd].t
}

// SendSignal sends a signal to the child. It returns [os.ErrProcessDone] if the child has ended.
// asyncio: send_signal.
func (t *Transport) SendSignal(sig os.Signal) error { return t.child.signal(sig) }

// Terminate is SendSignal with SIGTERM. asyncio: terminate.
func (t *Transport) Terminate() error { return t.child.signal(sys.SIGTERM) }

// Kill is SendSignal with SIGKILL. asyncio: kill.
func (t *Transport) Kill() error { return t.child.signal(sys.SIGKILL) }

// Close closes the pipes, and kills the child and its process group if the child still runs. The
// protocol gets the remaining events as they happen. A second Close does nothing. asyncio: close.
func (t *Transport) Close() {
	if t.close {
		return
	}
	t.close = true
	for _, q := range t.pipes {
		if q != nil {
			q.t.Abort()
		}
	}
	if !t.child.poll() {
		t.child.kill()
	}
}

// IsClosing reports whether Close was called. asyncio: is_closing.
func (t *Transport) IsClosing() bool { return t.close }

// Loop returns the loop the transport belongs to.
func (t *Transport) Loop() *aio.Loop { return t.child.nursery.loop }

// String shows the program, the number of the process, and its state.
func (t *Transport) String() string {
	s := fmt.Sprintf("<subprocess.Transport %v", t.child)
	for fd, q := range t.pipes {
		if q != nil {
			s += fmt.Sprintf(" %s=%s", []string{"stdin", "stdout", "stderr"}[fd], openOrClosed(q.t))
		}
	}
	return s + ">"
}

func openOrClosed(t transport.Transport) string {
	if t.IsClosing() {
		return "closed"
	}
	return "open"
}
