package guide_test

import (
	"os"
	"testing"

	"github.com/aio-go/aio/executor"
)

// TestMain makes workers of those processes that the pools of the Examples start.
func TestMain(m *testing.M) {
	executor.Main()
	os.Exit(m.Run())
}
