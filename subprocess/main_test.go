package subprocess

import (
	"testing"

	"github.com/aio-go/aio/internal/leaktest"
)

// TestMain fails if the tests leave goroutines, descriptors, children or loops behind.
func TestMain(m *testing.M) {
	leaktest.Main(m, leaktest.Left{What: "loops that were not closed", Count: nurseries.Len})
}
