package leaktest

import (
	"runtime/debug"
	"slices"
)

// RaceDetector reports whether the program was built with the race detector, which allocates, is
// slower and remembers every coroutine. A build tag would let code differ.
var RaceDetector = func() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}()
