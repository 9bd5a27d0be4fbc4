package subprocess

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/aio-go/aio/stream"
)

// Cmd says what to run and how. It is only a description: it may be changed and used again at any time, and for several
// children at once.
//
// The zero value of everything but Args is usable: the child has no input, its output is dropped, it leads a process group of its own.
type Cmd struct {
	// Args are the program and its arguments. A program without a slash is looked for in the directories of $PATH.
	Args []string
	// Path is what is run if that is not Args[0].
	Path string
	// Dir is the directory the child starts in; "" is that of this process.
	Dir string
	// Env is the environment, as "name=value"; of several values for a name the last one counts. nil is that of this process.
	Env []string

	// Stdin, Stdout and Stderr are what the child reads from and writes to. nil is the null device; except that Run, Output and With keep the
	// end of stderr for the error.
	Stdin, Stdout, Stderr Stdio
	// ExtraFiles are further open files for the child: the first one becomes its descriptor 3, and so on. They stay open here.
	ExtraFiles []*os.File

	// SameGroup leaves the child in the process group of this process, as a program must be that talks to the user at the terminal. Then Ctrl-C at
	// the terminal reaches it, too; and ending it ends only itself, not what it has started.
	SameGroup bool
	// NewSession makes the child the leader of a session of its own, without a terminal. asyncio: start_new_session.
	NewSession bool
	// SysProcAttr has further attributes of the system, credentials among them. If it makes a group or a session SameGroup and NewSession have no say.
	SysProcAttr *syscall.SysProcAttr

	// Limit is that of the readers of Stdout and Stderr, see [stream.Limit]. 0 is the default, 64 KiB.
	Limit int
	// OutputLimit is how much [Cmd.Output], [Cmd.CombinedOutput] and [Process.Communicate] keep of an output, bytes. A child that writes more
	// gives [ErrOutputLimit]. 0 is the default, 64 MiB; to take more than memory has, read from a Pipe.
	OutputLimit int
	// Grace is how long a child that is to end has between SIGTERM and SIGKILL, by the loop's clock. 0 is the default, 5 seconds; if it is negative
	// SIGKILL comes at once.
	Grace time.Duration
	// Drain is how long after the end of a child its pipes may be held open by others before they are given up, by the loop's clock. 0 is the default,
	// 2 seconds; less than 10 ms is 10 ms, in which what the child itself has written comes through.
	Drain time.Duration
}

const (
	defaultGrace = 5 * time.Second
	defaultDrain = 2 * time.Second

	defaultOutput = 64 << 20 // bytes
)

// Command returns what runs the program name with the arguments args. asyncio: create_subprocess_exec, whose other half is [Cmd.Start].
func Command(name string, args ...string) *Cmd {
	return &Cmd{Args: append([]string{name}, args...)}
}

// Shell returns what runs a line in the system's shell: sh, or cmd on Windows. Do not put words of strangers into the line: a shell understands
// more than one thinks. Give them as arguments, or in the environment. asyncio: create_subprocess_shell.
func Shell(line string) *Cmd {
	if runtime.GOOS == "windows" {
		return Command("cmd", "/c", line)
	}
	return &Cmd{Args: []string{"sh", "-c", line}, Path: "/bin/sh"}
}

// Stdio is what a child has as its standard input, output or error: [Null], [Inherit], [Pipe], [ToStdout], a [File], or [Input].
type Stdio interface{ stdio() }

// disposition is a Stdio without further data.
type disposition uint8

// What the standard streams of a child can be.
const (
	Null     disposition = iota + 1 // the null device. asyncio: DEVNULL
	Inherit                         // that of this process. asyncio: None
	Pipe                            // a pipe, whose other end is a field of the [Process]. asyncio: PIPE
	ToStdout                        // for Stderr: where Stdout goes. asyncio: STDOUT
)

func (disposition) stdio() {}

// fileStdio is an open file.
type fileStdio struct{ *os.File }

func (fileStdio) stdio() {}

// File gives an open file to the child: one on disk, a socket, or an end of [os.Pipe], which joins one child to another. It stays open here too:
// close it when the child has been started, or its reader never sees the end. It panics if f is nil.
func File(f *os.File) Stdio {
	if f == nil {
		panic("subprocess: File: the file is nil; pass one that is open, or Null")
	}
	return fileStdio{f}
}

// inputStdio is data for stdin.
type inputStdio []byte

func (inputStdio) stdio() {}

// Input, for Stdin, is data that the child finds there, and then the end. It is sent while the child runs; a child that does not read all of it
// is none the worse. The data must not be changed before the child has been started.
func Input[T ~[]byte | ~string](data T) Stdio { return inputStdio(data) }

// check panics if the description makes no sense.
func (c *Cmd) check(op string) {
	switch {
	case len(c.Args) == 0 || c.Args[0] == "":
		panic("subprocess: " + op + ": Args names no program; Args[0] must, or make the Cmd by Command")
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
