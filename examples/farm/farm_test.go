package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
)

// The test binary is also the program that farm starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "-serve", "-work", "-submit":
			os.Exit(run(context.Background(), os.Args[1:], cli.Standard()))
		}
	}
	os.Exit(m.Run())
}

// farm runs the program.
func farm(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: &o, Err: &e})
	return code, o.String(), e.String()
}

// A parent that is killed cannot end its children, so they look after themselves.
func TestChildrenEndWithTheirParent(t *testing.T) {
	for _, role := range [][]string{
		{"-work", "nats://127.0.0.1:1"}, {"-serve", "127.0.0.1:0", "-dir", t.TempDir()},
	} {
		cmd := exec.Command(os.Args[0], append(role, "-child")...)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		in.Close()
		var ended *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &ended) || ended.ExitCode() != cli.Failed {
			t.Errorf("%v ended with %v", role, err)
		}
	}
}

func TestThePictureIsWholeThoughAWorkerWasKilled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.png")
	code, out, errs := farm(t, "-size", "256", "-depth", "50", "-kill", "-json", "-o", file)
	if code != cli.OK {
		t.Fatalf("code %d: %s", code, errs)
	}
	var r result
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Tiles != 16 || r.Killed != 1 {
		t.Errorf("%s: %v", out, err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	want := image.NewPaletted(image.Rect(0, 0, 256, 256), palette)
	for y := range 256 {
		for x := range 256 {
			want.SetColorIndex(x, y, shade(x, y, 256, 50))
			wr, wg, wb, _ := want.At(x, y).RGBA()
			if r, g, b, _ := got.At(x, y).RGBA(); r != wr || g != wg || b != wb {
				t.Fatalf("the pixel at %d, %d is %v, want %v", x, y, got.At(x, y), want.At(x, y))
			}
		}
	}
}

func TestTheAccountHasAMarkOfEachJob(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	code, out, errs := farm(t, "-account", "4s", "-jobs", "400", "-json")
	if code != cli.OK {
		t.Fatalf("code %d: %s%s", code, out, errs)
	}
	var c tally
	if err := json.Unmarshal([]byte(out), &c); err != nil || c.Done != 400 || c.Missing != 0 || c.Workers == 0 {
		t.Errorf("%s: %v", out, err)
	}
}

func TestTheCommandLine(t *testing.T) {
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"-help", cli.OK, ""},
		{"-size 3", cli.BadUsage, "-size is 3; it must be from 16 to 16384"},
		{"-kill -nats nats://h", cli.BadUsage, "do not go together"},
		{"-account 2h", cli.BadUsage, "at most 1h"},
		{"picture", cli.BadUsage, "picture"},
	} {
		code, _, errs := farm(t, strings.Fields(test.args)...)
		if code != test.code || !strings.Contains(errs, test.says) {
			t.Errorf("farm %s: code %d, %q", test.args, code, errs)
		}
	}
}
