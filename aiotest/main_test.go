package aiotest_test

import (
	"testing"

	"github.com/aio-go/aio/internal/leaktest"
)

// TestMain fails if the tests leave goroutines behind; tasks are goroutines, too.
func TestMain(m *testing.M) { leaktest.Main(m) }
