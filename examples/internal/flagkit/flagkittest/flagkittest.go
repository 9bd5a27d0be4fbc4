// Package flagkittest has the tests that every program that downloads flags has to pass.
package flagkittest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/examples/internal/flagart"
	"github.com/aio-go/aio/examples/internal/flagkit"
	"github.com/aio-go/aio/examples/internal/slowserver"
)

// Suite is a program and its peculiarities.
type Suite struct {
	Program  *flagkit.Program
	FileName func(c flagart.Country) string
	Requests []string // for one flag, as formats for the code in small letters
}

func (s Suite) run(ctx context.Context, args ...string) clitest.Outcome {
	return clitest.Program(s.Program.Run).Run(ctx, args...)
}

// All runs the tests.
func (s Suite) All(t *testing.T) {
	t.Run("without arguments the popular flags are downloaded", s.popular)
	t.Run("every code is accounted for, and the limit is kept", s.account)
	t.Run("the clock decides how long it takes", s.duration)
	t.Run("the same run under the virtual clock is identical each time", s.identical)
	t.Run("a full disk leaves no part of a file", s.fullDisk)
	t.Run("Ctrl-C leaves a whole state and the count so far", s.interrupt)
}

// files are the flags that a folder has to have, by name.
func (s Suite) files(t *testing.T, codes ...string) map[string]string {
	t.Helper()
	want := map[string]string{}
	for _, code := range codes {
		c, ok := flagart.Lookup(code)
		if !ok {
			t.Fatalf("no country %s", code)
		}
		image, err := c.GIF()
		if err != nil {
			t.Fatal(err)
		}
		want[s.FileName(c)] = string(image)
	}
	return want
}

// readFolder returns the files in a folder and their content.
func readFolder(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(data)
	}
	return files
}

