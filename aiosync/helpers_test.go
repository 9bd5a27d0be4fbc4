package aiosync_test

import (
	"testing"

	"github.com/aio-go/aio/internal/looptest"
)

// What the tests share has short names here.
var (
	run           = looptest.Run
	runErr        = looptest.RunErr
	panicOf       = looptest.PanicOf
	wantPanic     = looptest.WantPanic
	wantNoAllocs  = looptest.WantNoAllocs
	wantCancelled = looptest.WantCancelled
	turns         = looptest.Turns
	forever       = looptest.Forever
	errBoom       = looptest.ErrBoom
)

type (
	journal = looptest.Journal
)

func TestMain(m *testing.M) { looptest.Main(m) }
