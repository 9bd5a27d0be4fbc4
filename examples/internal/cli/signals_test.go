//go:build unix

package cli

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

func TestASecondSignalEndsAProgramAtOnce(t *testing.T) {
	if os.Getenv("CLI_TEST_SIGNALS") != "" { // the program
		ctx, stop := Signals()
		defer stop()
		fmt.Println("ready")
		<-ctx.Done()
		fmt.Println("first")
		<-make(chan int)
	}
	for _, signals := range [][2]syscall.Signal{
		{syscall.SIGINT, syscall.SIGINT}, {syscall.SIGINT, syscall.SIGTERM},
		{syscall.SIGTERM, syscall.SIGINT},
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestASecondSignalEndsAProgramAtOnce$")
		cmd.Env = append(os.Environ(), "CLI_TEST_SIGNALS=1")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for i, want := range []string{"ready", "first"} {
			if !lines.Scan() || lines.Text() != want {
				t.Errorf("it says %q, want %q", lines.Text(), want)
			}
			cmd.Process.Signal(signals[i])
		}
		for lines.Scan() {
		}
		var ended *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &ended) ||
			ended.Sys().(syscall.WaitStatus).Signal() != signals[1] {
			t.Errorf("after %v it ended with %v", signals, err)
		}
	}
}
