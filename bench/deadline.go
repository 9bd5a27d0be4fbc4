package main

import (
	"fmt"
	"runtime"
	"time"
)

// A dueRound sets size timers (or starts size sleepers) that are due from
// first on. It reports how long that took and when the last one was through.
type dueRound func(size int, first time.Time) (set time.Duration, last time.Time, err error)

// untilDue calls do with a first deadline far enough ahead that all timers are
// set before it; otherwise some would fire while others are being set, and the
// contestants would do different things. The lead is kept from call to call.
func untilDue(lead *time.Duration, size int, do dueRound) (set, fire time.Duration, err error) {
	for range 8 {
		if *lead == 0 {
			*lead = time.Duration(size) * 1500 * time.Nanosecond
		}
		began := time.Now()
		first := began.Add(*lead)
		set, last, err := do(size, first)
		if err != nil {
			return 0, 0, err
		}
		if set < *lead {
			*lead = set + set/2 + 5*time.Millisecond
			return set, last.Sub(first), nil
		}
		*lead = 2 * set
		runtime.GC()
	}
	return 0, 0, fmt.Errorf(
		"setting %d timers never took less than twice as long as the time before", size)
}

// dueOffset is timer i's distance from the first deadline: spread without order
// over a nanosecond a timer, the same for every contestant.
func dueOffset(i, size int) time.Duration {
	x := uint64(i) * 0x9E3779B97F4A7C15 // golden ratio: visits the range evenly
	return time.Duration((x >> 32) * uint64(size) >> 32)
}
