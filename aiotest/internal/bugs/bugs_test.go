package bugs_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/aiotest/internal/bugs"
)

// recorder is a test that only takes notes.
type recorder struct {
	testing.TB
	name   string
	errors []string
}

func (r *recorder) Helper()                         {}
func (r *recorder) Name() string                    { return r.name }
func (r *recorder) Logf(format string, args ...any) {}
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func TestEachBugIsFoundAndNoTwinIsAccused(t *testing.T) {
	if len(bugs.All) < 153 {
		t.Errorf("%d bugs", len(bugs.All))
	}
	for _, b := range bugs.All {
		t.Run(b.Name, func(t *testing.T) {
			r := &recorder{TB: t, name: t.Name()}
			aiotest.Explore(r, b.Buggy, b.Options()...)
			if len(r.errors) == 0 {
				t.Error("the bug was not found")
			} else if strings.Contains(r.errors[0], "not when it was run again") {
				t.Error(r.errors[0])
			} else {
				t.Log(r.errors[0])
			}
			aiotest.Explore(t, b.Fixed, append(b.Options(), aiotest.Schedules(500))...)
		})
	}
}
