// Package executor is for work that must leave the loop: long computations, and code that may crash. A
// function is registered once, under a name, and then called from tasks; an [Executor] decides where it
// runs: on goroutines of this process ([Threads]) or in processes of their own ([Pool]). It stands for
// asyncio's run_in_executor with the executors of concurrent.futures.
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
// What is sent to another process has to be found there again, so functions have names, and arguments and
// results are encoded: numbers and strings as text, everything else with encoding/gob. [Register] belongs in variables of packages, so that the worker,
// which is the same program, has them too. Every executor encodes, also the one that would not need to: a
// function gets a copy, never memory that the loop goes on using, and what works on one executor works on
// the next.
//
// For a closure that only has to leave the loop, aio.ToThread is all that is needed.
//
// # Processes
//
// A [Pool] starts the program again, once for each worker, up to a number. [Main], called first thing in
// main, is where such a process becomes a worker. A worker does one job at a time. One that crashes, by a
// panic, os.Exit or a signal, fails its own job with a [*WorkerError] that has the exit status and the last
// of what it wrote to its standard error; the next job gets a new worker. A job that is cancelled loses its
// worker: the process is killed, so nothing goes on in secret. A worker whose parent dies ends itself.
//
// A worker does what its parent asks for, so it makes sure who that is: the pool gives it a token, once, and on Linux the system tells that the other
// end of the connection was made by the parent, of the same user. What a worker starts is no worker. A set-uid program is neither a worker
// nor has any. A worker cannot make its parent keep more than [MaxMessage].
//
// # Other executors
//
// [Executor] has one method, and a [Job] is what a message broker would need of it: an ID, a name,
// encoded arguments, the attempt, a deadline, and a way back for progress. On the other side of the broker
// [Call] runs the job.
package executor
