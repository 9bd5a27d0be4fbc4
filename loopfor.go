package aio

import "context"

// LoopFor is [RunningLoop] for packages that build on this one: its panic, if ctx has no loop, names op, the function that the program
// called.
func LoopFor(ctx context.Context, op string) *Loop { return loopOf(ctx, op) }
