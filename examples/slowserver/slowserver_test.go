package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

var program = clitest.Program(run)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true},
		Timeout:   clitest.Patience,
	}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestFlagsAreServed(t *testing.T) {
	p := program.Start(t, "-addr", "127.0.0.1:0", "-delay", "0-1ms")
	url, rest, _ := strings.Cut(p.Out.Await(t, "Serving on "), ", ")
	if want := "with delays of 0s to 1ms and 0 % errors. Ctrl-C ends it."; rest != want {
		t.Errorf("it says %q, want %q", rest, want)
	}
	if status, body := get(t, url+"de/de.gif"); status != 200 || !strings.HasPrefix(body, "GIF8") {
		t.Errorf("a flag: %d %.10q", status, body)
	}
	if status, body := get(t, url+"fr/metadata.json"); status != 200 ||
		body != `{"country":"France","iso_cc":"FR"}`+"\n" {
		t.Errorf("about a country: %d %q", status, body)
	}
	if status, body := get(t, url); status != 200 || !strings.Contains(body, `src="/ci/ci.gif"`) ||
		!strings.Contains(body, "Côte d&#39;Ivoire") {
		t.Errorf("the page of all flags: %d %.300q", status, body)
	}
	if status, _ := get(t, url+"zz/zz.gif"); status != 404 {
		t.Errorf("no flag: %d", status)
	}
	p.Out.Await(t, ` s  GET "/zz/zz.gif"`)
	if code := p.Stop(); code != cli.OK || p.Err.String() != "" ||
		!strings.HasSuffix(p.Out.String(), "\n\n4 requests answered, up to 1 at the same time.\n") {
		t.Errorf("exit code %d, %q, %q", code, p.Out, p.Err)
	}
}

func TestAFolderIsServedWithErrors(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	for rate, want := range map[string]int{"0": 200, "1": 418} {
		p := program.Start(t, "-root", dir, "-addr", "127.0.0.1:0", "-delay", "0", "-error-rate", rate,
			"-quiet", "-seed", "0")
		url, _, _ := strings.Cut(p.Out.Await(t, "Serving on "), ", ")
		if status, body := get(t, url+"a.txt"); status != want {
			t.Errorf("error rate %s: %d %q", rate, status, body)
		}
		if p.Stop(); strings.Contains(p.Out.String(), "GET") {
			t.Errorf("it is not quiet: %q", p.Out)
		}
	}
}

func TestAUnixSocketIsServed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	p := program.Start(t, "-addr", "unix:"+path)
	p.Out.Await(t, "Serving on unix:"+path+", ")
}

func TestMistakesAreExplained(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"-speed 7":         "flag provided but not defined: -speed",
		"8001 8002":        `there is nothing to do with "8002"; one port is expected at most`,
		"65536":            `there is no port "65536"; it must be from 0 to 65535`,
		"http":             `there is no port "http"; it must be from 0 to 65535`,
		"-addr x:1 8001":   "-addr names the port already; it excludes -b and a port",
		"-addr x:1 -b y":   "-addr names the port already; it excludes -b and a port",
		"-e 25":            "-error-rate is 25; it must be from 0 to 1",
		"-d /nowhere/x":    "-root: stat /nowhere/x: ",
		"-delay soon":      `-delay: "soon" is no range of delays; write it as in 500ms-5s`,
		"-error-rate 25":   "-error-rate is 25; it must be from 0 to 1",
		"-error-rate NaN":  "-error-rate is NaN; it must be from 0 to 1",
		"-root " + file:    "-root: " + file + " is no folder",
		"-seed -1":         `invalid value "-1" for flag -seed: parse error`,
		"-root /nowhere/x": "-root: stat /nowhere/x: ",
	} {
		got := program.Run(t.Context(), strings.Fields(args)...)
		if got.Code != cli.BadUsage || got.Out != "" || !strings.HasPrefix(got.Err, "slowserver: "+
			want) || !strings.HasSuffix(got.Err, "\nTry slowserver -help.\n") {
			t.Errorf("%q: %+v, want %s", args, got, want)
		}
	}
	if got := program.Run(t.Context(), "-h"); got.Code != cli.OK || got.Out != usage {
		t.Errorf("-h: %+v", got)
	}
	if got := program.Run(t.Context(), "-addr", "127.0.0.1:nowhere"); got.Code != cli.Failed ||
		!strings.HasPrefix(got.Err, "slowserver: listen") {
		t.Errorf("%+v", got)
	}
}

func TestCtrlCAndSIGTERMEndTheServer(t *testing.T) {
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, "Serving on ", "-addr", "127.0.0.1:0")
		if got.Code != cli.OK || !strings.HasSuffix(got.Out,
			"\n0 requests answered, up to 0 at the same time.\n") || got.Err != "" {
			t.Errorf("%+v", got)
		}
	})
}

func TestItTakesTheOptionsOfTheOriginal(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		"-b 127.0.0.1 -d " + dir +
			" -e 1 0", "--bind=127.0.0.1 --directory " + dir + " --error-rate 1 0", "0 -e 1 -d " + dir,
	} {
		p := program.Start(t, append(strings.Fields(args), "-delay", "0")...)
		url, rest, _ := strings.Cut(p.Out.Await(t, "Serving on "), ", ")
		if !strings.HasPrefix(url, "http://127.0.0.1:") || strings.HasSuffix(url, ":8001/") ||
			rest != "with delays of 0s to 0s and 100 % errors. Ctrl-C ends it." {
			t.Errorf("%s: on %s, %s", args, url, rest)
		}
		if status, _ := get(t, url+"a.txt"); status != 418 {
			t.Errorf("%s: status %d", args, status)
		}
		p.Stop()
		if !strings.HasSuffix(p.Out.String(), "\n1 request answered, up to 1 at the same time.\n") {
			t.Errorf("%s: %q", args, p.Out)
		}
	}
	for args, want := range map[string]string{
		"":               "127.0.0.1:8001",
		"9000":           "127.0.0.1:9000",
		"-b ::":          "[::]:8001",
		"-b [::1] 7":     "[::1]:7",
		"-b localhost 0": "localhost:0",
		"-addr unix:/x":  "unix:/x",
	} {
		s, err := parseFlags(strings.Fields(args))
		if err != nil || s.addr != want {
			t.Errorf("%q: %s, %v, want %s", args, s.addr, err, want)
		}
	}
}
