package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

var titles = clitest.Program(run)

// virtually runs the program on its own site under a virtual clock.
func virtually(t *testing.T, args ...string) string {
	t.Helper()
	s, err := parseFlags(args)
	if err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	p := &program{settings: s, Streams: cli.Streams{
		Out: &out,
		Err: &errs,
	}, log: newLog(&out, s.color), transport: aiohttp.Direct(podcast)}
	if err := aio.Run(t.Context(), p.main, aio.WithClock(aio.NewVirtualClock())); err != nil ||
		errs.String() != "" {
		t.Fatal(err, errs.String())
	}
	return out.String()
}

func TestAllPagesTakeAsLongAsTheSlowest(t *testing.T) {
	out := virtually(t)
	slowest, lines := time.Duration(0), strings.Split(strings.TrimSpace(out), "\n")
	for n := 185; n <= 199; n++ {
		slowest = max(slowest, delay(n))
		want := "Title found: Episode #" + fmt.Sprint(n) + ": " + topic(n)
		if topic(n) == "" {
			want = "Title found: MISSING"
		}
		for _, line := range []string{fmt.Sprint("Getting HTML for episode ", n),
			fmt.Sprint("Getting TITLE for episode ", n), want} {
			if !strings.Contains(out, line+"\n") {
				t.Errorf("no %q", line)
			}
		}
	}
	for i, line := range lines[:15] {
		if line != fmt.Sprint("Getting HTML for episode ", 185+i) {
			t.Errorf("line %d is %q: not all were asked at once", i, line)
		}
	}
	want := fmt.Sprintf("Program completed in %.5f seconds.\nDone.\n", slowest.Seconds())
	if !strings.HasSuffix(out, want) {
		t.Errorf("no %q in\n%s", want, out)
	}
	if again := virtually(t); again != out {
		t.Error("another run is different")
	}
}

func TestTheLimitIsKept(t *testing.T) {
	out := virtually(t, "-limit", "1", "-from", "1", "-to", "4")
	sum := delay(1) + delay(2) + delay(3) + delay(4)
	if want := fmt.Sprintf("in %.5f seconds", sum.Seconds()); !strings.Contains(out, want) {
		t.Errorf("no %q in\n%s", want, out)
	}
}

func TestTheProgramBringsItsOwnSite(t *testing.T) {
	got := titles.Run(t.Context(), "-to", "186")
	if got.Code != cli.OK || got.Err != "" ||
		strings.Count(got.Out, "Title found: Episode #18") != 2 || strings.Contains(got.Out, "\x1b") {
		t.Errorf("%+v", got)
	}
}

func TestAHeadingIsFoundInAnyPage(t *testing.T) {
	for page, want := range map[string]string{
		"<h1>Hello</h1>": "Hello",
		"<H1 class=x>\n  Hello,\n  <b>you</b>\n</H1>":                    "Hello, you",
		"<h1>Tom &amp; Jerry<br>return":                                  "Tom & Jerry return",
		"<h1>first</h1><h1>second</h1>":                                  "first",
		"<!-- <h1>no</h1> --><script>'<h1>no</h1>'</script><h1>yes</h1>": "yes",
		"<h1></h1>":  "MISSING",
		"<h2>x</h2>": "MISSING",
		"":           "MISSING",
		"no markup":  "MISSING",
	} {
		if got, err := heading(strings.NewReader(page)); got != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", page, got, err, want)
		}
	}
	if _, err := heading(iotest.ErrReader(errors.New("torn"))); err == nil || err.Error() != "torn" {
		t.Error(err)
	}
}

func TestPagesOfManyKinds(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/latin":
			w.Header().Set("Content-Type", "text/html; charset=iso-8859-1")
			io.WriteString(w, "<h1>caf\xe9</h1>")
		case "/endless":
			io.WriteString(w, "<h1>it is here</h1>")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case "/evil":
			io.WriteString(w, "<h1>\x1b[2Jgone</h1>")
		case "/moved":
			http.Redirect(w, r, "/latin", http.StatusFound)
		case "/empty":
		default:
			http.NotFound(w, r)
		}
	}))
	defer site.Close()
	args := []string{"-json"}
	want := map[string]string{
		"/latin":   "café",
		"/endless": "it is here",
		"/evil":    "\x1b[2Jgone",
		"/moved":   "café",
		"/empty":   "MISSING",
		"/none":    "",
	}
	for path := range want {
		args = append(args, site.URL+path)
	}
	got := titles.Run(t.Context(), args...)
	if got.Code != cli.Failed || got.Err != "" {
		t.Errorf("%+v", got)
	}
	lines := strings.Split(strings.TrimSpace(got.Out), "\n")
	for _, line := range lines {
		var p page
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatal(line, err)
		}
		path := strings.TrimPrefix(p.URL, site.URL)
		if p.Title != want[path] || (p.Error != "") != (path == "/none") {
			t.Errorf("%s: %+v", path, p)
		}
	}
	if len(lines) != len(want) {
		t.Errorf("%d lines", len(lines))
	}
	got = titles.Run(t.Context(), site.URL+"/evil", site.URL+"/none")
	if !strings.Contains(got.Out, "Title found: ?[2Jgone\n") || !strings.Contains(got.Out,
		"No title for "+site.URL+"/none: aiohttp: GET "+site.URL+"/none: 404 Not Found") {
		t.Errorf("%+v", got)
	}
}

