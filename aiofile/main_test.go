package aiofile_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
)

// partVariable names the part that this binary plays when a test starts it again.
const partVariable = "AIOFILE_TEST_PART"

// parts are filled in by the files that need them.
var parts = map[string]func(){}

// TestMain fails if the tests leave goroutines or descriptors behind.
func TestMain(m *testing.M) {
	if part := parts[os.Getenv(partVariable)]; part != nil {
		part()
		return
	}
	leaktest.Main(m)
}

var (
	errBoom   = errors.New("boom")
	errReason = errors.New("the reason")
)

// run runs main under a virtual clock, and fails the test if that returns an error or anything is
// reported.
func run(t *testing.T, main func(ctx context.Context) error, opts ...aio.Option) {
	t.Helper()
	handler := aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) {
		t.Errorf("unexpected report: %s: %s: %v", r.Message, r.TaskName, r.Err)
	})
	opts = append([]aio.Option{aio.WithClock(aio.NewVirtualClock()), handler, aio.WithSlowCallback(0)},
		opts...)
	if err := aio.Run(t.Context(), main, opts...); err != nil {
		t.Fatalf("main returned: %v", err)
	}
}

// write makes a file without aio.
func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// wantFile fails the test unless the file has this content.
func wantFile(t *testing.T, name, want string) {
	t.Helper()
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want {
		t.Errorf("%s has %.40q (%d bytes), %v, want %.40q", filepath.Base(name), got, len(got), err, want)
	}
}

// wantNames fails the test unless the folder has just these names.
func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, want) {
		t.Errorf("the folder has %q, want %q", names, want)
	}
}

// panicValue returns what fn panics with, nil if it does not.
func panicValue(fn func()) (v any) {
	defer func() { v = recover() }()
	fn()
	return nil
}

func wantPanic(t *testing.T, fn func(), part string) {
	t.Helper()
	if v := panicValue(fn); v == nil || !strings.Contains(fmt.Sprint(v), part) {
		t.Errorf("it panicked with %v, want %q", v, part)
	}
}
