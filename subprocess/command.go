package subprocess

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/aio-go/aio/stream"
)

// Cmd says what to run and how. It is only a description: it may be changed and used again at any
// time, and for several children at once.
//
// The zero value of every field but Args is usable. The child then has no input, its output is
// dropped, and it leads a process group of its own.
type Cmd struct {
	// Args are the program and its arguments. A program without a slash is looked up in the
	// directories of $PATH.
	Args []string
	// Path is the program to run if that is not Args[0].
	Path string
	// Dir is the directory in which the child starts; "" is that of this process.
	Dir string
	// Env is the environment, as "name=value"; of several values for a name the last one counts.
	// nil is the environment of this process.
	Env []string

	// Stdin, Stdout and Stderr are the child's standard streams. nil is the null device; but Run,
	// Output and With keep the end of stderr for the error.
	Stdin, Stdout, Stderr Stdio
	// ExtraFiles are further open files for the child: the first becomes its descriptor 3, and so
	// on. They stay open in this process.
	ExtraFiles []*os.File

	// SameGroup leaves the child in the process group of this process. A program that talks to the
	// user at the terminal needs that. Then Ctrl-C at the terminal reaches it, too, and ending it
	// does not end the processes that it has started.
	SameGroup bool
	// NewSession makes the child the leader of a session of its own, without a terminal.
	// asyncio: start_new_session.
	NewSession bool
	// SysProcAttr has further attributes of the system, credentials among them. If it makes a group
	// or a session, SameGroup and NewSession are ignored.
	SysProcAttr *syscall.SysProcAttr

	// Limit is the limit of the readers of Stdout and Stderr, see [stream.Limit]. 0 is the default,
	// 64 KiB.
	Limit int
	// OutputLimit is how many bytes of an output [Cmd.Output], [Cmd.CombinedOutput] and
	// [Process.Communicate] keep. If a child writes more, the error is [ErrOutputLimit]. 0 is the
	// default, 64 MiB; for output larger than memory, read from a Pipe.
	OutputLimit int
	// Grace is the time between SIGTERM and SIGKILL when a child is ended, by the loop's clock. 0
	// is the default, 5 seconds; if it is negative, SIGKILL is sent at once.
	Grace time.Duration
	// Drain is how long other processes may hold a child's pipes after its end, by the loop's
	// clock. Then the pipes are given up. 0 is the default, 2 seconds; the least is 10 ms, in which
	// the child's own output arrives.
	Drain time.Duration
}

const (
	defaultGrace = 5 * time.Second
	defaultDrain = 2 * time.Second

	defaultOutput = 64 << 20 // bytes
)

// Command returns a Cmd for the program name with the arguments args.
// asyncio: create_subprocess_exec, together with [Cmd.Start].
func Command(name string, args ...string) *Cmd {
	return &Cmd{Args: append([]string{name}, args...)}
}

// Shell returns a Cmd for a line of the system's shell: sh, or cmd on Windows. Do not put words of
// strangers into the line: a shell gives meaning to many characters. Pass them as arguments, or in
// the environment. asyncio: create_subprocess_shell.
func Shell(line string) *Cmd {
	if runtime.GOOS == "windows" {
		return Command("cmd", "/c", line)
	}
	return &Cmd{Args: []string{"sh", "-c", line}, Path: "/bin/sh"}
}

// Stdio is a standard stream of a child: [Null], [Inherit], [Pipe], [ToStdout], a [File], or
// [Input].
type Stdio interface{ stdio() }

// disposition is a Stdio without further data.
type disposition uint8

// The kinds of a child's standard streams without further data.
const (
	Null    disposition = iota + 1 // the null device. asyncio: DEVNULL
	Inherit                        // the stream of this process. asyncio: None
	// a pipe, whose other end is a field of the [Process]. asyncio: PIPE
	Pipe
	ToStdout // for Stderr: the same as Stdout. asyncio: STDOUT
)

func (disposition) stdio() {}

// fileStdio is an open file.
type fileStdio struct{ *os.File }

func (fileStdio) stdio() {}

// File passes an open file to the child: one on disk, a socket, or an end of [os.Pipe], which
// connects one child to another. It stays open in this process, too: close it when the child has
// been started, or its reader never gets the end. It panics if f is nil.
func File(f *os.File) Stdio {
	if f == nil {
		panic("subprocess: File: the file is nil; pass one that is open, or Null")
	}
	return fileStdio{f}
}

// inputStdio is data for stdin.
type inputStdio []byte

func (inputStdio) stdio() {}

// Input, for Stdin, is data for the child, followed by the end. It is sent while the child runs;
// the child need not read all of it. The data must not be changed before the child has been
// started.
func Input[T ~[]byte | ~string](data T) Stdio { return inputStdio(data) }

// check panics if the description makes no sense.
func (c *Cmd) check(op string) {
	switch {
	case len(c.Args) == 0 || c.Args[0] == "":
		panic("subprocess: " + op + ": Args names no program; " +
			"Args[0] must, or make the Cmd by Command")
	case c.Stdin == ToStdout || c.Stdout == ToStdout:
		panic("subprocess: " + op + ": ToStdout is for Stderr; use Pipe, Null, Inherit or File")
	case c.Limit < 0:
		panic("subprocess: " + op + ": the limit is negative; 0 is the default")
	case c.OutputLimit < 0:
		panic("subprocess: " + op + ": OutputLimit is negative; 0 is the default")
	}
	for _, out := range []Stdio{c.Stdout, c.Stderr} {
		if _, ok := out.(inputStdio); ok {
			panic("subprocess: " + op + ": Input is for Stdin; use Pipe to get output")
		}
	}
}

func (c *Cmd) grace() time.Duration { return orDefault(c.Grace, defaultGrace) }
func (c *Cmd) drain() time.Duration {
	return max(orDefault(c.Drain, defaultDrain), 10*time.Millisecond)
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return max(d, 0)
}

func (c *Cmd) limit() int {
	if c.Limit == 0 {
		return stream.DefaultLimit
	}
	return c.Limit
}

func (c *Cmd) outputLimit() int {
	if c.OutputLimit == 0 {
		return defaultOutput
	}
	return c.OutputLimit
}
