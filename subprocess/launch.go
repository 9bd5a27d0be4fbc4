package subprocess

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/simproc"
	"github.com/aio-go/aio/internal/sys"
	"github.com/aio-go/aio/transport"
)

// launch is the start of one child on another thread. Forking and executing take a quarter of a
// millisecond at best (BenchmarkStart), in which the loop would do nothing else. Looking for a
// program on a network file system may take for ever.
type launch struct {
	cmd    Cmd  // a copy: the caller may change the original
	native bool // may use the loop's poller

	lent []*os.File // duplicates of the caller's files, which the caller may close at any time

	mu      sync.Mutex // guards the rest
	begun   bool       // the thread closes lent
	over    bool       // no task will take the child
	started *started   // nil before, and after a failure
}

// started is a running process, and this process's ends of its pipes.
type started struct {
	process *os.Process
	pidfd   int // -1 if there is none
	leads   bool
	group   *os.File    // a handle of the group that it leads; nil if there is none
	pipes   [3]*os.File // nil if the stream is no pipe
}

// begin starts a child and makes the loop responsible for it. The caller owns the pipes.
//
// Cancellation: the child is killed and collected, by the thread if that is still starting it.
func begin(ctx context.Context, c *Cmd) (_ *child, pipes [3]pipeEnd, err error) {
	if host := simproc.LauncherFrom(ctx); host != nil {
		return beginScript(ctx, host, c)
	}
	n := nurseryOf(aio.RunningLoop(ctx))
	l := &launch{cmd: *c, native: transport.NetworkFrom(ctx) != transport.Portable()}
	ready := false
	defer func() {
		if !ready { // also if the loop ends the task in its wait
			l.giveUp(n)
		}
	}()
	if err := l.borrow(); err != nil {
		return nil, pipes, &StartError{Name: c.Args[0], Err: err}
	}
	// The failure is a value here: nobody asks about it once the task has gone.
	failure, err := aio.ToThread(ctx, func(context.Context) (error, error) { return l.run(), nil })
	if err = cmp.Or(err, failure); err != nil {
		return nil, pipes, err
	}
	ready = true
	for i, f := range l.started.pipes {
		pipes[i].file = f
	}
	return l.adopted(n), pipes, nil
}

// borrow duplicates the caller's files for the child. If the start is cancelled, the caller closes
// them while the thread still uses them, and other files may get their numbers.
func (l *launch) borrow() error {
	for _, how := range []*Stdio{&l.cmd.Stdin, &l.cmd.Stdout, &l.cmd.Stderr} {
		if f, ok := (*how).(fileStdio); ok {
			dup, err := l.duplicate(f.File)
			if err != nil {
				return err
			}
			*how = fileStdio{dup}
		}
	}
	extra := make([]*os.File, len(l.cmd.ExtraFiles))
	for i, f := range l.cmd.ExtraFiles {
		if f == nil {
			continue // closed in the child
		}
		dup, err := l.duplicate(f)
		if err != nil {
			return err
		}
		extra[i] = dup
	}
	l.cmd.ExtraFiles = extra
	return nil
}

func (l *launch) duplicate(f *os.File) (*os.File, error) {
	dup, err := duplicate(f)
	if err == nil && dup != f {
		l.lent = append(l.lent, dup)
	}
	return dup, err
}

// run is called on another thread.
func (l *launch) run() error {
	l.mu.Lock()
	l.begun = true
	over := l.over
	l.mu.Unlock()
	if over {
		return nil
	}
	defer closeAll(l.lent)
	s, err := l.start()
	if err != nil {
		return &StartError{Name: l.cmd.Args[0], Err: err}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		s.destroy()
	} else {
		l.started = s
	}
	return nil
}

