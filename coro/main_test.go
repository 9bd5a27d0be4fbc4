package coro_test

import (
	"testing"

	"github.com/aio-go/aio/internal/leaktest"
)

// TestMain fails if the tests leave goroutines behind; a coroutine is one.
func TestMain(m *testing.M) { leaktest.Main(m) }
