// Package aiofile has files for tasks: what would block the loop runs on goroutines beside it, while the task waits and others run. Its
// place in Python is that of aiofiles, or of to_thread around open, read and write.
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
// [Open], [Create] and [OpenFile] give a [File], whose methods are those of an [os.File] with a context. [Replace] and [WriteAtomic] write a
// file so that readers see the old content or the new, and never a part. [Copy] does so with the content of another. [Walk] goes through a
// directory tree. [TempFile] and [TempDir] are gone when their function has returned. For the rest of package os there is [Do].
//
// # Cancellation
//
// Disks cannot be interrupted. An operation that has not begun when its task is cancelled does not begin. One that has begun is waited for,
// so that nobody writes into a buffer that its owner uses again, and no position is in doubt; its outcome is returned as if nothing had
// happened, and the next wait fails. What takes many operations, such as reading a large file or copying, ends between two of them. On a
// file system that does not answer, such as a network drive that is gone, a task cannot be cancelled, only be ended with its loop.
//
// What may never be ready is not waited for in this way: a FIFO, a terminal or another device is opened without waiting, and a
// task that reads or writes one waits as for a connection, so that its cancellation ends the wait at once, and it takes no place among the
// operations. Of a FIFO that nobody writes, opening succeeds on Linux, and the first Read waits.
//
// # Limits
//
// A file may be larger than memory. [ReadFile] reads at most 1 GiB, a line of [Lines] has at most 16 MiB, unless [Limit] says otherwise;
// what is longer is [ErrTooLong]. [Walk] reads a folder as a whole, and goes 10,000 folders deep.
//
// # How many at a time
//
// At most 32 operations of a loop are under way at a time, the rest wait in line; [WithLimiter] says otherwise for what is done with a context.
// The operations on one [File] go one after the other, in the order in which they were asked for.
//
// All of this belongs to the goroutine of the loop, as everything in aio does.
package aiofile
