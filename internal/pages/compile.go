package pages

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aio-go/aio/internal/looptest"
)

// Vet compiles programs as those do who paste them into a main.go: each in a folder of a module of
// its own, which requires this library and nothing else. root is the folder of the library. One
// command checks all of them.
func Vet(t *testing.T, root string, programs map[string]string) {
	t.Helper()
	looptest.NeedGo(t)
	library, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module pasted\n\ngo 1.26.0\n\nrequire github.com/aio-go/aio v0.0.0\n\n"+
		"replace github.com/aio-go/aio => "+library+"\n")
	for name, text := range programs {
		write(filepath.Join(name, "main.go"), text)
	}
	cmd := exec.CommandContext(t.Context(), "go", "vet", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, strings.TrimSpace(string(out)))
	}
}
