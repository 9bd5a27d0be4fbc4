// Package aio is asyncio for Go: an event loop, tasks that are coroutines, and awaits that are
// plain calls.
//
// A loop runs one task at a time and switches only where a task waits. Code between two awaits is
// not interrupted, so state that belongs to a loop needs no mutex. The order of events is defined.
// Under a [VirtualClock] a test runs the same way each time, and its sleeps take no time.
//
// # Starting
//
// [Run] creates a loop and runs a function on it. Every function that awaits takes a context and
// passes it on. The context tells aio which loop and which task the function belongs to:
//
//	func main() {
//		err := aio.Run(context.Background(), func(ctx context.Context) error {
//			bodies, err := aio.All(ctx, aio.Bind(fetch, "a"), aio.Bind(fetch, "b"))
//			fmt.Println(bodies)
//			return err
//		})
//		...
//	}
//
// A coroutine function is an ordinary function (see [Func]), and awaiting is calling: [Sleep],
// [Task.Await], the methods of packages aiosync and stream.
//
// # Doing several things at once
//
// A block starts tasks, owns them and waits for their end: [Group] with [TaskGroup.Go] and
// [GoValue], [All] for results in order, [Map] for many items with a [Limit], [Race] for the first
// success. If one part fails, the others are cancelled, and no task is left behind. Begin with
// these.
//
// [CreateTask] and [Start] create a task that outlives the function that started it. Its handle can
// be awaited, or passed to [Gather], [GatherSettled], [Wait], [AsCompleted] and [Shield]. These
// behave as in asyncio.
//
// # Cancellation and time limits
//
// [Timeout], [TimeoutAt] and [WaitFor] limit the time of a block. [WithTimeout], [WithDeadline] and
// [WithCancelCause] create contexts that follow the loop's clock. Cancel on a task or a group
// requests its end.
//
// A task notices a cancellation at an await. The await it is in fails with a [*CancelledError], and
// so does every later await that has to wait, so return the error. Cleanup that has to await uses
// [context.WithoutCancel]. A task that ignores 10,000 such errors in a row is ended and reported.
// When a time limit is exceeded the block returns a [*TimeoutError], which matches
// [context.DeadlineExceeded].
//
// Two rules differ from what Go programmers may expect:
//
//   - An await ends when its context is cancelled, and also when the innermost block around it is
//     (a Timeout, a Group or the task itself), even if the context passed is a different one. The
//     reason: a block promises that its code ends when the block is cancelled. If an await deep
//     inside gets an outer context by mistake, that promise must still hold. A context made with
//     [context.WithoutCancel] is the one exception: blocks opened before do not end the await.
//   - An operation that need not wait succeeds even if its context is cancelled: an Acquire of a
//     free lock, a Get from a queue with items, an Await of a task that has ended. The reason: the
//     result is there, and to fail would only lose it. Nothing else is lost either, since the next
//     await that has to wait fails. asyncio does the same: only a suspended task is cancelled.
//
// # Synchronisation
//
// Locks, events, semaphores, queues and more are in package [github.com/aio-go/aio/aiosync]. All of
// them serve tasks in FIFO order, and a cancelled wait loses no item and no permit. Use a
// [sync.Mutex] only for state that other goroutines use too, and never hold one across an await:
// the loop would block.
//
// # Goroutines, channels, blocking calls
//
// A blocking call stops the whole loop. [ToThread] and [Blocking] run it on a goroutine, and only
// the calling task waits. [Recv], [Send] and [Select] wait for channels. In the other direction,
// [Submit] runs a function on a loop from any goroutine and waits for it. [Loop.CallSoonThreadsafe]
// queues a callback without waiting.
//
// Loop only: functions and methods of this package are for the tasks and callbacks of a loop,
// unless their comments say "Any goroutine". An await on another goroutine panics, and the message
// names the remedy.
//
// # Errors
//
// Errors go to the task that awaits. A panic of a task is re-panicked in the task that awaits it,
// with both stacks. An error that no task retrieves is reported, by default to package log/slog;
// see [WithExceptionHandler]. Misuse of the package panics with a message of the form
// "aio: Operation: problem; remedy".
//
// # The low-level half
//
// Applications need nothing below this line; adapters, frameworks and test kits do. They use [Loop]
// with its callbacks and timers, [Future], [Loop.Watch] for descriptors, and [NewWaiter] and [Line]
// for synchronisation primitives. [WithClock], [WithChooser] and [WithPoller] replace parts of a
// loop. Connections are in package transport (callbacks) and package stream (readers and writers).
//
// [Loop.Snapshot] and [TakeSnapshot] show what every task is doing. In debug mode, which the
// environment variable AIO_DEBUG switches on, a loop reports steps that take too long and records
// where each task was created.
package aio
