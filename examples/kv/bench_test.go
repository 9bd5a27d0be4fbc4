package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/aio-go/aio/aiotest"
)

// BenchmarkSchedule measures schedules of five nodes and 200 operations.
func BenchmarkSchedule(b *testing.B) {
	for _, x := range []struct {
		clients int
		pause   time.Duration
	}{{2, thinking}, {2, 0}, {20, 0}} {
		b.Run(fmt.Sprintf("clients=%d/pause=%v", x.clients, x.pause), func(b *testing.B) {
			b.ReportAllocs()
			aiotest.Explore(b, cluster("", aiotest.Faults{}, x.clients, 200/x.clients, x.pause),
				aiotest.Schedules(b.N), aiotest.DocumentedOrder(), aiotest.MaxSteps(10_000_000))
		})
	}
}
