package monitor_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/looptest"
)

func TestMain(m *testing.M) {
	looptest.Parts["auto"] = auto
	looptest.Main(m)
}

// auto prints which sockets there are while loops run, between and after.
func auto() {
	show := func(when string) {
		found, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "aio", "*"))
		fmt.Print(when, ":")
		for _, name := range found {
			info, err := os.Lstat(name)
			if err != nil {
				panic(err)
			}
			name = strings.Replace(filepath.Base(name), fmt.Sprint(os.Getpid()), "PID", 1)
			fmt.Print(" ", name, " ", info.Mode())
		}
		fmt.Println()
	}
	show("before")
	for range 2 {
		_ = aio.Run(context.Background(), func(ctx context.Context) error {
			show("while")
			return nil
		})
		show("after")
	}
}

func TestTheVariableSwitchesTheMonitorOnWhileLoopsRun(t *testing.T) {
	for value, socket := range map[string]string{"1": " aio-PID.sock Srw-------", "cancel": " aio-PID.sock Srw-------", "0": "", "": ""} {
		dir, err := os.MkdirTemp("", "aio") // the path of a socket must be short
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		out, err := looptest.PlayPart(t, "auto", "AIO_MONITOR="+value, "XDG_RUNTIME_DIR="+dir)
		want := strings.ReplaceAll("before:\nwhileX\nafter:\nwhileX\nafter:\n", "X", ":"+socket)
		if err != nil || out != want {
			t.Errorf("%q: %v, it prints\n%s", value, err, out)
		}
		if info, err := os.Stat(filepath.Join(dir, "aio")); socket != "" && (err != nil || info.Mode().Perm() != 0o700) {
			t.Errorf("%q: the folder: %v, %v", value, info, err)
		}
	}
	if out, err := looptest.PlayPart(t, "auto", "AIO_MONITOR=yes"); err != nil || !strings.Contains(out, "it is none of 1, cancel and the absolute path of a socket") {
		t.Errorf("%v, %s", err, out)
	}
}

// Nothing is made in a folder that others may use.
func TestAFolderThatOthersMayUseIsNotUsed(t *testing.T) {
	dir, err := os.MkdirTemp("", "aio")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Mkdir(filepath.Join(dir, "aio"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "aio"), 0o777); err != nil {
		t.Fatal(err)
	}
	out, err := looptest.PlayPart(t, "auto", "AIO_MONITOR=1", "XDG_RUNTIME_DIR="+dir, "TMPDIR="+dir)
	if err != nil || strings.Contains(out, ".sock") {
		t.Errorf("%v, %s", err, out)
	}
}
