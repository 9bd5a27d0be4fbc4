//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// TestCtrlCShowsWhatIsKnown interrupts the program, in a process of its own, when it has the answer
// of one site and waits for another.
func TestCtrlCShowsWhatIsKnown(t *testing.T) {
	v := newVillage(t)
	answered, asked := make(chan struct{}, 1), make(chan struct{}, 1)
	quick := "http://" + v.serve(func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		if !readRequest(ctx, r) {
			return nil
		}
		w.WriteString("HTTP/1.1 200 OK\r\n\r\n")
		_, err := r.ReadAll(ctx) // ends when the visitor has what it wants
		if errors.Is(err, aio.ErrCancelled) {
			return err
		}
		answered <- struct{}{}
		return nil
	}) + "/quick"
	slow := "http://" + v.serve(func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		if readRequest(ctx, r) {
			asked <- struct{}{}
		}
		return saysNothing(ctx, r, w)
	}) + "/slow"

	for format, sig := range map[string]os.Signal{
		"table":               os.Interrupt,
		"json":                os.Interrupt,
		"table after SIGTERM": syscall.SIGTERM,
	} {
		t.Run(format, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-timeout", "1h", quick, slow)
			if format == "json" {
				cmd.Args = append(cmd.Args, "-json")
			}
			cmd.Env = append(os.Environ(), "SITECHECK_TEST_CHILD=1")
			var out, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for _, event := range []chan struct{}{answered, asked} {
				select {
				case <-event:
				case <-ctx.Done():
					t.Error("the program has not visited both sites")
				}
			}
			cmd.Process.Signal(sig)
			err := cmd.Wait()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != wasInterrupted {
				t.Errorf("the program ended with %v, want exit code %d", err, wasInterrupted)
			}
			want := "sitecheck: interrupted: 1 of 2 sites checked, 1 answered\n"
			if stderr.String() != want {
				t.Errorf("on stderr %q, want %q", stderr.String(), want)
			}
			if n := strings.Count(out.String(), quick); n != 1 || strings.Contains(out.String(), slow) {
				t.Errorf("the output is\n%swant a row for %s alone", out.String(), quick)
			}
		})
	}
}