// compare tells which files are missing, or should not be there.
func compare(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, data := range got {
		if other, ok := want[name]; !ok || other != data {
			t.Errorf("%s should not be there, or not like this (%d bytes)", name, len(data))
		}
	}
	for name := range want {
		if _, ok := got[name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
}

func (s Suite) popular(t *testing.T) {
	dir := t.TempDir()
	got := s.run(t.Context(), "-o", dir, "-delay", "0-2ms")
	if got.Code != cli.OK || got.Err != "" ||
		!strings.Contains(got.Out, "20 of 20 flags downloaded in ") {
		t.Errorf("%+v", got)
	}
	compare(t, readFolder(t, dir), s.files(t,
		strings.Fields("BD BR CD CN DE EG ET FR ID IN IR JP MX NG PH PK RU TR US VN")...))
}

// Account is what -json prints.
type Account struct {
	Asked    int `json:"asked"`
	OK       int `json:"ok"`
	NotFound int `json:"not_found"`
	Failed   int `json:"error"`
	NotDone  int `json:"not_done"`
	AtOnce   int `json:"at_once"`
	Seconds  float64
	Codes    []struct {
		Code, Status, File, Error string
		Milliseconds              float64
	}
}

func readAccount(t *testing.T, o clitest.Outcome) Account {
	t.Helper()
	var a Account
	if err := json.Unmarshal([]byte(o.Out), &a); err != nil {
		t.Fatalf("%v in %+v", err, o)
	}
	return a
}

// account downloads 200 flags from a server on the network, with errors, and once more from memory.
func (s Suite) account(t *testing.T) {
	const limit = 30
	mood := slowserver.Mood{MaxDelay: 20 * time.Millisecond, ErrorRate: 0.25, Seed: 11}
	server := &slowserver.Server{Files: flagart.Files(), Mood: mood}
	ctx, cancel := context.WithCancel(t.Context())
	addr, done := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(done)
		aio.Run(ctx, func(ctx context.Context) error {
			l, err := server.Listen(ctx, "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			addr <- l.Addr().String()
			return l.ServeForever(ctx)
		})
	}()
	defer func() { cancel(); <-done }()

	dir := t.TempDir()
	common := []string{"-a", "-l", "200", "-m", fmt.Sprint(limit), "-json"}
	got := s.run(ctx, append(common, "-o", dir, "-s", "http://"+<-addr)...)
	a := readAccount(t, got)
	if got.Code != cli.Failed || a.Asked != 200 || len(a.Codes) != 200 || a.OK+a.Failed != 200 ||
		a.NotFound+a.NotDone != 0 || a.OK < 80 || a.Failed < 30 {
		t.Errorf("exit code %d, %d codes, %+v", got.Code, len(a.Codes), a)
	}
	if a.AtOnce > limit || a.AtOnce < 2 {
		t.Errorf("%d requests at the same time, want at most %d", a.AtOnce, limit)
	}
	compareCodes := map[string]string{}
	var whole []string
	for _, c := range a.Codes {
		compareCodes[c.Code] = c.Status + c.File + c.Error
		if c.Status == "ok" {
			whole = append(whole, c.Code)
		}
	}
	compare(t, readFolder(t, dir), s.files(t, whole...))

	// From memory, with the same seed, the same flags fail.
	memory := readAccount(t, s.run(ctx, append(common, "-virtual", "-o", t.TempDir(), "-delay",
		"0-20ms", "-error-rate", "0.25", "-seed", "11")...))
	for _, c := range memory.Codes {
		if was := compareCodes[c.Code]; was != c.Status+c.File+c.Error {
			t.Errorf("%s is %+v from memory, %s over the network", c.Code, c, was)
		}
	}
	cancel()
	<-done
	if st := server.Statistics(); st.AtOnce > limit {
		t.Errorf("the server had %d requests at the same time, want at most %d", st.AtOnce, limit)
	}
}

// duration downloads 200 flags all at once: that takes as long as the slowest of them, to the
// millisecond. With one request at a time it takes as long as all together, but none of them longer
// than before.
func (s Suite) duration(t *testing.T) {
	mood := slowserver.Mood{
		MinDelay:  500 * time.Millisecond,
		MaxDelay:  5 * time.Second,
		ErrorRate: 0.25,
		Seed:      5,
	}
	var slowest time.Duration
	for _, c := range flagart.All()[:200] {
		var all time.Duration
		for _, request := range s.Requests {
			delay, fails := mood.Turn(fmt.Sprintf(request, strings.ToLower(c.Code)), 0)
			if all += delay; fails {
				break
			}
		}
		slowest = max(slowest, all)
	}
	a := readAccount(t,
		s.run(t.Context(), "-a", "-l", "200", "-m", "200", "-virtual", "-json", "-o", t.TempDir(),
			"-delay", "500ms-5s", "-error-rate", "0.25", "-seed", "5"))
	took := time.Duration(a.Seconds * float64(time.Second)).Round(time.Millisecond)
	if took != slowest.Round(time.Millisecond) || a.AtOnce != 200 {
		t.Errorf("%v, up to %d at once; want %v, the time of the slowest, and 200",
			took, a.AtOnce, slowest)
	}
	one := readAccount(t, s.run(t.Context(), "-m", "1", "-virtual", "-json", "-o", t.TempDir(),
		"-delay", "1s", "DE", "FR", "IT"))
	if requests := float64(len(s.Requests)); one.Seconds != 3*requests || one.AtOnce != 1 ||
		one.Codes[2].Milliseconds != 1000*requests {
		t.Errorf("one at a time: %+v", one)
	}
}

func (s Suite) identical(t *testing.T) {
	run := func() (clitest.Outcome, map[string]string) {
		dir := t.TempDir()
		got := s.run(t.Context(), "-v", "-a", "-l", "100", "-m", "7", "-virtual", "-o", dir,
			"-delay", "1s-2s", "-error-rate", "0.25", "-seed", "3")
		return got, readFolder(t, dir)
	}
	first, files := run()
	if lines := strings.Count(first.Out, "\n"); lines < 100 {
		t.Errorf("%d lines:\n%s", lines, first.Out)
	}
	for range 19 {
		again, others := run()
		if again != first || !maps.Equal(files, others) {
			t.Fatalf("first\n%+v\nthen\n%+v", first, again)
		}
	}
}

// fullDisk downloads to a disk with room for a few files.
func (s Suite) fullDisk(t *testing.T) {
	dir := smallDisk(t)
	a := readAccount(t, s.run(t.Context(), "-a", "-json", "-o", dir, "-delay", "0-5ms", "-m", "20"))
	if a.OK == 0 || a.Failed == 0 || a.OK+a.Failed != a.Asked {
		t.Errorf("%+v", a)
	}
	var whole []string
	for _, c := range a.Codes {
		if c.Status == "ok" {
			whole = append(whole, c.Code)
		} else if !strings.Contains(c.Error, "no space left") {
			t.Errorf("%+v, want that the disk is full", c)
		}
	}
	compare(t, readFolder(t, dir), s.files(t, whole...))
}
