package subprocess

import (
	"context"
	"os"
	"runtime"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/nocopy"
	"github.com/aio-go/aio/internal/sys"
	"github.com/aio-go/aio/internal/unclosed"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// Process is a started child. Its methods belong to the loop's goroutine. asyncio: Process.
type Process struct {
	_ nocopy.Mark
	// Stdin is the child's input. nil unless Cmd.Stdin was Pipe.
	Stdin *stream.Writer
	// Stdout and Stderr are the child's output. nil unless Cmd.Stdout and Cmd.Stderr were Pipe.
	// Read them, or the child blocks when the pipe is full.
	Stdout, Stderr *stream.PipeReader

	child      *child
	drain      time.Duration
	limit      int                 // of the bytes that Communicate keeps of an output
	feed       transport.Transport // sends an Input; nil if there is none
	collectors []*collector        // for Stdout and Stderr, in place of readers
	errput     *collector          // the one that keeps the end of stderr, or nil
}

// Start starts the program and returns when it runs. The caller waits for its end with
// [Process.Wait], or gives it up with [Process.Close]. The loop collects it in any case, and the
// pipes of a child that has ended are closed when the program forgets them.
//
// The error is a [*StartError]; then nothing is left. Start panics if the description makes no
// sense. It suspends the task while another thread starts the program.
// asyncio: create_subprocess_exec; with [Shell], create_subprocess_shell.
//
// Cancellation: the program is not started, or it is killed at once. If it runs already it is
// returned, and the next wait fails.
func (c *Cmd) Start(ctx context.Context) (*Process, error) {
	c.check("Cmd.Start")
	return c.begin(ctx)
}

// begin starts the program and connects the pipes.
func (c *Cmd) begin(ctx context.Context) (*Process, error) {
	child, pipes, err := begin(ctx, c)
	if err != nil {
		return nil, err
	}
	p := &Process{child: child, drain: c.drain(), limit: c.outputLimit()}
	// it runs now; after a few passes more it can be ended in order
	ctx = unclosed.WithOwner(context.WithoutCancel(ctx), func() bool { return child.ended })
	ready := false
	defer func() {
		if !ready { // also if the loop ends the task in its wait
			closeEnds(pipes[:])
			p.Close()
		}
	}()
	for i, how := range []Stdio{c.Stdin, c.Stdout, c.Stderr} {
		end := pipes[i]
		if end.isNone() {
			continue
		}
		pipes[i] = pipeEnd{} // it has an owner, even after a failure
		ctx, f := end.in(ctx), end.file
		switch how := how.(type) {
		case inputStdio:
			if p.feed, err = transport.ConnectWritePipe(ctx, f,
				transport.BaseProtocol{}); err == nil {
				p.feed.Write(how)
				p.feed.Close()
			}
		case *collector:
			if _, err = transport.ConnectReadPipe(ctx, f, how); err == nil {
				p.collectors = append(p.collectors, how)
			}
		default:
			switch i {
			case 0:
				p.Stdin, err = stream.WritePipe(ctx, f)
			case 1:
				p.Stdout, err = stream.ReadPipe(ctx, f, stream.Limit(c.limit()))
			case 2:
				p.Stderr, err = stream.ReadPipe(ctx, f, stream.Limit(c.limit()))
			}
		}
		if err != nil {
			return nil, err
		}
		child.nursery.connected()
	}
	ready = true
	return p, nil
}

// Pid returns the number of the process. After the end of the child another process may get that
// number. asyncio: pid.
func (p *Process) Pid() int { return p.child.pid }

// Wait waits until the child has ended and returns its code: the exit code, or -N if signal N
// killed it. It neither waits for the pipes, which other processes may hold open, nor reads them: a
// child that writes much to a Pipe without a reader does not end. Many tasks may wait.
//
// The error is only that of waiting; for the error of the child see [Process.Err]. asyncio: wait.
//
// Cancellation: the child goes on.
func (p *Process) Wait(ctx context.Context) (int, error) {
	c := p.child
	if !c.ended {
		w := aio.NewWaiter(ctx, "Process.Wait", c)
		c.waiters = append(c.waiters, w)
		defer c.leave(w)
		err := w.Park()
		runtime.KeepAlive(p) // or its pipes would count as forgotten, and be closed, meanwhile
		if err != nil {
			return 0, err
		}
	}
	return c.status.Code, nil
}

// Poll asks the system whether the child has ended, and returns its code if it has. asyncio has no
// counterpart. Python: Popen.poll.
func (p *Process) Poll() (code int, ended bool) {
	p.child.poll()
	return p.ReturnCode()
}

// ReturnCode returns the code of a child whose end the loop has noticed, see [Process.Wait].
// asyncio: returncode.
func (p *Process) ReturnCode() (code int, ended bool) {
	return p.child.status.Code, p.child.ended
}

// Status returns the end of the child, and whether it has ended, as far as the loop has noticed.
func (p *Process) Status() (Status, bool) { return p.child.status, p.child.ended }

// Err returns nil if the child has ended with code 0 or still runs, an [*ExitError] otherwise.
func (p *Process) Err() error {
	c := p.child
	if !c.ended || c.status.Code == 0 {
		return nil
	}
	err := &ExitError{Status: c.status, Name: c.name}
	if p.errput != nil {
		err.Stderr = p.errput.data
	}
	return err
}

// SendSignal sends a signal to the child only. It returns [os.ErrProcessDone] if the child has
// ended. asyncio: send_signal.
func (p *Process) SendSignal(sig os.Signal) error { return p.child.signal(sig) }

// Terminate is SendSignal with SIGTERM; on Windows it is Kill. asyncio: terminate.
func (p *Process) Terminate() error { return p.child.signal(sys.SIGTERM) }

// Kill is SendSignal with SIGKILL. asyncio: kill.
func (p *Process) Kill() error { return p.child.signal(sys.SIGKILL) }

// SignalGroup sends a signal to all processes in the child's group: the child and the processes
// that it has started, even if the child itself has ended. If the child has no group of its own, it
// is SendSignal. It returns [os.ErrProcessDone] if no process is left.
func (p *Process) SignalGroup(sig os.Signal) error { return p.child.signalGroup(sig) }

// Stop ends the child, its process group, and on Linux its other descendants (see Grandchildren
// above). It sends SIGTERM, and after [Cmd.Grace] SIGKILL. It returns when the child has ended and
// the others have, too, or the grace is over. It reports whether SIGKILL was needed. It closes
// nothing.
//
// Cancellation: SIGKILL is sent at once, and Stop does not wait for the end.
func (p *Process) Stop(ctx context.Context) (killed bool, err error) {
	c := p.child
	if c.poll() && c.groupGone() {
		return false, nil
	}
	done := false
	defer func() {
		if !done { // cancelled, or ended by the loop
			c.kill()
		}
		c.forgetStrays()
	}()
	if c.grace > 0 {
		c.terminate()
		err = aio.Timeout(ctx, c.grace, p.gone)
		if _, late := errtree.As[*aio.TimeoutError](err); !late {
			done = err == nil
			return false, err
		}
	}
	c.kill()
	done = true
	_, err = p.Wait(ctx)
	return true, err
}

// gone waits until the child and its group have gone.
func (p *Process) gone(ctx context.Context) error {
	if _, err := p.Wait(ctx); err != nil {
		return err
	}
	// Only the end of children can be waited for, not that of their children. Usually they are gone
	// by now.
	for pause := time.Millisecond; !p.child.groupGone(); pause = min(2*pause, 50*time.Millisecond) {
		zombies, err := aio.ToThread(ctx, func(context.Context) (bool, error) {
			return onlyZombies(p.child.pid), nil
		})
		if err != nil {
			return err
		}
		if zombies {
			break
		}
		if err := aio.Sleep(ctx, pause); err != nil {
			return err
		}
	}
	for pause := time.Millisecond; !p.child.straysGone(); pause = min(2*pause,
		50*time.Millisecond) {
		if err := aio.Sleep(ctx, pause); err != nil {
			return err
		}
	}
	return nil
}

// Close gives up the child: if it still runs, it and its group are killed, and the pipes are
// closed. It does not wait; the loop collects the child. The group of a child that has ended cannot
// be signalled any more then. A second Close does nothing.
func (p *Process) Close() {
	if !p.child.poll() {
		p.child.kill()
	}
	p.child.giveUp()
	p.closePipes()
}

// closePipes closes the open pipes; unsent data is dropped.
func (p *Process) closePipes() {
	if p.feed != nil {
		p.feed.Abort()
	}
	if p.Stdin != nil {
		p.Stdin.Abort()
	}
	for _, out := range []*stream.PipeReader{p.Stdout, p.Stderr} {
		if out != nil {
			out.Close()
		}
	}
	for _, out := range p.collectors {
		out.pipe.Abort()
	}
}

// String shows the program, the number of the process, and its state.
func (p *Process) String() string { return "<Process " + p.child.String() + ">" }
