package suite_test

import (
	"testing"

	"github.com/aio-go/aio/internal/looptest"
)

// What the tests share has short names here.
var (
	run            = looptest.Run
	runErr         = looptest.RunErr
	runReports     = looptest.RunReports
	panicOf        = looptest.PanicOf
	wantPanic      = looptest.WantPanic
	wantGoroutines = looptest.WantGoroutines
	started        = looptest.Started
	spin           = looptest.Spin
	pyBool         = looptest.PyBool
	gate           = looptest.Gate
	open           = looptest.Open
	needGo         = looptest.NeedGo
	errReason      = looptest.ErrReason
	forever        = looptest.Forever
	errBoom        = looptest.ErrBoom
	parts          = looptest.Parts
	playPart       = looptest.PlayPart
)

type (
	reports = looptest.Reports
	journal = looptest.Journal
)

func TestMain(m *testing.M) { looptest.Main(m) }
