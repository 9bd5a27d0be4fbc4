//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aio-go/aio/aiosql"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

// start starts the test binary as the program, in a process of its own.
func start(
	t *testing.T, env []string, args ...string,
) (cmd *exec.Cmd, out *bufio.Scanner, stderr *strings.Builder) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clitest.Patience)
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(clitest.Child(), env...)
	stderr = new(strings.Builder)
	cmd.Stderr = stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(pipe), stderr
}

func TestATransactionWhoseProgramIsKilledInTheMiddleNeverWas(t *testing.T) {
	flags := newFile(t)
	cmd, out, stderr := start(t, []string{halfwayFile + "=" + flags[1]})
	if !out.Scan() || out.Text() != "halfway" {
		t.Fatalf("it said %q and %q", out.Text(), stderr)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	inBank(t, flags, func(ctx context.Context, b *bank) error {
		wantBalance(t, ctx, b, 20)
		one, err := balance(ctx, b, 1)
		if one != 980_00 {
			t.Errorf("the account has %d", one)
		}
		return err
	})
}

func TestWhatAKilledProgramHasCommittedIsThere(t *testing.T) {
	flags := newFile(t)
	cmd, out, stderr := start(t, nil, append(flags, "-json", "-transfers", "1000000")...)
	var lines strings.Builder
	for range 100 {
		if !out.Scan() {
			t.Fatalf("it ended too early; it said %q", stderr)
		}
		fmt.Fprintln(&lines, out.Text())
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for out.Scan() { // what it said before it died
		fmt.Fprintln(&lines, out.Text())
	}
	cmd.Wait()
	said := lines.String()
	if i := strings.LastIndex(said, "}"); i >= 0 {
		said = said[:i+1] + "\n" // the last line may be torn
	}
	transfers, _ := readLines(t, said)
	inBank(t, flags, func(ctx context.Context, b *bank) error { return wantAll(t, ctx, b, transfers) })
}

// wantAll fails the test unless the books balance and all these transfers are in them.
func wantAll(t *testing.T, ctx context.Context, b *bank, transfers []transfer) error {
	t.Helper()
	found, err := b.audit(ctx)
	if err != nil {
		return err
	}
	if !found.balanced() || found.transfers < len(transfers) || len(transfers) == 0 {
		t.Errorf("the books are %+v, %d transfers were reported", found, len(transfers))
	}
	there := map[int64]transfer{}
	for one, err := range aiosql.Query[transfer](ctx, b.db,
		"SELECT id, source, target, cents FROM transfers") {
		if err != nil {
			return err
		}
		there[one.ID] = one
	}
	for _, one := range transfers {
		if there[one.ID] != one {
			t.Errorf("transfer %+v was reported; there is %+v", one, there[one.ID])
		}
	}
	return nil
}

func TestCtrlCLeavesAWholeState(t *testing.T) {
	flags := newFile(t)
	cmd, out, stderr := start(t, nil, append(flags, "-json", "-transfers", "1000000")...)
	var lines strings.Builder
	for n := 0; out.Scan(); n++ {
		fmt.Fprintln(&lines, out.Text())
		if n == 50 {
			cmd.Process.Signal(os.Interrupt)
		}
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != cli.Interrupted {
		t.Errorf("it ended with %v, want exit code %d", err, cli.Interrupted)
	}
	transfers, _ := readLines(t, lines.String())
	want := fmt.Sprintf("db: interrupted: %d of 1000000 transfers made, ", len(transfers))
	if text := stderr.String(); !strings.HasPrefix(text, want) ||
		!strings.HasSuffix(text, "; the books balance\n") {
		t.Errorf("it said %q, want %q", text, want)
	}
	inBank(t, flags, func(ctx context.Context, b *bank) error {
		wantBalance(t, ctx, b, len(transfers))
		return nil
	})
}
