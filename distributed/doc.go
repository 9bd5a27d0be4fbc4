// Package distributed runs registered functions on other machines, through NATS JetStream. It is an
// executor like those of package executor: the code that submits stays the same.
//
//	err := aio.Run(ctx, func(ctx context.Context) error {
//		c, err := distributed.Open(ctx, distributed.Embedded("jobs")) // or distributed.Connect
//		if err != nil {
//			return err
//		}
//		defer c.Close()
//		areas, err := aio.Map(executor.With(ctx, c), circles, area.Run, aio.Limit(1000))
//		...
//	})
//
// Any number of programs that register the same functions do the jobs:
//
//	distributed.Work(ctx, c, distributed.Concurrency(8))
//
// # What is promised
//
// A job that was accepted is done at least once. A job may run twice: if its worker or its
// connection is lost, or if its worker's loop stands still for longer than the lease. Its function
// finds the job's ID with executor.Current; it is the same in each run, so use it as the key of
// what the function writes. A job has one outcome: of two runs that end, the first decides.
//
// A job has at most [Attempts] runs that fail or get lost, with a pause in between that grows
// ([Backoff]). After the last one the job is dead: its caller gets a [*FailedError], and the job
// itself is kept for [Client.Dead]. An error that is wrapped by [Permanent] allows no further run.
//
// A worker that does not have a job's function hands the job back, and that is no attempt: while a
// program is being replaced, old and new workers may run side by side. The job waits for a worker
// that has the function, even a busy one. After a minute without such a worker the job is dead; see
// [AwaitFunction].
//
// A worker holds a lease on each of its jobs ([Lease]) and extends it while its loop runs. So a
// worker that hangs or dies loses its jobs to others; one that is only slow keeps them. With
// [StallAfter] a function must also report progress to keep its lease.
//
// Outcomes are kept for a time ([Keep]); another process can wait for one by the ID.
//
// Jobs start roughly in the order of their submission, higher priorities first. There is no promise
// about the order in which they end.
//
// # Loop only
//
// A Client belongs to the loop on which it was opened. Its connection has goroutines of its own,
// which Close ends.
package distributed
