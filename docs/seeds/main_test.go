package seeds_test

import (
	"os"
	"testing"

	"github.com/aio-go/aio/executor"
)

// TestMain is also where the workers of a process pool begin.
func TestMain(m *testing.M) {
	executor.Main()
	os.Exit(m.Run())
}
