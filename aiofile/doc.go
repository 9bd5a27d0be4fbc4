// Package aiofile has files for tasks. Calls that would block the loop run on other goroutines,
// while the task waits and others run. Python: aiofiles, or to_thread with open, read and write.
//
//	text, err := aiofile.ReadFile(ctx, "settings.json")
//
//	for line, err := range aiofile.Lines(ctx, "access.log") {
//		if err != nil {
//			return err
//		}
//		...
//	}
//
// [Open], [Create] and [OpenFile] return a [File], whose methods are those of an [os.File] with a
// context. [Replace] and [WriteAtomic] write a file so that readers see the old content or the new,
// and never a part. [Copy] does so with the content of another file. [Walk] iterates over a
// directory tree. [TempFile] and [TempDir] remove the file or folder when their function has
// returned. [Do] is for the rest of package os.
//
// # Cancellation
//
// Disks cannot be interrupted. If a task is cancelled before its operation begins, the operation
// does not begin. An operation that has begun is waited for. So no buffer is written to after its
// owner uses it again, and the position is known. The outcome is returned as without a
// cancellation, and the next wait fails. Functions of many operations, such as reading a large file
// or copying, end between two operations. If a file system does not answer, such as a network drive
// that is gone, a task cannot be cancelled. It ends only with its loop.
//
// A FIFO, a terminal or another device may never be ready, so the rules differ. It is opened
// without waiting, and a task that reads or writes it waits as for a connection. A cancellation
// ends the wait at once, and the wait takes no place among the operations. On Linux, opening a FIFO
// without a writer succeeds, and the first Read waits.
//
// # Limits
//
// A file may be larger than memory. [ReadFile] reads at most 1 GiB, a line of [Lines] has at most
// 16 MiB, unless [Limit] says otherwise. More is an error that matches [ErrTooLong]. [Walk] reads a
// folder as a whole, and goes 10,000 folders deep.
//
// # How many at a time
//
// At most 32 operations of a loop are under way at a time, the rest wait in line; [WithLimiter]
// sets another bound for a context. The operations on one [File] run in FIFO order.
//
// Everything belongs to the goroutine of the loop, unless its documentation says otherwise.
package aiofile
