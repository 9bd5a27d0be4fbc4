package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/aio-go/aio/aiotest"
)

// BenchmarkSchedule measures schedules of five nodes and 200 operations. In the last row anything may
// go wrong.
func BenchmarkSchedule(b *testing.B) {
	for _, x := range []struct {
		clients int
		pause   time.Duration
		faults  aiotest.Faults
		weather string
	}{
		{2, thinking, aiotest.Faults{}, "calm"},
		{2, 0, aiotest.Faults{}, "calm"},
		{20, 0, aiotest.Faults{}, "calm"},
		{2, 0, everything, "stormy"},
	} {
		b.Run(fmt.Sprintf("clients=%d/pause=%v/%s", x.clients, x.pause, x.weather), func(b *testing.B) {
			b.ReportAllocs()
			aiotest.Explore(b, cluster("", x.faults, x.clients, 200/x.clients, x.pause),
				aiotest.Schedules(b.N), aiotest.DocumentedOrder(), aiotest.MaxSteps(10_000_000))
		})
	}
}
