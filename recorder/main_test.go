package recorder_test

import (
	"testing"

	"github.com/aio-go/aio/internal/looptest"
)

func TestMain(m *testing.M) { looptest.Main(m) }
