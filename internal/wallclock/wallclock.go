// Package wallclock carries the clock of a simulated host in a context: package aiotest puts it
// there, and the root package reads it.
package wallclock

import (
	"context"
	"time"
)

// Clock shows the time that a host takes now for.
type Clock func(now time.Time) time.Time

type key struct{}

// With returns a context of a program on a host with that clock.
func With(ctx context.Context, c Clock) context.Context { return context.WithValue(ctx, key{}, c) }

// Read returns the time that a program with ctx takes now for.
func Read(ctx context.Context, now time.Time) time.Time {
	if c, ok := ctx.Value(key{}).(Clock); ok {
		return c(now)
	}
	return now
}
