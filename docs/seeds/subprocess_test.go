//go:build unix

package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/subprocess"
)

// onLoop runs fn on a loop of its own.
func onLoop(fn func(ctx context.Context) error) {
	if err := aio.Run(context.Background(), fn); err != nil {
		log.Fatal(err)
	}
}

// How to Use create_subprocess_exec(): a program with arguments is started, then waited for.
func Example_seedsSubprocessWait() {
	onLoop(func(ctx context.Context) error {
		process, err := subprocess.Command("ls", "-l").Start(ctx)
		if err != nil {
			return err
		}
		defer process.Close()
		code, err := process.Wait(ctx)
		fmt.Println(code, err)
		return nil
	})
	// Output:
	// 0 <nil>
}

// How to Use create_subprocess_exec(): terminate and kill send signals; the code says which one it was.
func Example_seedsSubprocessTerminate() {
	onLoop(func(ctx context.Context) error {
		for _, stop := range []func(*subprocess.Process) error{(*subprocess.Process).Terminate, (*subprocess.Process).Kill} {
			process, err := subprocess.Command("sleep", "60").Start(ctx)
			if err != nil {
				return err
			}
			defer process.Close()
			if err := stop(process); err != nil {
				return err
			}
			code, err := process.Wait(ctx)
			fmt.Println(code, err)
		}
		return nil
	})
	// Output:
	// -15 <nil>
	// -9 <nil>
}

// How to Use create_subprocess_exec(): the output comes through a pipe, with communicate.
func Example_seedsSubprocessOutput() {
	onLoop(func(ctx context.Context) error {
		cmd := subprocess.Command("echo", "Hello World")
		cmd.Stdout = subprocess.Pipe
		process, err := cmd.Start(ctx)
		if err != nil {
			return err
		}
		defer process.Close()
		out, _, err := process.Communicate(ctx, nil)
		fmt.Printf("%q %v\n", out, err)
		return nil
	})
	// Output:
	// "Hello World\n" <nil>
}

// How to Use create_subprocess_exec(): communicate sends input, too.
func Example_seedsSubprocessInput() {
	onLoop(func(ctx context.Context) error {
		cmd := subprocess.Command("cat")
		cmd.Stdin, cmd.Stdout = subprocess.Pipe, subprocess.Pipe
		process, err := cmd.Start(ctx)
		if err != nil {
			return err
		}
		defer process.Close()
		out, _, err := process.Communicate(ctx, []byte("Hello\n"))
		fmt.Printf("%q %v\n", out, err)
		return nil
	})
	// Output:
	// "Hello\n" <nil>
}

// How to Use create_subprocess_exec(): the pipes are a writer and a reader, as connections have.
func Example_seedsSubprocessReadLine() {
	onLoop(func(ctx context.Context) error {
		cmd := subprocess.Command("cat")
		cmd.Stdin, cmd.Stdout = subprocess.Pipe, subprocess.Pipe
		process, err := cmd.Start(ctx)
		if err != nil {
			return err
		}
		defer process.Close()
		process.Stdin.WriteString("a line\n")
		line, err := process.Stdout.ReadLine(ctx)
		fmt.Printf("%q %v\n", line, err)
		process.Stdin.Close()
		code, err := process.Wait(ctx)
		fmt.Println(code, err)
		return nil
	})
	// Output:
	// "a line\n" <nil>
	// 0 <nil>
}

// How to Run a Command Via the Shell: what a shell can do, such as pipes.
func Example_seedsSubprocessShell() {
	onLoop(func(ctx context.Context) error {
		out, err := subprocess.Shell("printf 'a\\nb\\nc\\n' | wc -l | tr -d ' '").Output(ctx)
		fmt.Printf("%q %v\n", out, err)

		_, err = subprocess.Shell("exit 3").Output(ctx)
		var exit *subprocess.ExitError
		fmt.Println(errors.As(err, &exit), exit.Code)
		return nil
	})
	// Output:
	// "3\n" <nil>
	// true 3
}
