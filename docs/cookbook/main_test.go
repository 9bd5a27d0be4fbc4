package cookbook_test

import (
	"os"
	"testing"

	"github.com/aio-go/aio/executor"
)

// TestMain calls executor.Main, which runs the jobs in a worker process and does not return.
func TestMain(m *testing.M) {
	executor.Main()
	os.Exit(m.Run())
}
