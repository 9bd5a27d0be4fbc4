// Package coro has stackful coroutines: functions on their own stacks that can be suspended and
// resumed.
//
// It is the lowest tier of aio and knows no event loop. It has two levels:
//
//   - [Coroutine] is for most programs: a function that receives and yields values, like a Python
//     generator. [New] makes one without running it; Send, Throw and Close drive it.
//   - [Stack] and [Pool] are for frameworks: a stack that runs one [Job] after another and can be
//     suspended anywhere. The tasks of an event loop run on these.
//
// A switch into a coroutine and back costs about a quarter of a hand-over between goroutines. It is
// built on [iter.Pull]: the runtime passes the thread directly, without the scheduler. A coroutine
// never runs at the same time as the code that resumed it, so the two need no locks.
//
// # Rules
//
// One goroutine at a time resumes a coroutine, and a coroutine suspends only on its own stack.
// [runtime.LockOSThread] must not be in force when a coroutine suspends: the runtime ends the
// process if the thread states differ. A suspended coroutine is never garbage collected; close
// every coroutine that is not run to its end.
package coro
