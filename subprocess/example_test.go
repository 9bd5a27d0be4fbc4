//go:build unix

package subprocess_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/subprocess"
)

// run runs main in a loop and shows its error.
func run(main func(ctx context.Context) error) {
	if err := aio.Run(context.Background(), main); err != nil {
		fmt.Println(err)
	}
}

// What a program prints.
func Example() {
	run(func(ctx context.Context) error {
		out, err := subprocess.Command("echo", "hello").Output(ctx)
		fmt.Printf("%s", out)
		return err
	})
	// Output:
	// hello
}

// A child that is talked to line by line. The block ends when the child has ended, and the child
// ends with the block.
func ExampleCmd_With() {
	run(func(ctx context.Context) error {
		bc := subprocess.Shell("while read a b; do echo $((a * b)); done")
		bc.Stdin, bc.Stdout = subprocess.Pipe, subprocess.Pipe
		return bc.With(ctx, func(ctx context.Context, p *subprocess.Process) error {
			for _, sum := range []string{"6 7", "12 12"} {
				fmt.Fprintln(p.Stdin, sum)
				answer, err := p.Stdout.ReadLine(ctx)
				if err != nil {
					return err
				}
				fmt.Printf("%s: %s", sum, answer)
			}
			return nil
		})
	})
	// Output:
	// 6 7: 42
	// 12 12: 144
}

func ExampleCommand() {
	run(func(ctx context.Context) error {
		cmd := subprocess.Command("sort", "-n")
		cmd.Stdin = subprocess.Input("10\n9\n8\n")
		out, err := cmd.Output(ctx)
		fmt.Printf("%s", out)
		return err
	})
	// Output:
	// 8
	// 9
	// 10
}

func ExampleShell() {
	run(func(ctx context.Context) error {
		out, err := subprocess.Shell("printf 'b\na\n' | sort").Output(ctx)
		fmt.Printf("%s", out)
		return err
	})
	// Output:
	// a
	// b
}

// A description can be changed and used again.
func ExampleCmd() {
	run(func(ctx context.Context) error {
		cmd := &subprocess.Cmd{
			Args: []string{"sh", "-c", "echo $GREETING from $PWD"},
			Dir:  "/",
			Env:  append(os.Environ(), "GREETING=hello"),
		}
		for _, dir := range []string{"/", "/usr"} {
			cmd.Dir = dir
			out, err := cmd.Output(ctx)
			if err != nil {
				return err
			}
			fmt.Printf("%s", out)
		}
		return nil
	})
	// Output:
	// hello from /
	// hello from /usr
}

// Two children joined by a pipe, as a shell does it.
func ExampleFile() {
	run(func(ctx context.Context) error {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		from, to := subprocess.Command("printf", `one\ntwo\n`), subprocess.Command("wc", "-l")
		from.Stdout, to.Stdin = subprocess.File(w), subprocess.File(r)
		p, err := from.Start(ctx)
		w.Close() // or the second one never sees the end
		if err != nil {
			r.Close()
			return err
		}
		defer p.Close()
		out, err := to.Output(ctx)
		r.Close()
		var lines int
		fmt.Sscan(string(out), &lines)
		fmt.Println(lines, "lines")
		return err
	})
	// Output:
	// 2 lines
}

// What a child does not read is no error.
func ExampleInput() {
	run(func(ctx context.Context) error {
		cmd := subprocess.Command("head", "-n", "1")
		cmd.Stdin = subprocess.Input("first\nsecond\n")
		out, err := cmd.Output(ctx)
		fmt.Printf("%s", out)
		return err
	})
	// Output:
	// first
}

// Where stderr goes.
func ExampleStdio() {
	run(func(ctx context.Context) error {
		cmd := subprocess.Shell("echo out; echo err >&2")
		cmd.Stdout, cmd.Stderr = subprocess.Pipe, subprocess.ToStdout
		p, err := cmd.Start(ctx)
		if err != nil {
			return err
		}
		defer p.Close()
		both, _, err := p.Communicate(ctx, nil)
		fmt.Printf("%s", both)
		return err
	})
	// Output:
	// out
	// err
}

