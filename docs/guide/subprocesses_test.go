package guide_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/subprocess"
)

func Example_subprocess() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		out, err := subprocess.Command("echo", "hello").Output(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("%s", out)

		err = subprocess.Shell("echo 'no space left' >&2; exit 3").Run(ctx)
		var exit *subprocess.ExitError
		if errors.As(err, &exit) {
			fmt.Println("code", exit.Code)
		}
		fmt.Println(err)

		err = subprocess.Command("no-such-program").Run(ctx)
		fmt.Println("not found:", errors.Is(err, fs.ErrNotExist))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// hello
	// code 3
	// subprocess: sh: exit status 3: no space left
	// not found: true
}

func Example_subprocessTimeout() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		start := time.Now()
		err := aio.Timeout(ctx, 50*time.Millisecond, subprocess.Shell("sleep 60 & sleep 60").Run)
		fmt.Println("too late:", errors.Is(err, context.DeadlineExceeded))
		fmt.Println("it took a minute:", time.Since(start) >= time.Minute)
		return nil // both sleeps have ended
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// too late: true
	// it took a minute: false
}

func Example_subprocessMany() {
	words := []string{"red", "green", "blue", "yellow", "black", "white"}
	upper := func(ctx context.Context, word string) (string, error) {
		cmd := subprocess.Command("tr", "a-z", "A-Z")
		cmd.Stdin = subprocess.Input(word)
		out, err := cmd.Output(ctx)
		return string(out), err
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		shouted, err := aio.Map(ctx, words, upper, aio.Limit(4)) // four children at a time
		fmt.Println(strings.Join(shouted, " "))
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// RED GREEN BLUE YELLOW BLACK WHITE
}

func Example_subprocessTalk() {
	adder := subprocess.Shell("while read a b; do echo $((a + b)); done")
	adder.Stdin, adder.Stdout = subprocess.Pipe, subprocess.Pipe

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return adder.With(ctx, func(ctx context.Context, p *subprocess.Process) error {
			for n := range 3 {
				fmt.Fprintln(p.Stdin, n, n+1)
				line, err := p.Stdout.ReadLine(ctx)
				if err != nil {
					return err
				}
				fmt.Printf("%d + %d = %s", n, n+1, line)
			}
			return nil // With closes its stdin, so it ends
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 0 + 1 = 1
	// 1 + 2 = 3
	// 2 + 3 = 5
}

func Example_subprocessOutput() {
	build := subprocess.Shell("echo compiling; sleep 0.1; echo linking; sleep 0.1; echo 'disk almost full' >&2")
	build.Stdout, build.Stderr = subprocess.Pipe, subprocess.Pipe

	show := func(ctx context.Context, tag string, r *stream.PipeReader) error {
		for line, err := range r.Lines(ctx) {
			if err != nil {
				return err
			}
			fmt.Printf("%s: %s", tag, line)
		}
		return nil
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return build.With(ctx, func(ctx context.Context, p *subprocess.Process) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error { return show(ctx, "out", p.Stdout) })
				g.Go(func(ctx context.Context) error { return show(ctx, "err", p.Stderr) })
				return p.WaitClosed(ctx)
			})
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	// Unordered output:
	// out: compiling
	// out: linking
	// err: disk almost full
}

func Example_subprocessPipe() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		in, err := stream.ReadPipe(ctx, r) // of standard input: stream.ReadPipe(ctx, os.Stdin)
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := stream.WritePipe(ctx, w)
		if err != nil {
			return err
		}
		out.WriteString("one\ntwo\n")
		out.Close()
		for line, err := range in.Lines(ctx) {
			if err != nil {
				return err
			}
			fmt.Printf("%s", line)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// one
	// two
}
