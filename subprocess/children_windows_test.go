package subprocess

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// Children are cmd.exe, which every Windows has.

func inLoop(t *testing.T, main func(ctx context.Context) error) {
	t.Helper()
	if err := aio.Run(t.Context(), func(ctx context.Context) error {
		return aio.Timeout(ctx, time.Minute, main)
	}); err != nil {
		t.Fatal(err)
	}
}

func TestAChildTellsItsExitCodeAndItsOutput(t *testing.T) {
	inLoop(t, func(ctx context.Context) error {
		out, err := Command("cmd.exe", "/c", "echo hello").Output(ctx)
		if err != nil || strings.TrimSpace(string(out)) != "hello" {
			t.Errorf("got %q and %v", out, err)
		}
		p, err := Command("cmd.exe", "/c", "exit 3").Start(ctx)
		if err != nil {
			return err
		}
		code, err := p.Wait(ctx)
		if code != 3 || err != nil {
			t.Errorf("got %d and %v, want exit code 3", code, err)
		}
		return p.WaitClosed(ctx)
	})
}

func TestAProgramThatIsNotThereCannotBeStarted(t *testing.T) {
	inLoop(t, func(ctx context.Context) error {
		_, err := Command("no-such-program.exe").Start(ctx)
		if start := (*StartError)(nil); !errors.As(err, &start) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func TestAChildThatIsKilledHasEnded(t *testing.T) {
	for name, end := range map[string]func(*Process) error{
		"Kill":      (*Process).Kill,
		"Terminate": (*Process).Terminate,
	} {
		t.Run(name, func(t *testing.T) {
			inLoop(t, func(ctx context.Context) error {
				c := Command("cmd.exe", "/c", "pause") // waits for a key
				c.Stdin = Pipe
				p, err := c.Start(ctx)
				if err != nil {
					return err
				}
				if err := end(p); err != nil {
					return err
				}
				if code, err := p.Wait(ctx); code == 0 || err != nil {
					t.Errorf("got %d and %v, want a code that is not 0", code, err)
				}
				if err := p.Kill(); !errors.Is(err, os.ErrProcessDone) {
					t.Errorf("killed once more: %v", err)
				}
				return p.WaitClosed(ctx)
			})
		})
	}
}

func TestASessionOfItsOwnIsNotToBeHad(t *testing.T) {
	inLoop(t, func(ctx context.Context) error {
		c := Command("cmd.exe", "/c", "exit 0")
		c.NewSession = true
		if _, err := c.Start(ctx); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v, want ErrUnsupported", err)
		}
		return nil
	})
}
