// Package aio is asyncio for Go: an event loop, tasks that are coroutines, and awaits that are plain calls.
//
// The tasks of a loop take turns. One runs at a time, until it waits for something, and a switch happens nowhere else; what lies between two
// awaits is not interrupted. So state that belongs to a loop needs no mutex, the order of events is defined, and a test under a
// [VirtualClock] runs the same way each time, however long it sleeps.
//
// # Starting
//
// [Run] makes a loop and runs a function on it. Every function that awaits takes a context and passes it on; that is how it is known which
// loop and which task it belongs to:
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
// Functions have no colour: a coroutine function is an ordinary function (see [Func]), and awaiting is calling: [Sleep], [Task.Await],
// [Queue.Get], the reads of package stream.
//
// # Doing several things at once
//
// What a block starts and owns, and sees to the end: [Group] with [TaskGroup.Go] and [GoValue], [All] for results in order, [Map] for many
// items with a [Limit], [Race] for the first that succeeds. If one part fails the others are cancelled, and nothing is left behind. Begin
// with these.
//
// What goes on by itself: [CreateTask] and [Start] make a task that outlives the function which made it. Its handle can be awaited, and
// given to [Gather], [GatherSettled], [Wait], [AsCompleted] and [Shield], which do what they do in asyncio.
//
// # Ending things
//
// [Timeout], [TimeoutAt] and [WaitFor] limit the time of a block; [WithTimeout], [WithDeadline] and [WithCancelCause] make contexts that
// follow the loop's clock. Cancel on a task or group asks for its end. A cancellation is noticed at awaits: the one that the task is in
// fails with a [*CancelledError], and so does every later one, so return the error. Cleanup that has to await uses
// [context.WithoutCancel]. What ran out of time becomes a [*TimeoutError], which matches [context.DeadlineExceeded].
//
// # Tasks among themselves
//
// [Queue], [Lock], [RWLock], [Event], [Condition], [Semaphore], [Limiter], [Barrier]. All are fair, and a wait that is cancelled loses
// neither item nor turn. A [sync.Mutex] is needed only for what other goroutines touch, and must not be held while a task waits: the loop
// would stand still.
//
// # Goroutines, channels, blocking calls
//
// A call that blocks stops the whole loop; [ToThread] and [Blocking] make it on a goroutine and let the task wait. [Recv], [Send] and
// [Select] wait for channels. In the other direction, [Submit] runs a function on a loop and waits for it from any goroutine, and
// [Loop.CallSoonThreadsafe] just hands one over. Everything else in this package belongs to the loop: an await from another goroutine
// panics and says what to do instead.
//
// # Errors
//
// An error goes to whoever awaits. A panic is raised again in whoever awaits, with both stacks. What nobody awaits is reported, by default
// to package log/slog; see [WithExceptionHandler]. Mistakes in the use of the package panic with a message that names the operation and the
// remedy.
//
// # The low-level half
//
// Applications need nothing below this line. Adapters, frameworks and test kits do: [Loop] with its callbacks and timers, [Future],
// [NewWaiter] for synchronisation primitives of one's own, [Loop.Watch] for descriptors, and the options that replace the parts of a loop:
// [WithClock], [WithChooser], [WithPoller]. Connections are in package transport (callbacks) and package stream (readers and writers).
//
// [Loop.Snapshot] and [TakeSnapshot] tell what every task is doing. With the environment variable AIO_DEBUG set, loops watch for steps that
// take too long and remember where tasks were created.
package aio
