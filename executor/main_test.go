package executor_test

import (
	"os"
	"testing"

	"github.com/aio-go/aio/executor"
	"github.com/aio-go/aio/internal/leaktest"
)

// parts are things that a test binary does instead of tests: as a worker in place of what Main
// does, or as a program that uses a pool.
var parts = map[string]func(){}

const partVariable = "AIO_EXECUTOR_TEST_PART"

// TestMain makes workers of those processes that a pool has started, and fails if the tests leave
// goroutines, descriptors or processes behind.
func TestMain(m *testing.M) {
	if part := parts[os.Getenv(partVariable)]; part != nil {
		part()
		return
	}
	executor.Main()
	// for workers: the race detector takes a second to end
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	leaktest.Main(m)
}
