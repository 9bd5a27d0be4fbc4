// Package coro makes stackful coroutines: functions that can stop in the middle, on a stack of their own, and go on later.
//
// It is the lowest tier of aio and knows nothing of event loops. There are two ways in:
//
//   - [Coroutine] is what most programs want: a function that receives values and yields values, like a generator of Python.
//     [New] makes one without running it; Send, Throw and Close drive it.
//   - [Stack] and [Pool] are the raw material: a stack that runs one [Job] after another and can be suspended anywhere.
//     The tasks of an event loop run on these.
//
// A switch into a coroutine and back costs about a quarter of a hand-over between goroutines, because it is built on [iter.Pull]: the
// runtime passes the thread from one to the other directly and no scheduler is involved. A coroutine never runs at the same time as the
// code that resumed it, so the two need no locks between them.
//
// # Rules
//
// A coroutine is resumed by one goroutine at a time and suspends itself only from its own stack. [runtime.LockOSThread] must not be in
// force inside a coroutine when it suspends: the runtime ends the process if the thread states differ. A suspended coroutine is never
// collected by the garbage collector; call Close on those that are not run to their end.
package coro
