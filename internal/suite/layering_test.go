package suite_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/aio-go/aio"

// TestLayering holds the order of the packages: imports point one way, and the root stays free of what is not everybody's.
func TestLayering(t *testing.T) {
	t.Chdir(root)
	needGo(t)
	layers := []struct {
		pkg string
		own []string // the packages of this module that it may depend on
		not []string // packages of the standard library that it must not depend on
	}{
		{"coro", []string{"internal/errtree", "internal/goid", "internal/nocopy", "internal/safetext", "internal/stacktext"}, []string{"net", "crypto/tls", "os/exec", "log/slog", "context"}},
		{".", []string{"coro", "internal/errtree", "internal/flight", "internal/goid", "internal/inspect", "internal/list", "internal/nocopy", "internal/poll", "internal/prefetch", "internal/publish", "internal/ring", "internal/safetext", "internal/signals", "internal/stacktext", "internal/timeout", "internal/timerheap", "internal/unclosed", "internal/wallclock"}, []string{"net", "crypto/tls", "os/exec"}},
		{"aiosync", []string{".", "coro", "internal/"}, []string{"net", "os/exec"}},
		{"transport", []string{".", "coro", "aiosync", "internal/"}, []string{"net/http", "os/exec"}},
		{"aiofile", []string{".", "coro", "aiosync", "internal/"}, []string{"net", "os/exec"}},
		{"aiocache", []string{".", "coro", "aiosync", "internal/"}, []string{"net", "os/exec"}},
		{"aiolog", []string{".", "coro", "internal/"}, []string{"net", "os/exec"}},
		{"aiter", []string{".", "coro", "aiosync", "internal/"}, []string{"net", "os/exec"}},
		{"stream", []string{".", "coro", "aiosync", "transport", "internal/"}, []string{"net/http", "os/exec"}},
		{"aiotest", []string{".", "coro", "aiosync", "transport", "stream", "internal/"}, []string{"net/http"}},
		{"subprocess", []string{".", "coro", "aiosync", "transport", "stream", "internal/"}, []string{"net/http"}},
		{"aiosql", []string{".", "coro", "aiosync", "internal/"}, []string{"net/http", "os/exec"}},
		{"executor", []string{".", "coro", "aiosync", "transport", "stream", "internal/"}, []string{"net/http"}},
		{"recorder", []string{".", "coro", "internal/"}, []string{"net", "os/exec"}},
		{"monitor", []string{".", "coro", "recorder", "internal/"}, []string{"os/exec"}},
		{"aiohttp", []string{".", "coro", "aiosync", "transport", "stream", "internal/"}, []string{"os/exec"}},
	}
	for _, layer := range layers {
		t.Run(layer.pkg, func(t *testing.T) {
			path := "./" + layer.pkg
			out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", path).CombinedOutput()
			if err != nil {
				t.Fatalf("go list -deps %s: %v\n%s", path, err, out)
			}
			for dep := range strings.FieldsSeq(string(out)) {
				switch own, inside := strings.CutPrefix(dep, module); {
				case inside:
					own = strings.TrimPrefix(own, "/")
					if own == "" {
						own = "."
					}
					may := func(allowed string) bool {
						return own == allowed || strings.HasSuffix(allowed, "/") && strings.HasPrefix(own, allowed)
					}
					if own != layer.pkg && !slices.ContainsFunc(layer.own, may) {
						t.Errorf("%s depends on %s, which is not below it", layer.pkg, own)
					}
				case slices.Contains(layer.not, dep):
					t.Errorf("%s depends on %s", layer.pkg, dep)
				case strings.Contains(strings.SplitN(dep, "/", 2)[0], "."):
					t.Errorf("%s depends on %s, which is not in the standard library", layer.pkg, dep)
				}
			}
		})
	}
}

// Nothing in the library imports the examples or the bench, which are modules of their own.
func TestNothingInTheLibraryImportsExamplesOrBench(t *testing.T) {
	needGo(t)
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-test", "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(dep, module+"/examples") || strings.HasPrefix(dep, module+"/bench") {
			t.Errorf("the library depends on %s", dep)
		}
	}
}
