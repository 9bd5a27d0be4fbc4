package poll

import (
	"testing"

	"github.com/aio-go/aio/internal/leaktest"
)

// TestMain fails if the tests leave goroutines or descriptors behind.
func TestMain(m *testing.M) { leaktest.Main(m) }