func TestColoursAreForThoseWhoSeeThem(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if newLog(file, "auto").colour || newLog(&strings.Builder{}, "auto").colour ||
		newLog(file, "never").colour {
		t.Error("a file is coloured")
	}
	if out := virtually(t, "-color", "always", "-to", "185"); !strings.HasPrefix(out, yellow+
		"Getting HTML for episode 185"+plain+"\n"+cyan+"Getting TITLE for episode 185"+plain+"\n") {
		t.Errorf("%q", out)
	}
}

func TestAnInterruptEndsIt(t *testing.T) {
	asked := make(chan struct{}, 1)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			asked <- struct{}{}
			<-r.Context().Done()
		}
		io.WriteString(w, "<h1>quick</h1>")
	}))
	defer site.Close()
	p := titles.Start(t, site.URL+"/slow", site.URL+"/quick")
	p.Out.Await(t, "Title found: quick")
	<-asked
	if code := p.Stop(); code != cli.Interrupted ||
		p.Err.String() != "titles: interrupted: 1 of 2 pages looked at\n" {
		t.Errorf("code %d, %q", code, p.Err)
	}
}

func TestWhatAPageSaysIsSafeToShow(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/evil":
			fmt.Fprint(w, "<h1>a\u202eb\u009b\x1b[2J</h1>")
		case "/long":
			fmt.Fprint(w, "<h1>"+strings.Repeat("long ", 100_000)+"</h1>")
		case "/attributes":
			fmt.Fprint(w, "<h1 "+strings.Repeat("a ", 500_000)+">title</h1>")
		default:
			http.Error(w, "\x1b[2J\u202e", http.StatusNotFound)
		}
	}))
	defer site.Close()
	base := strings.Replace(site.URL, "//", "//anna:secret@", 1)
	for _, format := range []string{"-json", "-json=false"} {
		got := titles.Run(t.Context(), format, base+
			"/evil", base+"/long", base+"/attributes", base+"/none?token=hidden")
		if text := got.Out + got.Err; strings.ContainsAny(text, "\u202e\u009b\x1b") ||
			strings.Contains(text, ":secret") || len(text) > 10_000 || got.Code != cli.Failed {
			t.Errorf("%.3000q", text)
		}
	}
}

func TestAPageWithoutASchemeIsHTTP(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "<h1>here</h1>")
	}))
	defer site.Close()
	got := titles.Run(t.Context(), strings.TrimPrefix(site.URL, "http://")+"/x")
	if got.Code != cli.OK || !strings.Contains(got.Out, "Title found: here\n") {
		t.Errorf("%+v", got)
	}
}

func TestMistakesAreExplained(t *testing.T) {
	for line, want := range map[string]string{
		"-from 5 -to 4": "-from is 5 and -to is 4; they must be a range of numbers from 0",
		"-to 20000":     "-from 185 -to 20000 are 19816 numbers; 10,000 is the most",
		"-limit 0":      "-limit is 0; it must be at least 1",
		"-timeout -1s":  "-timeout is -1s; it must be more than 0",
		"-color pink":   `-color is "pink"; it must be auto, always or never`,
		"ftp://x/":      `"ftp://x/" is not the URL of a page; it must begin with http:// or https://`,
		"-x":            "flag provided but not defined: -x",
	} {
		got := titles.Run(t.Context(), strings.Fields(line)...)
		if got.Code != cli.BadUsage || got.Err != "titles: "+want+"\nTry titles -help.\n" {
			t.Errorf("%s: %+v", line, got)
		}
	}
	if got := titles.Run(t.Context(), "-help"); got.Code != cli.OK || got.Out != usage {
		t.Errorf("%+v", got)
	}
}
