package flagkittest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/examples/internal/flagart"
)

// interrupt sends an interrupt to the program, in a process of its own, when it has one flag and
// waits for another.
func (s Suite) interrupt(t *testing.T) { clitest.Signals(t, s.interruptBy) }

func (s Suite) interruptBy(t *testing.T, sig os.Signal) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be interrupted from outside here")
	}
	asked := make(chan struct{}, 1)
	files := http.FileServerFS(flagart.Files())
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fr/fr.gif" {
			asked <- struct{}{}
			<-r.Context().Done()
			return
		}
		files.ServeHTTP(w, r)
	}))
	defer site.Close()

	ctx, cancel := context.WithTimeout(t.Context(), clitest.Patience)
	defer cancel()
	dir := t.TempDir()
	cmd := exec.CommandContext(ctx, os.Args[0], "-v", "-timeout", "1h", "-s", site.URL, "-o", dir,
		"de", "fr", "-m", "2")
	cmd.Env = clitest.Child()
	out := clitest.NewConsole()
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = out, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.Await(t, "DE  ")
	select {
	case <-asked:
	case <-ctx.Done():
		t.Error("the program has not asked for both flags")
	}
	cmd.Process.Signal(sig)
	err := cmd.Wait()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != cli.Interrupted {
		t.Errorf("the program ended with %v, want exit code %d", err, cli.Interrupted)
	}
	if want := fmt.Sprintf("%s: interrupted\n", s.Program.Name); stderr.String() != want {
		t.Errorf("on stderr %q, want %q", stderr.String(), want)
	}
	if got := out.String(); !strings.Contains(got, "1 of 2 flags downloaded in ") ||
		!strings.HasSuffix(got, "\n  not done     1   FR\n") {
		t.Errorf("the output is\n%s", got)
	}
	compare(t, readFolder(t, dir), s.files(t, "DE"))
}
