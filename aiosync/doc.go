// Package aiosync has what tasks of one loop share: locks, events, semaphores, limits, barriers,
// queues and values for many readers. asyncio has most of them in its own namespace; here they are
// built on the public face of package aio alone ([aio.Line], [aio.Waiter], [aio.Running]), so
// anybody can build more of the same kind.
//
// What holds for all of them:
//
//   - Order. Tasks that wait are served first in, first out. A task that is called resumes in the
//     next pass, and until then no other task overtakes it.
//   - Free ways. An operation that need not wait returns at once, even if the context is cancelled:
//     nothing is lost that way, and the next operation that has to wait fails.
//   - Cancellation. A task that is cancelled while it waits leaves the line. A grant that it had
//     been given, but had not resumed with, goes to the next task.
//   - Loop only. The methods are for tasks and callbacks of one loop. A value belongs to the first
//     loop on which a task has to wait for it. Another goroutine reaches it through
//     [aio.Loop.CallSoonThreadsafe] or [aio.SubmitValue].
//   - No copies. A value must not be copied after first use.
//
// A [sync.Mutex] is needed only for state that other goroutines touch, and must not be held while a
// task waits.
package aiosync
