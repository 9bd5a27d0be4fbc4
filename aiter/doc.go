// Package aiter has asynchronous iteration in Go's own form, and scopes that are entered and left
// with awaits. They correspond to async for, async generators, async comprehensions and async with
// of Python.
//
// An asynchronous sequence is an [iter.Seq2] of values and errors, and async for is for range in a
// task:
//
//	for reading, err := range readings(ctx) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(reading)
//	}
//
// While the sequence waits for its next value the task is suspended, and others run.
//
// # The contract
//
// All sequences of this package follow these rules and expect them of others:
//
//   - A value comes with a nil error. An error comes with the zero value, and nothing follows it.
//   - A value may be kept: the next step does not change it.
//   - The end of the sequence comes without an error.
//   - When the loop body is left early, by break, return, a panic or runtime.Goexit, the sequence
//     cleans up before the loop has ended, all the way down to the first source.
//   - If its task is cancelled while a sequence waits, the sequence yields the cancellation as its
//     error.
//   - A sequence without a range over it does nothing. A second range begins anew, unless the
//     source is used up, such as a queue or an [Iterator].
//
// for v := range seq, without the error, compiles too and drops the error. [Values], [ForEach] and
// [Collect] do not let that happen, and [Checked] finds it in tests.
//
// # Making sequences
//
// [Generate] makes one from a function that yields values and returns an error. [FromSlice],
// [FromSeq], [FromFunc], [FromChannel], [FromQueue] and [Tick] make them from other sources.
// [FromThread] makes one from a function that blocks, such as a subscription.
//
// # Changing them
//
// [Map], [Filter], [FlatMap], [Take], [Drop], [TakeWhile], [DropWhile], [Enumerate], [Chain], [Zip]
// and [Batch] work in the iterating task, one item after the other. [Merge], [Prefetch],
// [BatchWithin], [MapConcurrent] and [MapUnordered] have tasks of their own, which begin and end
// with the loop. [RateLimit], [TimeoutEach] and [Retry] guard a source.
//
// # By hand
//
// [Pull] turns a sequence into an [Iterator], which returns one value at a time, like anext. A
// [Generator] also takes values and errors. Close both when done; one that is left open is closed
// when the loop shuts down.
//
// # Scopes
//
// [With] is async with: it enters a [Manager], calls a function, and leaves the manager in any
// case. [ExitStack] leaves any number of them in reverse order. [ContextManager] makes one from a
// function with one yield.
package aiter
