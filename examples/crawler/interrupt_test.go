package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

// The program says nothing until its end, so it is the site that knows when to interrupt it.
func TestCtrlCShowsWhatIsKnown(t *testing.T) { clitest.Signals(t, showsWhatIsKnown) }

func showsWhatIsKnown(t *testing.T, sig os.Signal) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be interrupted from outside here")
	}
	asked := make(chan struct{}, 1)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<title>Start</title><a href=slow>1</a>")
		case "/slow":
			asked <- struct{}{}
			<-r.Context().Done()
		default:
			http.NotFound(w, r)
		}
	}))
	defer site.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0], site.URL)
	cmd.Env = clitest.Child()
	var out, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-asked:
	case <-time.After(clitest.Patience):
		t.Error("the slow page was never asked for")
	}
	cmd.Process.Signal(sig)
	err := cmd.Wait()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != cli.Interrupted ||
		stderr.String() != "crawler: interrupted: 1 page visited, 1 still to be visited\n" {
		t.Errorf("%v, on stderr %q", err, stderr.String())
	}
	want := site.URL + "/  Start\n  /slow  (not visited)\n"
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("%s", out.String())
	}
}
