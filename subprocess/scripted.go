package subprocess

import (
	"context"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/simnet"
	"github.com/aio-go/aio/internal/simproc"
	"github.com/aio-go/aio/internal/sys"
)

// pipeEnd is this process's end of a pipe to a child: of the system, or of a script on a simulated
// host.
type pipeEnd struct {
	file *os.File
	conn *simnet.Conn
}

func (e pipeEnd) isNone() bool { return e.file == nil && e.conn == nil }

func (e pipeEnd) close() {
	if e.file != nil {
		e.file.Close()
	}
	if e.conn != nil {
		e.conn.Close()
	}
}

// in returns the context with which the end is connected.
func (e pipeEnd) in(ctx context.Context) context.Context {
	if e.conn != nil {
		return simproc.WithPipe(ctx, e.conn)
	}
	return ctx
}

func closeEnds(ends []pipeEnd) {
	for i, e := range ends {
		e.close()
		ends[i] = pipeEnd{}
	}
}

// beginScript starts a child on a simulated host, where programs are scripts of the test.
func beginScript(
	ctx context.Context, host simproc.Launcher, c *Cmd,
) (_ *child, pipes [3]pipeEnd, err error) {
	s := simproc.Spec{
		Args: c.Args, Path: c.Path, Dir: c.Dir, Env: c.Env, Merged: c.Stderr == ToStdout,
	}
	for i, how := range []Stdio{c.Stdin, c.Stdout, c.Stderr} {
		switch how := how.(type) {
		case disposition:
			s.Piped[i] = how == Pipe
		case inputStdio, *collector:
			s.Piped[i] = true
		}
	}
	if err := aio.Yield(ctx); err != nil { // as another thread would start it
		return nil, pipes, err
	}
	p, err := host.Launch(ctx, s)
	if err != nil {
		return nil, pipes, &StartError{Name: c.Args[0], Err: err}
	}
	for i, conn := range p.Pipes {
		if conn != nil {
			pipes[i] = pipeEnd{conn: conn}
		}
	}
	n := nurseryOf(aio.RunningLoop(ctx))
	return n.adopt(&child{
		name: c.Args[0], pid: p.Pid, handle: scripted{p}, grace: c.grace(),
	}), pipes, nil
}

// scripted is a child that is a script.
type scripted struct{ *simproc.Child }

func (s scripted) status() Status { return Status{Code: s.Code} }

func (s scripted) watch(_ *nursery, ended func(Status, error)) error {
	s.OnEnd = func() { ended(s.status(), nil) }
	return nil
}

func (s scripted) poll() (Status, bool, error) { return s.status(), s.Ended, nil }

func (s scripted) signal(sig sys.Signal) error {
	if s.Ended {
		return os.ErrProcessDone
	}
	if sig != 0 && sig != sigCont {
		s.Signal(sig)
	}
	return nil
}

// outlast cannot wait: the script would run on the loop, which closes. It is over with the loop.
func (s scripted) outlast(time.Duration) (Status, bool, error) {
	if !s.Ended {
		return Status{Code: -int(sys.SIGKILL)}, true, nil
	}
	return s.poll()
}

func (s scripted) close() { s.OnEnd = nil }
