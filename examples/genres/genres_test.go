package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

var genres = clitest.Program(run)

// names returns the names of all files below dir, hidden ones too.
func names(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			name, _ := filepath.Rel(dir, path)
			all = append(all, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Under a virtual clock the times are exact: the sum of all delays, and the longest of them.
func TestOneAfterTheOtherTakesTheSumAndAllAtOnceTheLongest(t *testing.T) {
	var out, errs strings.Builder
	s, err := parseFlags([]string{"-o", t.TempDir(), "-n", "20"})
	if err != nil {
		t.Fatal(err)
	}
	p := &program{settings: s, Streams: cli.Streams{
		Out: &out,
		Err: &errs,
	}, transport: aiohttp.Direct(genrenator)}
	if err := aio.Run(t.Context(), p.main, aio.WithClock(aio.NewVirtualClock())); err != nil {
		t.Fatal(err)
	}
	var sum, longest time.Duration
	for n := range 20 {
		sum, longest = sum+delay(n), max(longest, delay(n))
	}
	for _, want := range []string{
		fmt.Sprintf("Time to complete synchronous read/writes: %.2f seconds\n", sum.Seconds()),
		fmt.Sprintf("Time to complete asynchronous read/writes: %.2f seconds\n", longest.Seconds()),
		fmt.Sprintf("All at once is %.1f times as fast.\n", float64(sum)/float64(longest)),
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if errs.String() != "" || p.counts != (counts{40, 40, 0}) {
		t.Errorf("on stderr %q, %v", errs.String(), p.counts)
	}
	for _, folder := range []string{"sync", "async"} {
		if got := names(t, filepath.Join(s.dir, folder)); len(got) != 20 {
			t.Errorf("files in %s: %v", folder, got)
		}
		for n := range 20 {
			text, err := os.ReadFile(filepath.Join(s.dir, folder, fmt.Sprintf("new_file%d.txt", n)))
			if err != nil || string(text) != genre(n) {
				t.Errorf("document %d is %q, %v; want %q", n, text, err, genre(n))
			}
		}
	}
}

func TestTheProgramBringsItsOwnServer(t *testing.T) {
	dir := t.TempDir()
	got := genres.Run(t.Context(), "-n", "3", "-o", dir, "-way", "async")
	if got.Code != cli.OK || got.Err != "" || !strings.HasPrefix(got.Out, "Starting...\nWriting '") ||
		len(names(t, dir)) != 3 {
		t.Errorf("%+v, files %v", got, names(t, dir))
	}
}

func TestFailuresConcernTheirDocumentOnly(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/0":
			fmt.Fprint(w, `"smooth \u001b[31m jazz"`)
		case "/1":
			fmt.Fprint(w, `{"genre": "polka"}`)
		case "/2":
			fmt.Fprint(w, `no JSON`)
		default:
			http.Error(w, "there is no more music", http.StatusNotFound)
		}
	}))
	defer site.Close()
	dir := t.TempDir()
	for _, way := range []string{"sync", "async"} {
		got := genres.Run(t.Context(), "-n", "4", "-o", dir, "-way", way, site.URL+"/{n}")
		if got.Code != cli.Failed ||
			!strings.HasSuffix(got.Err, "genres: 2 of 4 documents written, 2 failed\n") {
			t.Errorf("%+v", got)
		}
		for _, want := range []string{"new_file2.txt: aiohttp: the body of",
			"new_file3.txt: aiohttp: GET " + site.URL + "/3: 404 Not Found: there is no more music"} {
			if !strings.Contains(got.Err, want) {
				t.Errorf("no %q in %q", want, got.Err)
			}
		}
		if !strings.Contains(got.Out, "Writing 'smooth ?[31m jazz'") ||
			strings.Contains(got.Out, "\x1b") {
			t.Errorf("%q", got.Out)
		}
		files := strings.Join(names(t, filepath.Join(dir, way)), " ")
		if files != "new_file0.txt new_file1.txt" {
			t.Errorf("files: %s", files)
		}
		text, _ := os.ReadFile(filepath.Join(dir, way, "new_file1.txt"))
		if string(text) != `{"genre": "polka"}` {
			t.Errorf("an object became %q", text)
		}
	}
	got := genres.Run(t.Context(), "-json", "-n", "4", "-o", dir, "-way", "sync", site.URL+"/{n}")
	lines := strings.Split(strings.TrimSpace(got.Out), "\n")
	for i, line := range lines {
		var d struct{ Way, File, Text, Error string }
		if err := json.Unmarshal([]byte(line), &d); err != nil || d.Way != "synchronous" ||
			(d.Error == "") != (i < 2) {
			t.Errorf("line %d: %s, %v", i, line, err)
		}
	}
	if len(lines) != 4 {
		t.Errorf("%d lines", len(lines))
	}
}

