package aio_test

import (
	"context"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/looptest"
)

// What the tests share has short names here.
var (
	strict         = looptest.Strict
	run            = looptest.Run
	runErr         = looptest.RunErr
	runReports     = looptest.RunReports
	testOptions    = looptest.Options
	panicOf        = looptest.PanicOf
	wantPanic      = looptest.WantPanic
	wantNoAllocs   = looptest.WantNoAllocs
	wantCancelled  = looptest.WantCancelled
	wantTimeout    = looptest.WantTimeout
	wantGoroutines = looptest.WantGoroutines
	started        = looptest.Started
	yields         = looptest.Yields
	turns          = looptest.Turns
	spin           = looptest.Spin
	pyBool         = looptest.PyBool
	failWith       = looptest.FailWith
	gate           = looptest.Gate
	open           = looptest.Open
	needProcesses  = looptest.NeedProcesses
	errReason      = looptest.ErrReason
	errBoom        = looptest.ErrBoom
	parts          = looptest.Parts
	playPart       = looptest.PlayPart
)

type (
	reports = looptest.Reports
	journal = looptest.Journal
)

func TestMain(m *testing.M) { looptest.Main(m) }

// forever waits until it is cancelled. Snapshots name this file.
func forever(ctx context.Context) error {
	return aio.NewWaiter(ctx, "forever", nil).Park()
}
