//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startProgram starts the program in a process of its own and returns it with its output.
func startProgram(t *testing.T, args ...string) (*exec.Cmd, *output, *strings.Builder) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "PIPELINE_TEST_CHILD=1")
	var errput strings.Builder
	cmd.Stderr = &errput
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// which the test reports as a wrong end
	watchdog := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	t.Cleanup(func() { watchdog.Stop() })
	return cmd, &output{bufio.NewReader(out), out}, &errput
}

// output is what a program writes, while it comes.
type output struct {
	*bufio.Reader
	io.Closer
}

// numbers reads n lines that end in the number of a process.
func numbers(t *testing.T, r *output, n int) (pids []int) {
	t.Helper()
	for range n {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		fields := strings.Fields(line)
		var pid int
		if _, err := fmt.Sscan(fields[len(fields)-1], &pid); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		pids = append(pids, pid)
	}
	return pids
}

// expectEnd waits for the end of the program, which must have ended all its children.
func expectEnd(t *testing.T, cmd *exec.Cmd, errput *strings.Builder, summary string, pids []int) {
	t.Helper()
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != wasInterrupted ||
		!strings.Contains(errput.String(), summary) {
		t.Errorf("it ended with %v and said %q, want exit code %d and %q",
			err, errput, wasInterrupted, summary)
	}
	for _, pid := range pids {
		// A grandchild is collected by process 1, which may take a moment.
		for deadline := time.Now().Add(patience); alive(pid); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("process %d is left", pid)
				break
			}
		}
	}
}

func TestCtrlCEndsAllCommandsAndWhatTheyHaveStarted(t *testing.T) {
	cmd, out, errput := startProgram(t, "each", "-tag", "-j", "3",
		`sh -c 'sh -c "echo \$\$; exec sleep 1000" & echo $$; wait' sh {}`, "a", "b", "c", "never")
	pids := numbers(t, out, 6)
	cmd.Process.Signal(os.Interrupt)
	expectEnd(t, cmd, errput,
		"pipeline: interrupted: 3 of 4 commands have ended, 3 failed, 3 asked to end\n", pids)
}

func TestSIGTERMEndsAPipeline(t *testing.T) {
	cmd, out, errput := startProgram(t, `sh -c 'echo $$; exec sleep 1000' | sh -c 'echo $$; exec cat'`)
	pids := numbers(t, out, 2)
	cmd.Process.Signal(syscall.SIGTERM)
	expectEnd(t, cmd, errput, "pipeline: interrupted: 2 of 2 commands have ended, ", pids)
}

func TestCommandsThatIgnoreSIGTERMAreKilledAfterTheGracePeriod(t *testing.T) {
	const deaf = `sh -c 'trap "" TERM; echo $$; while :; do sleep 0.01; done' sh {}`
	cmd, out, errput := startProgram(t, "each", "-tag", "-j", "2", "-grace", "50ms", deaf, "a", "b")
	pids := numbers(t, out, 2)
	cmd.Process.Signal(os.Interrupt)
	expectEnd(t, cmd, errput,
		"pipeline: interrupted: 2 of 2 commands have ended, 2 failed, 2 killed\n", pids)
}

func TestASecondCtrlCDoesNotWaitForTheGracePeriod(t *testing.T) {
	heard := filepath.Join(t.TempDir(), "heard")
	deaf := `sh -c 'trap "echo $$ >` + heard + `" TERM; echo $$; while :; do sleep 0.01; done' sh {}`
	cmd, out, errput := startProgram(t, "each", "-tag", "-grace", "1h", deaf, "a")
	pids := numbers(t, out, 1)
	cmd.Process.Signal(os.Interrupt)
	pidIn(t, heard) // it has heard the first one, and does not mind
	cmd.Process.Signal(os.Interrupt)
	expectEnd(t, cmd, errput,
		"pipeline: interrupted: 1 of 1 commands have ended, 1 failed, 1 asked to end\n", pids)
}

func TestAReaderOfTheOutputThatLeavesEndsEverything(t *testing.T) {
	cmd, out, errput := startProgram(t, "each", "-tag", "-j", "1",
		`sh -c 'echo $$; exec yes' sh {}`, "a")
	pids := numbers(t, out, 1)
	out.Close()
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != readerLeft || errput.Len() > 0 {
		t.Errorf("it ended with %v and said %q", err, errput)
	}
	if alive(pids[0]) {
		t.Error("the command is left")
	}
}

func TestAReaderThatLeavesIsNoFailure(t *testing.T) {
	for _, args := range [][]string{
		{"yes"},
		{"yes | cat"},
		{"each", "-j", "1", `sh -c 'exec seq 200000' sh {}`, "a", "b"},
		{"-json", "seq 200000"},
		{}, // the show
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
			var errput strings.Builder
			cmd := exec.Command(os.Args[0], args...)
			cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), "PIPELINE_TEST_CHILD=1"), w, &errput
			err = cmd.Start()
			w.Close()
			if err != nil {
				t.Fatal(err)
			}
			defer time.AfterFunc(patience, func() { cmd.Process.Kill() }).Stop()
			err = cmd.Wait()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != readerLeft || errput.Len() > 0 {
				t.Errorf("it ended with %v and said %q, want exit code %d and nothing said",
					err, errput.String(), readerLeft)
			}
		})
	}
}