// A child that runs beside what the task does.
func ExampleProcess() {
	run(func(ctx context.Context) error {
		p, err := subprocess.Command("sleep", "1000").Start(ctx)
		if err != nil {
			return err
		}
		defer p.Close()
		_, ended := p.Poll()
		fmt.Println("ended:", ended)
		p.SendSignal(syscall.SIGTERM)
		code, err := p.Wait(ctx)
		fmt.Println("code:", code)
		return err
	})
	// Output:
	// ended: false
	// code: -15
}

// What went wrong.
func ExampleExitError() {
	run(func(ctx context.Context) error {
		for _, cmd := range []*subprocess.Cmd{
			subprocess.Command("no-such-program"),
			subprocess.Shell("echo 'disk full' >&2; exit 3"),
			subprocess.Shell("kill -KILL $$"),
		} {
			err := cmd.Run(ctx)
			var exit *subprocess.ExitError
			switch {
			case errors.Is(err, fs.ErrNotExist):
				fmt.Println("there is no such program")
			case errors.As(err, &exit) && exit.Signal() != 0:
				fmt.Println("killed:", exit.Signal())
			case errors.As(err, &exit):
				fmt.Printf("code %d, and it says %q\n", exit.Code, exit.Stderr)
			}
		}
		return nil
	})
	// Output:
	// there is no such program
	// code 3, and it says "disk full\n"
	// killed: killed
}

func ExampleStartError() {
	run(func(ctx context.Context) error {
		_, err := subprocess.Command("no-such-program").Start(ctx)
		var start *subprocess.StartError
		fmt.Println(errors.As(err, &start), errors.Is(err, fs.ErrNotExist))
		fmt.Println(err)
		return nil
	})
	// Output:
	// true true
	// subprocess: "no-such-program": executable file not found in $PATH
}

// A time-out ends the child and everything it has started.
func ExampleStoppedError() {
	run(func(ctx context.Context) error {
		err := subprocess.Shell("sleep 1000 & sleep 1000").With(ctx,
			func(ctx context.Context, p *subprocess.Process) error {
				_, err := aio.WaitFor(ctx, 20*time.Millisecond, p.Wait)
				return err
			})
		var stopped *subprocess.StoppedError
		if errors.As(err, &stopped) {
			fmt.Println("the shell:", stopped.Status)
		}
		fmt.Println("time-out:", errors.Is(err, context.DeadlineExceeded))
		return nil
	})
	// Output:
	// the shell: killed by SIGTERM
	// time-out: true
}

func ExampleStatus() {
	run(func(ctx context.Context) error {
		p, err := subprocess.Shell("exit 7").Start(ctx)
		if err != nil {
			return err
		}
		if _, err := p.Wait(ctx); err != nil {
			return err
		}
		status, ended := p.Status()
		fmt.Println(status.Code, ended, status)
		return nil
	})
	// Output:
	// 7 true exit status 7
}

// counter is a protocol that counts what a child writes.
type counter struct {
	subprocess.BaseProtocol
	bytes int
	over  *aio.Future[aio.None]
}

func (c *counter) PipeDataReceived(fd int, p []byte) { c.bytes += len(p) }
func (c *counter) ConnectionLost(error)              { c.over.SetResult(aio.None{}) }

// The low-level half: callbacks in place of tasks.
func ExampleConnect() {
	run(func(ctx context.Context) error {
		cmd := subprocess.Shell("printf 12345")
		cmd.Stdout = subprocess.Pipe
		c := &counter{over: aio.NewFuture[aio.None](ctx)}
		t, err := subprocess.Connect(ctx, cmd, c)
		if err != nil {
			return err
		}
		if _, err := c.over.Await(ctx); err != nil {
			return err
		}
		code, _ := t.ReturnCode()
		fmt.Println(c.bytes, "bytes, code", code)
		return nil
	})
	// Output:
	// 5 bytes, code 0
}

func ExampleCmd_outputLimit() {
	main := func(ctx context.Context) error {
		cmd := subprocess.Command("yes")
		cmd.OutputLimit = 6
		out, err := cmd.Output(ctx)
		fmt.Printf("%q %v\n", out, errors.Is(err, subprocess.ErrOutputLimit))
		return nil
	}
	if err := aio.Run(context.Background(), main); err != nil {
		fmt.Println(err)
	}
	// Output: "y\ny\ny\n" true
}
