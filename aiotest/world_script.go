package aiotest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/simnet"
	"github.com/aio-go/aio/internal/simproc"
	"github.com/aio-go/aio/internal/sys"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// Child is a script that runs on a [Host] in place of a program of the system.
type Child struct {
	Args []string // the program and its arguments
	Dir  string
	Env  []string
	// Stdin is at its end if the parent gives no input. What is written to an output that the
	// parent does not read is dropped.
	Stdin          *stream.Reader
	Stdout, Stderr *stream.Writer

	proc     *simproc.Child
	task     *aio.Task[aio.None]
	close    func()
	onSignal func(os.Signal)
	killed   int // the signal that ends it
}

// OnSignal makes the script handle signals: fn is called on the loop, and the script goes on.
// SIGKILL ends it all the same. Without a handler a signal cancels the context of the script, and
// kills it as far as the parent is told.
func (c *Child) OnSignal(fn func(os.Signal)) { c.onSignal = fn }

// Script sets what runs when a program on the host starts a child of that name with package
// subprocess. The script runs in a task of its own, on the host and in virtual time. It returns the
// exit code; a negative one is that of a signal. Children of other names cannot be started on a
// host, and a real one never is. Files that are passed to a child are not: it gets pipes only.
// Script panics if the name is empty or the function nil.
func (h *Host) Script(name string, script func(ctx context.Context, c *Child) (code int)) {
	if name == "" || script == nil {
		panic("aiotest: Host.Script: the name is empty or the function nil; pass both")
	}
	if h.scripts == nil {
		h.scripts = map[string]func(context.Context, *Child) int{}
	}
	h.scripts[name] = script
}

// launcher is a Host as package subprocess sees it.
type launcher struct{ *Host }

// Launch implements simproc.Launcher.
func (h launcher) Launch(ctx context.Context, s simproc.Spec) (*simproc.Child, error) {
	name := s.Args[0]
	if s.Path != "" {
		name = s.Path
	}
	script := h.scripts[name]
	if script == nil {
		script = h.scripts[path.Base(name)]
	}
	if script == nil {
		return nil, &exec.Error{Name: name, Err: exec.ErrNotFound}
	}
	h.pids++
	c := &Child{
		Args: slices.Clone(s.Args), Dir: s.Dir, Env: slices.Clone(s.Env),
		proc: &simproc.Child{Pid: h.pids},
	}
	c.proc.Signal = c.signal
	var theirs [3]*simnet.Conn
	for i := range theirs {
		if i == 2 && s.Merged || i == 0 && !s.Piped[0] {
			continue
		}
		at := &net.UnixAddr{Net: "unix", Name: "pipe " + strconv.Itoa(i) + " of " + name}
		c.proc.Pipes[i], theirs[i] = h.net.Pair(h.w.loop, at, at)
	}
	ours := c.proc.Pipes
	for i, piped := range s.Piped {
		if !piped {
			c.proc.Pipes[i] = nil
		}
	}
	// it lives as long as the host, and not as long as what has started it
	ctx = context.WithValue(h.Context(h.w.ctx), lifeKey{}, ctx.Value(lifeKey{}))
	code := 0
	c.close = func() { closeConns(theirs) }
	c.task = aio.Start(ctx, func(ctx context.Context) error {
		if err := c.connect(ctx, ours, theirs, s); err != nil {
			return err
		}
		code = script(ctx, c)
		return nil
	}, aio.Name(name+" "+strconv.Itoa(c.proc.Pid)))
	c.task.AddDoneCallback(func() {
		if _, err := c.task.Result(); err != nil && !c.task.Cancelled() {
			h.w.run.fail(problemError, "script "+name+" on "+h.name+": "+err.Error())
		}
		c.end(code)
	})
	return c.proc, nil
}

// connect makes the streams of the child.
func (c *Child) connect(
	ctx context.Context, ours, theirs [3]*simnet.Conn, s simproc.Spec,
) error {
	var in *stream.PipeReader
	c.close = func() {
		if in != nil {
			in.Close()
		}
		for _, out := range []*stream.Writer{c.Stdout, c.Stderr} {
			if out != nil && c.killed != 0 {
				out.Abort()
			} else if out != nil {
				out.Close()
			}
		}
		closeConns(theirs) // those that have no stream yet
	}
	if c.Stdin = stream.NewReader(1); theirs[0] == nil {
		c.Stdin.FeedEOF()
	} else {
		var err error
		if in, err = stream.ReadPipe(simproc.WithPipe(ctx, theirs[0]), nil); err != nil {
			return err
		}
		c.Stdin, theirs[0] = in.Reader, nil
	}
	for i, out := range []**stream.Writer{1: &c.Stdout, 2: &c.Stderr} {
		if i == 0 || theirs[i] == nil {
			continue
		}
		var err error
		if *out, err = stream.WritePipe(simproc.WithPipe(ctx, theirs[i]), nil); err != nil {
			return err
		}
		theirs[i] = nil  // the stream has it
		if !s.Piped[i] { // dropped
			_, err := transport.ConnectReadPipe(simproc.WithPipe(ctx, ours[i]), nil,
				transport.BaseProtocol{})
			if err != nil {
				return err
			}
		}
	}
	if s.Merged {
		c.Stderr = c.Stdout
	}
	return nil
}

func closeConns(conns [3]*simnet.Conn) {
	for _, c := range conns {
		if c != nil {
			c.Close()
		}
	}
}

// signal is called when the parent sends a signal.
func (c *Child) signal(sig sys.Signal) {
	if c.onSignal != nil && sig != sys.SIGKILL {
		c.onSignal(sig)
		return
	}
	c.killed = int(sig)
	c.task.Cancel(nil)
	if sig == sys.SIGKILL {
		c.end(0)
	}
}

// end tells the parent.
func (c *Child) end(code int) {
	if c.proc.Ended {
		return
	}
	if c.proc.Ended, c.proc.Code = true, code; c.killed != 0 {
		c.proc.Code = -c.killed
	}
	c.close()
	if c.proc.OnEnd != nil {
		c.proc.OnEnd()
	}
}
