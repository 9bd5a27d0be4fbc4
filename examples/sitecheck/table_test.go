package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

var update = flag.Bool("update", false, "write the files in testdata anew")

// golden compares got with a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
	}
}

// someRows are one of each kind.
func someRows() []*row {
	return []*row{
		{url: "https://example.test/", tries: 1, took: 250 * time.Millisecond, status: status{200, "OK"}},
		{url: "http://example.test/old", tries: 1, took: 1499600 * time.Microsecond,
			status: status{301, "Moved Permanently"}},
		{url: "http://example.test/bare", tries: 1, took: time.Millisecond, status: status{code: 204}},
		{url: "http://example.test/shaky", tries: 3, took: 12 * time.Millisecond,
			status: status{503, "Service Unavailable"}},
		{url: "http://example.test/slow", tries: 2, took: 10 * time.Second,
			err: &aio.TimeoutError{After: 10 * time.Second}},
		{url: "http://example.test/not-yet"},
		{url: "http://example.test/dead", tries: 1, err: fmt.Errorf("connect: %w", syscall.ECONNREFUSED)},
		{url: "http://example.test/evil", tries: 1, took: time.Millisecond,
			status: status{200, "\x1b[2Jgone"}},
		{url: "http://example.test/" +
			strings.Repeat("long/", 20), tries: 1, took: time.Millisecond, err: io.EOF},
		{url: "http://example.test/moved", tries: 1, took: time.Millisecond, status: status{200, "OK"},
			redirects: []redirect{{301, "https://example.test/"}, {302, "https://example.test/\x1b[2J"}}},
		{url: "http://example.test/odd", tries: 1, took: time.Minute, err: errors.New("something else")},
	}
}

func TestTheTableHasALineForEachSiteThatWasChecked(t *testing.T) {
	var out bytes.Buffer
	rows := someRows()
	writeTable(&out, rows)
	fmt.Fprintf(&out, "\n%v\n%v\n%v\n%v\n",
		count(rows), count(rows[:3]), count(rows[:1]), count(rows[6:8]))
	golden(t, "table.golden", out.Bytes())
}

func TestJSONHasAnObjectForEachSiteThatWasChecked(t *testing.T) {
	var out bytes.Buffer
	if err := writeJSON(&out, someRows()); err != nil {
		t.Fatal(err)
	}
	golden(t, "rows.golden.json", out.Bytes())
	for line := range bytes.Lines(out.Bytes()) {
		var object map[string]any
		if err := json.Unmarshal(line, &object); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		var keys []string
		for key := range object {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		want := []string{"error", "milliseconds", "reason", "redirects", "status", "url"}
		if !slices.Equal(keys, want) {
			t.Errorf("the fields are %v, want %v", keys, want)
		}
	}
}

func TestProgressTellsHowFarTheCheckIs(t *testing.T) {
	rows := someRows()
	for n, want := range map[int]string{
		3:  "3 of 3 sites checked",
		11: "10 of 11 sites checked, 4 failed",
	} {
		if got := progress(rows[:n]); got != want {
			t.Errorf("progress: %q, want %q", got, want)
		}
	}
}

func TestDurationsAreWrittenAsOneWouldTypeThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		50 * time.Millisecond:   "50ms",
		10 * time.Second:        "10s",
		90 * time.Second:        "1m30s",
		2 * time.Minute:         "2m",
		time.Hour:               "1h",
		time.Hour + time.Second: "1h0m1s",
	} {
		if got := shortDuration(d); got != want {
			t.Errorf("shortDuration(%v) = %s, want %s", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		4400 * time.Microsecond: "4 ms",
		520 * time.Millisecond:  "0.52 s",
		3509 * time.Millisecond: "3.51 s",
	} {
		if got := seconds(d); got != want {
			t.Errorf("seconds(%v) = %s, want %s", d, got, want)
		}
	}
}
