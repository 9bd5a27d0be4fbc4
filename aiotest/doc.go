// Package aiotest tests programs of package aio under many orders of their steps, and under a clock
// that does not wait.
//
// [Run] runs a function once, in the documented order. What a test forgets to look at fails it:
// reports to the exception handler, errors that nobody has seen, tasks that are left behind.
//
//	func TestTransfer(t *testing.T) {
//		aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
//			return transfer(ctx, a, b, 10)
//		})
//	}
//
// [Explore] runs a function thousands of times. Each time another entry of those that are ready
// takes the next step. A failure is shrunk and printed as a story, with a token that repeats it:
//
//	AIO_REPLAY=token go test -run TestTransfer
//
// The function must make all its state itself, and should depend on nothing but the order of its
// steps: no clock of the machine, no random numbers but those of [aio.Loop.Rand], no goroutines of
// its own. Functions given to [aio.ToThread] run to their end before the next step.
//
// asyncio has no counterpart.
package aiotest
