package aiotest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/internal/looptest"
	"github.com/aio-go/aio/subprocess"
)

// withScripts runs fn on a host that has some programs.
func withScripts(
	t *testing.T, fn func(ctx context.Context, t *aiotest.T, h *aiotest.Host) error,
) {
	t.Helper()
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		h := aiotest.NewWorld(ctx, t, aiotest.Faults{}).Host("build")
		h.Script("upper", func(ctx context.Context, c *aiotest.Child) int {
			for line, err := range c.Stdin.Lines(ctx) {
				if err != nil {
					return 2
				}
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return 3
				}
				fmt.Fprint(c.Stdout, strings.ToUpper(string(line)))
			}
			fmt.Fprintf(c.Stderr, "%s is done\n", c.Args[0])
			return len(c.Args) - 1
		})
		h.Script("stubborn", func(ctx context.Context, c *aiotest.Child) int {
			c.OnSignal(func(sig os.Signal) { fmt.Fprintf(c.Stdout, "%v?\n", sig) })
			fmt.Fprintln(c.Stdout, "ready")
			if aio.Sleep(ctx, time.Hour) != nil {
				return 1
			}
			return 0
		})
		return fn(h.Context(ctx), t, h)
	})
}

func TestAScriptRunsInPlaceOfAProgram(t *testing.T) {
	withScripts(t, func(ctx context.Context, t *aiotest.T, h *aiotest.Host) error {
		begin := aio.RunningLoop(ctx).Time()
		cmd := subprocess.Command("/usr/bin/upper")
		cmd.Stdin = subprocess.Input("a\nb\n")
		out, err := cmd.Output(ctx)
		if string(out) != "A\nB\n" || err != nil {
			t.Errorf("the output is %q, %v", out, err)
		}
		if d := aio.RunningLoop(ctx).Time().Sub(begin); d != 2*time.Second {
			t.Errorf("it took %v", d)
		}
		cmd = subprocess.Command("upper", "x", "y")
		out, err = cmd.CombinedOutput(ctx)
		var exit *subprocess.ExitError
		if string(out) != "upper is done\n" || !errors.As(err, &exit) || exit.Status.Code != 2 {
			t.Errorf("both outputs are %q, %v", out, err)
		}
		err = subprocess.Command("upper", "x").Run(ctx)
		if !errors.As(err, &exit) || string(exit.Stderr) != "upper is done\n" {
			t.Errorf("the error is %v", err)
		}
		if err := subprocess.Command("sh").Run(ctx); !errors.Is(err, exec.ErrNotFound) {
			t.Errorf("a program that is no script: %v", err)
		}
		if v := looptest.PanicOf(func() { h.Script("", nil) }); v == nil {
			t.Error("a script may have no name")
		}
		return nil
	})
}

func TestAScriptIsSentSignals(t *testing.T) {
	withScripts(t, func(ctx context.Context, t *aiotest.T, h *aiotest.Host) error {
		loop := aio.RunningLoop(ctx)
		cmd := subprocess.Command("upper")
		cmd.Stdin = subprocess.Pipe
		p, err := cmd.Start(ctx)
		if err != nil {
			return err
		}
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		if err := p.Terminate(); err != nil {
			return err
		}
		if code, err := p.Wait(ctx); code != -int(syscall.SIGTERM) || err != nil {
			t.Errorf("it ends with %d, %v", code, err)
		}
		if err := p.Terminate(); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("a signal after the end: %v", err)
		}
		p.Close()

		begin := loop.Time()
		var out []byte
		err = aio.Timeout(ctx, time.Minute, func(ctx context.Context) (err error) {
			out, err = subprocess.Command("stubborn").Output(ctx)
			return err
		})
		var late *aio.TimeoutError
		if string(out) != "ready\nterminated?\n" || !errors.As(err, &late) {
			t.Errorf("it has said %q, %v", out, err)
		}
		if d := loop.Time().Sub(begin); d != time.Minute+5*time.Second {
			t.Errorf("it is killed after %v, want the grace behind the time-out", d)
		}
		enough := errors.New("enough")
		err = subprocess.Command("stubborn").With(ctx,
			func(ctx context.Context, _ *subprocess.Process) error {
				return errors.Join(aio.Sleep(ctx, time.Second), enough)
			})
		var stopped *subprocess.StoppedError
		if !errors.As(err, &stopped) || !stopped.Killed || !errors.Is(err, enough) ||
			stopped.Status.Code != -int(syscall.SIGKILL) {
			t.Errorf("it ends with %v", err)
		}
		return nil
	})
}

func TestAScriptEndsWithItsHost(t *testing.T) {
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		h := aiotest.NewWorld(ctx, t, aiotest.Faults{}).Host("build")
		running := 0
		h.Script("make", func(ctx context.Context, c *aiotest.Child) int {
			running++
			defer func() { running-- }()
			_ = aio.Sleep(ctx, time.Hour)
			return 0
		})
		h.Boot(func(ctx context.Context) error { return subprocess.Command("make").Run(ctx) })
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		if running != 1 {
			t.Errorf("%d run", running)
		}
		h.Crash()
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		if running != 0 {
			t.Errorf("after the crash %d run", running)
		}
		return nil
	})
}

// A script that is killed at once leaves nothing open, wherever it is in its start.
func TestAScriptIsKilledAtAnyTime(t *testing.T) {
	for steps := range 12 {
		withScripts(t, func(ctx context.Context, t *aiotest.T, h *aiotest.Host) error {
			cmd := subprocess.Command("upper")
			cmd.Stdin, cmd.Stdout, cmd.Stderr = subprocess.Pipe, subprocess.Pipe, subprocess.Pipe
			p, err := cmd.Start(ctx)
			if err != nil {
				return err
			}
			defer p.Close()
			for range steps {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			if err := p.Kill(); err != nil {
				return err
			}
			code, err := p.Wait(ctx)
			if code != -int(syscall.SIGKILL) || err != nil {
				t.Errorf("killed after %d steps it ends with %d, %v", steps, code, err)
			}
			b, err := p.Stdout.ReadAll(ctx)
			if len(b) > 0 || err != nil {
				t.Errorf("killed after %d steps it has said %q, %v", steps, b, err)
			}
			return nil
		})
	}
}
