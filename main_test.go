package aio_test

import (
	"os"
	"testing"

	"github.com/aio-go/aio/internal/leaktest"
)

// TestMain fails if the tests leave goroutines behind. Tasks are goroutines, too, and so are idle workers. A test binary that was started by
// a test to play a part plays it and is gone.
func TestMain(m *testing.M) {
	if part := parts[os.Getenv(partVariable)]; part != nil {
		part()
		return
	}
	leaktest.Main(m)
}