func (l *launch) start() (_ *started, err error) {
	c := &l.cmd
	cmd := exec.Command(c.Args[0], c.Args[1:]...) // finds the program
	if c.Path != "" {
		cmd.Path, cmd.Err = c.Path, nil
	}
	if cmd.Err != nil {
		return nil, cmd.Err
	}
	for _, v := range c.Env {
		if strings.ContainsRune(v, 0) { // package os/exec would leave it out
			return nil, errors.New("the environment has a NUL byte in it")
		}
	}
	// with other rights or another root it may exist and be invisible
	if c.Dir != "" && c.SysProcAttr == nil {
		if _, err := os.Stat(c.Dir); err != nil {
			return nil, &os.PathError{Op: "chdir", Path: c.Dir, Err: errors.Unwrap(err)}
		}
	}
	s := &started{pidfd: -1}
	var attr *syscall.SysProcAttr
	if attr, s.leads, err = c.attributes(); err != nil {
		return nil, err
	}
	files, theirs, err := c.files(&s.pipes)
	defer closeAll(theirs)
	defer func() {
		if err != nil {
			closeAll(s.pipes[:])
		}
	}()
	if err != nil {
		return nil, err
	}
	cmd.Dir, cmd.Env = c.Dir, c.Env
	s.process, err = os.StartProcess(cmd.Path, cmd.Args, &os.ProcAttr{
		Dir:   c.Dir,
		Env:   cmd.Environ(),
		Files: files,
		Sys:   attr,
	})
	if err != nil {
		return nil, err
	}
	if l.native {
		s.pidfd = pidfdOf(s.process)
	}
	if s.leads {
		s.group = groupOf(s.process)
	}
	return s, nil
}

// files opens the child's files and stores this process's ends of the pipes in ours. theirs have to
// be closed after the start, even if that fails.
func (c *Cmd) files(ours *[3]*os.File) (files, theirs []*os.File, err error) {
	open := func(i int, how Stdio) (*os.File, error) {
		switch how {
		case nil, Null:
			return os.OpenFile(os.DevNull, os.O_RDWR, 0)
		}
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		if i == 0 {
			ours[i] = w
			return r, nil
		}
		ours[i] = r
		return w, nil
	}
	for i, how := range []Stdio{c.Stdin, c.Stdout, c.Stderr} {
		if f, ok := how.(fileStdio); ok {
			files = append(files, f.File)
			continue
		}
		switch how {
		case Inherit:
			files = append(files, []*os.File{os.Stdin, os.Stdout, os.Stderr}[i])
			continue
		case ToStdout:
			files = append(files, files[1])
			continue
		}
		f, err := open(i, how)
		if err != nil {
			return nil, theirs, err
		}
		files, theirs = append(files, f), append(theirs, f)
	}
	return append(files, c.ExtraFiles...), theirs, nil
}

// adopted makes a child of a started process.
func (l *launch) adopted(n *nursery) *child {
	s := l.started
	pid := s.process.Pid // before it is given up
	h := takePidfd(s.pidfd, s.process)
	if h == nil {
		h = newProcessHandle(s.process)
	}
	return n.adopt(&child{
		name:   l.cmd.Args[0],
		pid:    pid,
		leads:  s.leads,
		group:  s.group,
		handle: h,
		grace:  l.cmd.grace(),
	})
}

// giveUp is called when the child is not needed any more. If it runs already it is killed, and
// collected by the loop.
func (l *launch) giveUp(n *nursery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if !l.begun {
		closeAll(l.lent)
	}
	if l.started != nil {
		closeAll(l.started.pipes[:])
		l.adopted(n).kill()
	}
}

// destroy ends a process that no task has waited for, on the thread that started it.
func (s *started) destroy() {
	closeAll(s.pipes[:])
	if s.leads { // it was not collected, so it still has its number
		killGroup(s.process.Pid, sys.SIGKILL)
	} else {
		s.process.Kill()
	}
	s.process.Wait()
	if s.group != nil {
		s.group.Close()
	}
	if s.pidfd >= 0 {
		os.NewFile(uintptr(s.pidfd), "pidfd").Close()
	}
}

func closeAll(files []*os.File) {
	for i, f := range files {
		if f != nil {
			f.Close()
			files[i] = nil
		}
	}
}
