package stream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// scarceVariable is set in the process that is to run out of descriptors: "native" or "portable".
const scarceVariable = "AIO_TEST_SCARCE"

// room is how many descriptors more than it needs that process may open.
const room = 12

// TestTheServerThatRunsOutOfDescriptors is that process. It serves until its input ends.
func TestTheServerThatRunsOutOfDescriptors(t *testing.T) {
	network := transport.Native()
	switch os.Getenv(scarceVariable) {
	case "":
		t.Skip("it is a part of TestRunningOutOfDescriptors")
	case "portable":
		network = transport.Portable()
	}
	for _, r := range reportsOf(t, func(ctx context.Context) {
		server, err := stream.Serve(transport.WithNetwork(ctx, network), "tcp", "127.0.0.1:0", shout)
		ok(t, err)
		exhausted := 0
		aio.RunningLoop(ctx).SetExceptionHandler(func(_ *aio.Loop, r aio.Report) {
			if !errors.Is(r.Err, syscall.EMFILE) || !strings.Contains(r.Message, "lack of resources") {
				fmt.Printf("\nunexpected: %s: %v\n", r.Message, r.Err)
			}
			if exhausted++; exhausted == 1 {
				fmt.Print("\nexhausted\n")
			}
		})
		limit := syscall.Rlimit{}
		ok(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
		limit.Cur = uint64(leaktest.Descriptors() + room)
		ok(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
		fmt.Printf("\nserving %v\n", server.Addrs()[0])
		ok(t, aio.Blocking(ctx, func(context.Context) error {
			_, err := io.Copy(io.Discard, os.Stdin)
			return err
		}))
		server.Close()
		ok(t, server.WaitClosed(ctx))
		fmt.Printf("\nreports %d\n", exhausted)
	}) {
		t.Errorf("reported: %s: %v", r.Message, r.Err)
	}
}

// Conformance: CN-029.
func TestRunningOutOfDescriptors(t *testing.T) {
	for _, network := range []string{"native", "portable"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel() // it is mostly pauses
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestTheServerThatRunsOutOfDescriptors$")
			cmd.Env = append(os.Environ(), scarceVariable+"="+network)
			cmd.Stderr = os.Stderr
			in, err := cmd.StdinPipe()
			ok(t, err)
			out, err := cmd.StdoutPipe()
			ok(t, err)
			ok(t, cmd.Start())
			lines := bufio.NewScanner(out)
			said := func(what string) string {
				for lines.Scan() {
					if rest, found := strings.CutPrefix(lines.Text(), what); found {
						return strings.TrimSpace(rest)
					}
					if text := lines.Text(); strings.HasPrefix(text, "unexpected") ||
						strings.HasPrefix(text, "---") {
						t.Error(text)
					}
				}
				t.Errorf("the server ended without saying %q", what)
				return ""
			}
			askMoreThanItCanServe(t, said("serving"), func() { said("exhausted") })
			in.Close()
			if n, err := strconv.Atoi(said("reports")); err != nil || n < 1 || n > peers {
				t.Errorf("%d reports, %v: it did not pause after each", n, err)
			}
			for lines.Scan() { // to its end
			}
			if err := cmd.Wait(); err != nil { // it looks for what is left itself
				t.Errorf("the server: %v", err)
			}
		})
	}
}

// peers is how many connections it gets at a time.
const peers = 3 * room

// askMoreThanItCanServe has three times as many connections open as the server has descriptors for.
// All of them are answered in the end.
func askMoreThanItCanServe(t *testing.T, address string, exhausted func()) {
	answers, leave := make(chan error, peers), make(chan struct{})
	for i := range peers {
		c, err := reach(address) // the backlog takes it
		ok(t, err)
		go func() {
			defer c.Close()
			fmt.Fprintf(c, "peer %d\n", i)
			answer := make([]byte, len(fmt.Sprintf("peer %d\n", i)))
			_, err := io.ReadFull(c, answer)
			if err == nil && string(answer) != fmt.Sprintf("PEER %d\n", i) {
				err = fmt.Errorf("peer %d got %q", i, answer)
			}
			answers <- err
			<-leave
		}()
	}
	exhausted()
	close(leave)
	for range peers {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	if err := isServed(address); err != nil {
		t.Error(err)
	}
}
