//go:build unix

package cookbook_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiter"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/subprocess"
)

// stty runs the command of that name on the terminal, and returns what it prints.
func stty(ctx context.Context, args ...string) (string, error) {
	cmd := subprocess.Command("stty", args...)
	cmd.Stdin = subprocess.Inherit
	cmd.SameGroup = true // only the terminal's own group may change it
	out, err := cmd.Output(ctx)
	return strings.TrimSpace(string(out)), err
}

// keys yields the keys that are pressed. On a terminal they arrive one by one and are not shown.
// When the loop over them is left, the terminal is as it was.
func keys(ctx context.Context, input *os.File) iter.Seq2[byte, error] {
	return aiter.Generate(ctx, func(ctx context.Context, yield func(byte) bool) error {
		if was, err := stty(ctx, "-g"); err == nil { // it fails if this is no terminal
			if _, err := stty(ctx, "-icanon", "-echo"); err != nil {
				return err
			}
			defer stty(context.WithoutCancel(ctx), was)
		}
		in, err := stream.ReadPipe(ctx, input) // it owns the file from now on
		if err != nil {
			return err
		}
		defer in.Close()
		for {
			key, err := in.ReadExactly(ctx, 1) // other tasks run meanwhile
			if errors.Is(err, stream.ErrIncomplete) {
				return nil // the end of the input
			}
			if err != nil {
				return err
			}
			if !yield(key[0]) {
				return nil
			}
		}
	})
}

func Example_keys() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		input := os.Stdin
		if _, err := stty(ctx, "-g"); err != nil { // as in a test: take a pipe with some keys
			typed, typist, err := os.Pipe()
			if err != nil {
				return err
			}
			typist.WriteString("llhlq")
			typist.Close()
			input = typed
		}
		at := 0
		for key, err := range keys(ctx, input) {
			if err != nil {
				return err
			}
			switch key {
			case 'h':
				at--
			case 'l':
				at++
			}
			if key == 'q' {
				break
			}
			fmt.Println("h and l move, q ends:", at)
		}
		fmt.Println("goodbye")
		return nil
	}, aio.WithInterrupt()) // Ctrl-C restores the terminal, too
	if err != nil && !errors.Is(err, aio.ErrInterrupted) {
		log.Fatal(err)
	}
	// Output:
	// h and l move, q ends: 1
	// h and l move, q ends: 2
	// h and l move, q ends: 1
	// h and l move, q ends: 2
	// goodbye
}

// site is a server that sends each line back after some work.
type site struct{ busy aiosync.Event }

func (s *site) echo(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	for line, err := range r.Lines(ctx) {
		if err != nil {
			return err
		}
		s.busy.Set()
		if err := aio.Sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
		w.Write(line)
	}
	fmt.Fprintln(w, "goodbye")
	return nil
}

// guest is a client that sends a line, and presses Ctrl-C while the server works on it.
func (s *site) guest(ctx context.Context, address string) (string, error) {
	r, w, err := stream.Open(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer w.Close()
	fmt.Fprintln(w, "hello")
	if err := s.busy.Wait(ctx); err != nil {
		return "", err
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return "", err
	}
	if err := self.Signal(os.Interrupt); err != nil {
		return "", err
	}
	said, err := r.ReadAll(ctx)
	return string(said), err
}

func Example_gracefulServer() {
	serve := func(ctx context.Context) error {
		var s site
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", s.echo)
		if err != nil {
			return err
		}
		defer server.Close()

		demo := aio.CreateTask(ctx, aio.Bind(s.guest, server.Addrs()[0].String()))

		err = server.ServeForever(ctx) // until Ctrl-C or SIGTERM cancels it
		fmt.Println("interrupted:", errors.Is(err, aio.ErrCancelled))

		// The context is cancelled by now. To finish what has begun takes one that is not, and a
		// time limit.
		rest := context.WithoutCancel(ctx)
		if err := aio.Timeout(rest, 10*time.Second, server.Shutdown); err != nil {
			return err
		}
		said, err := demo.Await(rest)
		fmt.Printf("the guest got %q\n", said)
		return err
	}

	err := aio.Run(context.Background(), serve, aio.WithInterrupt(os.Interrupt, syscall.SIGTERM))
	if !errors.Is(err, aio.ErrInterrupted) {
		log.Fatal(err)
	}
	fmt.Println("exit in order")
	// Output:
	// interrupted: true
	// the guest got "hello\ngoodbye\n"
	// exit in order
}
