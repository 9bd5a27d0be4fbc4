// Package executor is for work that must leave the loop: long computations, and code that may
// crash. A function is registered once, under a name, and then called from tasks. An [Executor]
// runs it: on goroutines of this process ([Threads]) or in other processes ([Pool]).
// asyncio: run_in_executor with the executors of concurrent.futures.
//
//	var square = executor.Register("square", func(ctx context.Context, n int) (int, error) {
//		return n * n, nil
//	})
//
//	func main() {
//		executor.Main() // a worker process serves here, and does not come back
//		err := aio.Run(context.Background(), func(ctx context.Context) error {
//			return executor.Processes(ctx, func(ctx context.Context, p *executor.Pool) error {
//				all, err := aio.Map(ctx, []int{1, 2, 3}, square.Run)
//				...
//			})
//		})
//		...
//	}
//
// # Functions
//
// Another process has to find the function and understand its values. So functions have names, and
// arguments and results are encoded: numbers and strings as text, everything else with
// encoding/gob, or all by the codec of the function's [Encoding]. Call [Register] in variables of
// packages, so that the worker, which is the same program, has them too. Every executor encodes,
// even if it need not. So a function gets a copy, never memory that the loop goes on using, and a
// program works with each executor.
//
// For a closure that only has to leave the loop, use aio.ToThread.
//
// # Processes
//
// A [Pool] starts the program again, once for each worker, up to a number. Such a process becomes a
// worker in [Main], which has to be called first in main. A worker does one job at a time. If it
// crashes, by a panic, os.Exit or a signal, only its own job fails. The error is a [*WorkerError]
// with the exit status and the end of its standard error. The next job gets a new worker. If a job
// is cancelled, its worker is killed, so nothing goes on unseen. A worker whose parent dies ends
// itself.
//
// A worker does what its parent asks for, so it authenticates the parent. The pool gives it a
// token, once. On Linux the system also confirms that the parent made the other end of the
// connection, and has the same user. A process that a worker starts is no worker. A set-uid program
// neither is a worker nor has any. A worker cannot make its parent hold more than [MaxMessage] in
// memory.
//
// # Shared objects
//
// A [Queue], an [Event] and a [Lock] have names, as functions have, and may be used in the parent
// and in functions alike: each pool has an object behind the name, which lives in the parent. A
// [Pipe] connects the caller of a function with it. All that waits suspends a task, and blocks any
// other goroutine. If a worker is lost, its lock is free and its items are back in the queue as
// soon as the process has gone. [RegisterCoroutine] is for functions that await.
//
// # Other executors
//
// [Executor] has one method, and a [Job] has all that a message broker needs: an ID, a name,
// encoded arguments, the attempt, a deadline, and a way back for progress. On the other side of the
// broker, [Call] runs the job.
package executor
