package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An entrant is a contestant as the command line knows it: a name and the command that runs it.
// Each contestant is a process of its own, so it shares no heap, garbage collector or idle
// goroutines with another. GOMAXPROCS is set before its runtime starts: a later change would keep
// what the larger value had built up.
type entrant struct {
	name    string
	command func(ctx context.Context, procs int) *exec.Cmd
	check   func() error  // nil, or why the contestant cannot run here
	budget  time.Duration // of its rounds in a row

	collects bool // in the suite net: collects its garbage when it gets settleSignal

	version string   // known once probed
	works   []string // likewise
}

// probe starts the contestant once to see whether it runs, and which work it can do.
func (e *entrant) probe(ctx context.Context) error {
	if e.check != nil {
		if err := e.check(); err != nil {
			return err
		}
	}
	p, err := e.start(ctx, 1)
	if err != nil {
		return err
	}
	e.version, e.works = p.version, p.works
	return p.close()
}

// takesPart reports whether the contestant does the work.
func (e *entrant) takesPart(w work) bool { return slices.Contains(e.works, w.name) }

// start runs the contestant and waits for its greeting.
func (e *entrant) start(ctx context.Context, procs int) (*process, error) {
	ctx, kill := context.WithCancel(ctx)
	p := &process{name: e.name, cmd: e.command(ctx, procs), kill: kill, lines: make(chan string, 1)}
	p.cmd.Stderr = &p.complaints
	p.cmd.WaitDelay = time.Second
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		kill()
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		kill()
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		kill()
		return nil, err
	}
	go p.read(stdout)
	greeting, err := p.answer(ctx, startTimeout)
	if err != nil {
		p.close()
		return nil, err
	}
	fields := strings.Fields(greeting)
	if len(fields) != 3 || fields[0] != "ready" {
		p.close()
		return nil, errors.New(strings.TrimPrefix(greeting, "absent: "))
	}
	p.version, p.works = fields[1], strings.Split(fields[2], ",")
	return p, nil
}

// How long a contestant may take: to start, for one round, to leave.
const (
	startTimeout = 30 * time.Second
	roundTimeout = 3 * time.Minute
	leaveTimeout = 5 * time.Second
)

// A process is a running contestant.
type process struct {
	name       string
	version    string
	works      []string
	cmd        *exec.Cmd
	kill       context.CancelFunc
	stdin      io.WriteCloser
	lines      chan string // closed at the end of the contestant's output
	complaints tail        // complete, and readable, once ended
	ended      sync.Once
	end        error
}

// read passes the contestant's lines on until its output ends.
func (p *process) read(stdout io.Reader) {
	defer close(p.lines)
	scanner := bufio.NewScanner(stdout)
	for scanner.Scan() {
		p.lines <- scanner.Text()
	}
}

// answer waits for the next line.
func (p *process) answer(ctx context.Context, limit time.Duration) (string, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case line, ok := <-p.lines:
		if !ok {
			if ctx.Err() != nil {
				return "", context.Cause(ctx)
			}
			err := p.close() // after which all it said has arrived
			if said := p.complaints.lastLine(); said != "" {
				return "", fmt.Errorf("ended early: %s", said)
			}
			return "", fmt.Errorf("ended early without a word: %v", err)
		}
		return line, nil
	case <-timer.C:
		return "", fmt.Errorf("no answer within %v", limit)
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// round has the contestant do one round and returns its figure.
func (p *process) round(ctx context.Context, w work, reps int) (float64, error) {
	return p.ask(ctx, fmt.Sprintf("%s %d %d", w.name, w.size, reps), roundTimeout)
}

// ask sends the contestant a request and returns the number it answers with.
func (p *process) ask(ctx context.Context, request string, limit time.Duration) (float64, error) {
	if _, err := fmt.Fprintln(p.stdin, request); err != nil {
		// The process is gone; its last words are in answer's error.
		if _, said := p.answer(ctx, time.Second); said != nil {
			return 0, said
		}
		return 0, err
	}
	line, err := p.answer(ctx, limit)
	if err != nil {
		return 0, err
	}
	if reason, failed := strings.CutPrefix(line, "error: "); failed {
		return 0, errors.New(reason)
	}
	figure, err := strconv.ParseFloat(line, 64)
	if err != nil {
		return 0, fmt.Errorf("answered %q", line)
	}
	return figure, nil
}

// close ends the process and waits for it. A contestant leaves when its input
// ends; one that does not is killed.
func (p *process) close() error {
	p.ended.Do(func() {
		p.stdin.Close()
		stop := time.AfterFunc(leaveTimeout, p.kill)
		for range p.lines { // until its output ends
		}
		p.end = p.cmd.Wait()
		stop.Stop()
		p.kill()
	})
	return p.end
}

// self is this executable.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// childCommand runs a contestant in a child process of this executable. The environment variable
// names the contestant.
func childCommand(variable, name string) func(ctx context.Context, procs int) *exec.Cmd {
	return func(ctx context.Context, procs int) *exec.Cmd {
		cmd := exec.CommandContext(ctx, self())
		cmd.Env = append(os.Environ(), variable+"="+name, "GOMAXPROCS="+strconv.Itoa(procs))
		return cmd
	}
}

// goEntrant is a contestant of this executable.
func goEntrant(name string) *entrant {
	budget := middleBudget
	if name == "aio" || name == "goroutine" {
		budget = largeBudget
	}
	return &entrant{name: name, command: childCommand(contestantEnv, name), budget: budget}
}

// tail keeps the end of the bytes written to it.
type tail struct{ buf []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - 4096; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

// lastLine returns the last line that is not blank. A Go program that panics
// says why first: of its lines the first is returned.
func (t *tail) lastLine() string {
	lines := bytes.Split(bytes.TrimSpace(t.buf), []byte("\n"))
	for _, line := range lines {
		if bytes.HasPrefix(line, []byte("panic: ")) ||
			bytes.HasPrefix(line, []byte("fatal error: ")) {
			return string(line)
		}
	}
	return string(bytes.TrimSpace(lines[len(lines)-1]))
}
