package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"

	"github.com/aio-go/aio/examples/internal/cli"
)

func TestTheCommandLineIsRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sites.txt")
	if err := os.WriteFile(file, []byte("# mine\nhttp://a.test/\n\n  http://b.test/  "+
		"\r\n#http://c.test/\nhttp://d.test/"), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := settings{limit: 100, method: "GET", redirects: 10, timeout: 10 * time.Second}
	for _, test := range []struct {
		args  string
		stdin string
		want  func(s *settings)
	}{
		{"", "", func(*settings) {}},
		{"u v", "", func(s *settings) { s.urls = []string{"u", "v"} }},
		{"-limit 7 u -json v -timeout=1m", "", func(s *settings) {
			s.urls, s.limit, s.json, s.timeout = []string{"u", "v"}, 7, true, time.Minute
		}},
		{"--sequential --insecure --retries 2 u", "", func(s *settings) {
			s.urls, s.sequential, s.insecure, s.retries = []string{"u"}, true, true, 2
		}},
		{"u -f " + file, "", func(s *settings) {
			s.urls = []string{"u", "http://a.test/", "http://b.test/", "http://d.test/"}
		}},
		{"-f -", "x\ny\n", func(s *settings) { s.urls = []string{"x", "y"} }},
		{"-method HEAD -redirects 0 -perhost 3 u", "", func(s *settings) {
			s.urls, s.method, s.redirects, s.perHost = []string{"u"}, "HEAD", 0, 3
		}},
		{"-json -- -u", "", func(s *settings) { s.urls, s.json = []string{"-u"}, true }},
	} {
		want := plain
		test.want(&want)
		got, err := parseFlags(strings.Fields(test.args), strings.NewReader(test.stdin))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v, want %+v", test.args, got, err, want)
		}
	}
}

func TestMistakesInTheCommandLineAreExplained(t *testing.T) {
	for args, want := range map[string]string{
		"-speed 7":                "flag provided but not defined: -speed",
		"-net u":                  "-net and u do not go together",
		"-limit 0 u":              "-limit is 0; it must be at least 1",
		"-perhost -1 u":           "-perhost is -1; it must be at least 0",
		"-redirects -1 u":         "-redirects is -1; it must be at least 0",
		"-method get u":           `-method is "get"; it must be one that can be asked of a site, such as GET or HEAD`,
		"-method CONNECT u":       `-method is "CONNECT"; it must be one that can be asked of a site, such as GET or HEAD`,
		"u -timeout 0s":           "-timeout is 0s; it must be more than 0",
		"u -retries -1":           "-retries is -1; it must be at least 0",
		"-timeout soon":           `invalid value "soon" for flag -timeout: it must be a time with its unit, as in 500ms`,
		"-f testdata/none.txt":    "open testdata/none.txt: " + syscall.ENOENT.Error(),
		"-f -":                    "there is no URL in -",
		"-f testdata/nothing.txt": "there is no URL in testdata/nothing.txt",
	} {
		got := sitecheck(t.Context(), strings.Fields(args)...)
		if got.code != wrongUsage || got.out != "" ||
			got.err != "sitecheck: "+want+"\nTry sitecheck -help.\n" {
			t.Errorf("%q: %+v, want %s", args, got, want)
		}
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	for _, arg := range []string{"-h", "-help", "--help"} {
		got := sitecheck(t.Context(), "http://example.test/", arg)
		if got.code != allAnswered || got.out != usage || got.err != "" {
			t.Errorf("%s: %+v", arg, got)
		}
	}
	for _, name := range []string{"-f FILE", "-limit N", "-timeout TIME", "-retries N", "-json",
		"-insecure", "-sequential", "-perhost N", "-method METHOD", "-redirects N", "unix:/"} {
		if !strings.Contains(usage, name) {
			t.Errorf("the help does not tell of %s", name)
		}
	}
	if _, err := parseFlags([]string{"-h"}, nil); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("parseFlags(-h): %v", err)
	}
}

func TestProgressIsShownOnATerminalAlone(t *testing.T) {
	url := "http://" + newVillage(t).serve(isWell) + "/"
	var line strings.Builder
	code := run(t.Context(), []string{url}, streams{out: io.Discard, err: io.Discard, progress: &line})
	if got := line.String(); code != allAnswered || !strings.HasPrefix(got, clearLine+
		"0 of 1 sites checked ...") || !strings.HasSuffix(got, clearLine) {
		t.Errorf("exit code %d, progress %q", code, got)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if isTerminal(file) {
		t.Error("a file is taken for a terminal")
	}
}

func TestACheckThatIsCancelledKeepsItsRows(t *testing.T) {
	v := newVillage(t)
	rows := newRows([]string{"http://" + v.serve(isWell) +
		"/", "http://" + v.serve(saysNothing) + "/"})
	for name, way := range map[string]func(*survey, context.Context, []*row) error{
		"one after the other": (*survey).oneAfterTheOther,
		"all at once":         (*survey).allAtOnce,
	} {
		*rows[0], *rows[1] = row{url: rows[0].url}, row{url: rows[1].url}
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				check := g.Go(func(ctx context.Context) error {
					return way(&survey{limit: 2, timeout: time.Hour}, ctx, rows)
				})
				for rows[0].tries == 0 {
					if err := aio.Sleep(ctx, time.Millisecond); err != nil {
						return err
					}
				}
				check.Cancel(errors.New("enough"))
				if _, err := check.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
					t.Errorf("%s: the check ended with %v", name, err)
				}
				return nil
			})
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if rows[0].err != nil || rows[0].status.code != 200 || rows[1].tries != 0 {
			t.Errorf("%s: rows %+v, %+v", name, *rows[0], *rows[1])
		}
	}
}

func TestTheRealSitesAreAskedOnlyWithNet(t *testing.T) {
	for line, want := range map[string]bool{"": false, "-sequential": false, "-net": true,
		"-net -json": true} {
		s, err := parseFlags(strings.Fields(line), nil)
		if err != nil || s.net != want || len(s.urls) > 0 {
			t.Errorf("%q: %+v, %v", line, s, err)
		}
	}
	for _, site := range realSites {
		if _, err := cli.WebURL(site); err != nil {
			t.Errorf("%s: %v", site, err)
		}
	}
}
