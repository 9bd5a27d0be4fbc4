// Package aiosync has synchronisation primitives for the tasks of one loop: locks, events,
// semaphores, limiters, barriers, queues and broadcasts. They use only the exported API of package
// aio ([aio.Line], [aio.Waiter], [aio.Running]). You can build your own primitives in the same way.
//
// These rules hold for all of them:
//
//   - Order. Tasks are served in FIFO order. A task that is called resumes in the next pass, and
//     no other task overtakes it until then.
//   - No wait, no error. An operation that need not wait succeeds even if its context is cancelled.
//     Nothing is lost that way: the next operation that has to wait fails.
//   - Cancellation. A task that is cancelled while it waits leaves the line. If it was granted an
//     item or a permit and has not resumed, the grant is revoked and goes to the next task.
//   - Loop only. The methods are for tasks and callbacks of one loop. A value is bound to the first
//     loop on which a task has to wait for it. Another goroutine uses it through
//     [aio.Loop.CallSoonThreadsafe] or [aio.SubmitValue].
//   - No copies. A value must not be copied after first use.
//
// Use a [sync.Mutex] only for state that other goroutines use too, and never hold one across an
// await: the loop would block.
package aiosync
