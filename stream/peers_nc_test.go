package stream_test

import (
	"context"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/aio-go/aio/internal/looptest"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// needNetcat skips the test if there is no nc that knows -N: to shut down the sending half at the
// end of its input.
func needNetcat(t *testing.T) {
	t.Helper()
	help, _ := exec.Command("nc", "-h").CombinedOutput()
	if !strings.Contains(string(help), "OpenBSD") {
		t.Skip("there is no nc, of the OpenBSD kind, on this machine")
	}
}

// feed runs a program to its end, off the loop, gives it input and returns what it printed.
func feed(ctx context.Context, t *testing.T, input, name string, args ...string) string {
	t.Helper()
	out, err := aio.ToThread(ctx, func(ctx context.Context) ([]byte, error) {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Stdin = strings.NewReader(input)
		return cmd.CombinedOutput()
	})
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// nc sends all its input and the end of it before it reads a reply: the server must take the end of
// one direction for what it is.
func TestNetcatTalksToOurServer(t *testing.T) {
	needNetcat(t)
	input := strings.Repeat("to netcat and back\n", 20_000)
	serve := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		all, err := r.ReadAll(ctx)
		if err != nil {
			return err
		}
		w.Write(all)
		return w.Drain(ctx)
	}
	run(t, func(ctx context.Context) {
		listen(ctx, t, serve, func(address string) {
			host, port, _ := net.SplitHostPort(address)
			if got := feed(ctx, t, input, "nc", "-N", host, port); got != input {
				t.Errorf("over TCP nc got %d bytes, want the %d it sent", len(got), len(input))
			}
		})
		path := looptest.SocketPath(t)
		s, err := stream.Serve(ctx, "unix", path, serve)
		ok(t, err)
		if got := feed(ctx, t, input, "nc", "-N", "-U", path); got != input {
			t.Errorf("over a Unix socket nc got %d bytes, want the %d it sent", len(got), len(input))
		}
		s.Close()
		ok(t, s.WaitClosed(ctx))
	})
}

func TestOurClientTalksToNetcat(t *testing.T) {
	needNetcat(t)
	path := looptest.SocketPath(t)
	for _, c := range []struct {
		network string
		args    []string
		address func(p *program) string
	}{
		{"tcp", []string{"-l", "-v", "-n", "-N", "127.0.0.1", "0"}, func(p *program) string {
			return "127.0.0.1:" + p.says(`^Listening on \S+ (\d+)`)[1]
		}},
		{"unix", []string{"-l", "-v", "-N", "-U", path}, func(p *program) string {
			p.says(`^Listening on `)
			return path
		}},
	} {
		t.Run(c.network, func(t *testing.T) {
			p := start(t, "nc", c.args...)
			address := c.address(p)
			run(t, func(ctx context.Context) {
				r, w, err := stream.Open(ctx, c.network, address)
				ok(t, err)
				w.WriteString("from here\n")
				ok(t, aio.Blocking(ctx, func(context.Context) error {
					p.says("^from here\n")
					_, err := io.WriteString(p.stdin, "from there\n")
					return err
				}))
				line, err := r.ReadLine(ctx)
				expect(t, line, err, "from there\n")
				p.stdin.Close() // with which nc leaves
				if line, err := r.ReadLine(ctx); line != nil || err != io.EOF {
					t.Errorf("after the end of nc's input came %q, %v", line, err)
				}
				shut(ctx, t, w)
			})
		})
	}
}
