package main

import (
	"context"
	"reflect"
	"runtime"
	"strings"
)

// program is one program of the tour.
type program struct {
	name  string
	about string
	net   bool // it can ask the real sites
	from  []origin
	main  func(ctx context.Context, s *show) error // runs on a loop
	plain func(ctx context.Context, s *show) error // instead: makes its own loop, or needs none
}

func (p *program) run(ctx context.Context, s *show) error {
	if p.plain != nil {
		return p.plain(ctx, s)
	}
	return s.onLoop(ctx, func(ctx context.Context) error { return p.main(ctx, s) })
}

// function is the name of the program's function.
func (p *program) function() string {
	fn := p.main
	if fn == nil {
		fn = p.plain
	}
	name := runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name() // with the package's path
	return name[strings.LastIndexByte(name, '.')+1:]
}

// origin is a section of a text.
type origin struct{ text, section string }

// The texts, by their titles.
const (
	guide   = "Python Asyncio: The Complete Guide"
	lab     = "Asynchronous Lab"
	slides  = "Asyncio: Coroutine Task Future"
	asyncIO = "Async IO"
)

var texts = []string{asyncIO, guide, lab, slides}

// programs are in the order in which one would read them.
var programs = []*program{
	{
		name: "hello", about: "a coroutine does nothing until it is run", plain: hello,
		from: []origin{{asyncIO, "The Event Loop"}},
	},
	{
		name: "countsync", about: "three counts, one after the other", plain: countSync,
		from: []origin{{asyncIO, "The async/await Syntax and Native Coroutines"}},
	},
	{
		name: "countasync", about: "three counts at the same time", main: countAsync,
		from: []origin{{asyncIO, "The async/await Syntax and Native Coroutines"}},
	},
	{
		name: "counts", about: "both, one after the other", plain: counts,
		from: []origin{{asyncIO, "The async/await Syntax and Native Coroutines"}},
	},
	{
		name: "say-after", about: "one call after the other", main: sayAfterInTurn,
		from: []origin{{asyncIO, "Run a coroutine with asyncio"}},
	},
	{
		name: "say-after-tasks", about: "the same calls as tasks, a second shorter",
		main: sayAfterAsTasks,
		from: []origin{{asyncIO, "Run a coroutine with asyncio"}},
	},
	{
		name: "nested", about: "naming a coroutine is not running it; calling is", main: nested,
		from: []origin{{asyncIO, "Awaitables: Coroutines"}},
	},
	{
		name: "nested-task", about: "the same as a task", main: nestedTask,
		from: []origin{{asyncIO, "Awaitables: Tasks"}},
	},
	{
		name: "one-by-one", about: "awaiting one by one does not run things at the same time",
		main: oneByOne,
		from: []origin{{asyncIO, "Waiting in asyncio: await"}},
	},
	{
		name: "made-before", about: "nor does making the coroutines first", main: madeBefore,
		from: []origin{{asyncIO, "Waiting in asyncio: await"}},
	},
	{
		name: "tasks", about: "tasks run on their own", main: tasks,
		from: []origin{{asyncIO, "Waiting in asyncio: Tasks"}},
	},
	{
		name: "results", about: "gather: results in the order of the arguments", main: results,
		from: []origin{{asyncIO, "Waiting in asyncio: asyncio.gather()"}},
	},
	{
		name: "settled", about: "gather with errors among the results", main: settled,
		from: []origin{{asyncIO, "Waiting in asyncio: asyncio.gather()"}},
	},
	{
		name: "too-long", about: "a time-out around a gather", main: tooLong,
		from: []origin{{asyncIO, "Waiting in asyncio: asyncio.wait_for()"}},
	},
	{
		name: "session", net: true,
		about: "two pages at the same time, and a session as a context manager",
		main:  session,
		from:  []origin{{asyncIO, "Asynchronous context manager"}},
	},
	{
		name: "blocking-io", about: "a blocking call beside a sleep", main: blockingIO,
		from: []origin{{asyncIO, "Using asyncio.as_completed and a Thread"}},
	},
	{
		name: "only-found", net: true,
		about: "an asynchronous generator expression", main: onlyFound,
		from: []origin{{asyncIO, "Async Comprehensions and Async Generator Expressions"}},
	},
	{
		name: "in-order", net: true,
		about: "gather and awaits in a list: results in the order of the names",
		main:  inOrder,
		from:  []origin{{asyncIO, "Asynchronous comprehensions"}},
	},
	{
		name: "as-dict", net: true, about: "an asynchronous generator as a map", main: asDict,
		from: []origin{{asyncIO, "Asynchronous comprehensions"}},
	},
	{
		name: "as-set", net: true, about: "awaits in the condition of a set", main: asSet,
		from: []origin{{asyncIO, "Asynchronous comprehensions"}},
	},
	{
		name: "coroutine", about: "the type of a coroutine that is not run", plain: coroutineType,
		from: []origin{{guide, "How to Create a Coroutine"}},
	},
	{
		name: "run", about: "a coroutine that awaits another", main: runCoroutine,
		from: []origin{{guide, "How to Run a Coroutine From Python"},
			{lab, "How to Run a Coroutine From Python"}},
	},
	{
		name: "new-loop", about: "a loop made by hand, and its state", plain: newLoop,
		from: []origin{{guide, "How To Start and Get An Event Loop"}},
	},
	{
		name: "current-task", about: "the main coroutine is a task, too", main: currentTask,
		from: []origin{{guide, "How to Get the Current Task"},
			{lab, "How to Get the Current Task"}},
	},
	{
		name: "all-tasks", about: "ten tasks and the list of all", main: allTasks,
		from: []origin{{guide, "How to Get All Tasks"}, {lab, "How to Get All Tasks"}},
	},
	{
		name: "gather", about: "ten coroutines, made first and run together", main: gather,
		from: []origin{{guide, "Example of gather() For Many Coroutines in a List"},
			{lab, "What is Asyncio gather()"}},
	},
	{
		name: "wait", about: "ten tasks that take some time, until all have ended", main: wait,
		from: []origin{{guide, "Example of Waiting for All Tasks"}, {lab, "Waiting for All Tasks"}},
	},
	{
		name: "wait-for", about: "a coroutine that is given up on", main: waitFor,
		from: []origin{{guide, "Example of Asyncio wait_for() With a Timeout"},
			{lab, "Wait for a Coroutine with a Time Limit"}},
	},
	{
		name: "shield", about: "what is shielded survives the cancellation of who waits for it",
		main: shield,
		from: []origin{{guide, "Example of Asyncio shield() for a Task"},
			{lab, "Shield Tasks from Cancellation"}},
	},
	{
		name: "to-thread", about: "a blocking call on another goroutine", main: toThread,
		from: []origin{{guide, "Example of Running I/O-Bound Task in Asyncio with to_thread()"},
			{lab, "Run a Blocking Task in Asyncio"}},
	},
	{
		name: "iterator", about: "an asynchronous iterator", main: iterator,
		from: []origin{{guide, "Example of an Asynchronous Iterator"},
			{lab, "Traverse an Asynchronous Iterator"}},
	},
	{
		name: "generator", about: "an asynchronous generator", main: generator,
		from: []origin{{guide, "Example of an Asynchronous Generator"}},
	},
	{
		name: "manager", about: "an asynchronous context manager", main: manager,
		from: []origin{{guide, "Example of an Asynchronous Context Manager and async with"},
			{lab, "How to use Asynchronous Context Manager"}},
	},
	{
		name: "exec", about: "a program in a process of its own", main: runDirectly,
		from: []origin{{guide, "Example of Asyncio create_subprocess_exec()"}},
	},
	{
		name: "shell", about: "the same by the shell", main: runInShell,
		from: []origin{{guide, "Example of Asyncio create_subprocess_shell()"}},
	},
	{
		name: "stop-task", about: "a running task is cancelled", main: stopTask,
		from: []origin{{guide, "How to Stop a Task?"}},
	},
	{
		name: "functions", about: "a coroutine function is a function; " +
			"a coroutine is an object", plain: functions,
		from: []origin{{slides, "Coroutines, examples 3-4 and 3-5"}},
	},
	{
		name: "send", about: "how a coroutine is driven, and how its result comes out", plain: send,
		from: []origin{{slides, "Coroutines, example 3-6"}},
	},
	{
		name: "await", about: "awaiting a coroutine", main: await,
		from: []origin{{slides, "Coroutines, example 3-7"}},
	},
	{
		name: "throw", about: "an error thrown into a coroutine, which ends it", plain: throw,
		from: []origin{{slides, "Coroutines, example 3-9"}},
	},
	{
		name: "nope", about: "a coroutine that does not want to end", plain: nope,
		from: []origin{{slides, "Coroutines, example 3-10"}},
	},
	{
		name: "until-complete", about: "a loop, made by hand, runs a coroutine to its end",
		plain: untilComplete,
		from:  []origin{{slides, "Coroutines, example 3-11"}},
	},
	{
		name: "same-loop", about: "every call on a loop returns the same one", main: sameLoop,
		from: []origin{{slides, "Event Loop, example 3-12"}},
	},
	{
		name: "many-tasks", about: "tasks that nobody waits for", main: manyTasks,
		from: []origin{{slides, "Event Loop, example 3-14"}},
	},
	{
		name: "fetch", net: true, about: "a request by HTTP", main: fetch,
		from: []origin{{slides, "Make HTTP requests with aiohttp"}},
	},
}