func TestTimesOfDocumentsThatDidNotComeAreNotCompared(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:1/{n}", "127.0.0.1:1/{n}"} {
		got := genres.Run(t.Context(), "-n", "3", "-retries", "0", "-o", t.TempDir(), url)
		if got.Code != cli.Failed || strings.Contains(got.Out, "times as fast") ||
			!strings.HasSuffix(got.Out, "\nThe times tell nothing: 6 documents not written.\n") {
			t.Errorf("%s: %+v", url, got)
		}
	}
}

func TestWhatAServerSaysIsSafeToShow(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/0" {
			fmt.Fprint(w, "\"a\u202eb\u009b\"")
			return
		}
		http.Error(w, "\x1b[2J\u202e", http.StatusNotFound)
	}))
	defer site.Close()
	for _, format := range []string{"-json", "-json=false"} {
		got := genres.Run(t.Context(), format, "-way", "sync", "-n", "2", "-o", t.TempDir(),
			strings.Replace(site.URL, "//", "//anna:secret@", 1)+"/{n}?token=hidden")
		if text := got.Out + got.Err; strings.ContainsAny(text, "\u202e\u009b\x1b") ||
			strings.Contains(text, "secret") || strings.Contains(text, "hidden") || got.Code != cli.Failed {
			t.Errorf("%q", text)
		}
	}
}

func TestAnInterruptLeavesWholeFilesOnly(t *testing.T) {
	asked := make(chan struct{}, 1)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `"quick`)
		if r.URL.Path == "/0" {
			fmt.Fprint(w, ` one"`)
			return
		}
		w.(http.Flusher).Flush()
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer site.Close()
	for _, way := range []string{"sync", "async"} {
		dir := t.TempDir()
		p := genres.Start(t, "-n", "2", "-o", dir, "-way", way, site.URL+"/{n}")
		p.Out.Await(t, "Writing 'quick one'")
		<-asked
		if code := p.Stop(); code != cli.Interrupted ||
			p.Err.String() != "genres: interrupted: 1 of 2 documents written, 0 failed\n" {
			t.Errorf("code %d, %q", code, p.Err)
		}
		if got := strings.Join(names(t, dir), " "); got != way+"/new_file0.txt" {
			t.Errorf("files: %s", got)
		}
	}
}

func TestMistakesAreExplained(t *testing.T) {
	for line, want := range map[string]string{
		"-n 0":          "-n is 0; it must be at least 1",
		"-limit 0":      "-limit is 0; it must be at least 1",
		"-timeout 0s":   "-timeout is 0s; it must be more than 0",
		"-retries -1":   "-retries is -1; it must be at least 0",
		"-way slow":     `-way is "slow"; it must be sync, async or both`,
		"-o= http://x/": "-o is empty; it must name a folder",
		"a b":           "there is more than one URL: a b",
		"ftp://x":       `"ftp://x" is not the URL of a website; it must begin with http:// or https://`,
		"-x":            "flag provided but not defined: -x",
	} {
		got := genres.Run(t.Context(), strings.Fields(line)...)
		if got.Code != cli.BadUsage || got.Err != "genres: "+want+"\nTry genres -help.\n" {
			t.Errorf("%s: %+v", line, got)
		}
	}
	if got := genres.Run(t.Context(), "-help"); got.Code != cli.OK || got.Out != usage {
		t.Errorf("%+v", got)
	}
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o666)
	if got := genres.Run(context.Background(), "-o", file); got.Code != cli.Failed ||
		!strings.Contains(got.Err, file) {
		t.Errorf("a file as folder: %+v", got)
	}
}

func TestLinesForMachinesThatCannotBeWrittenAreAFailure(t *testing.T) {
	var errs strings.Builder
	code := run(t.Context(), []string{"-json", "-n", "2", "-o", t.TempDir()}, cli.Streams{
		Out: fullDisk{},
		Err: &errs,
	})
	if code != cli.Failed || errs.String() != "genres: "+syscall.ENOSPC.Error()+"\n" {
		t.Errorf("code %d, printed %q", code, errs.String())
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }
