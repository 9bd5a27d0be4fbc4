// Package copies copies what must not be copied: go vet has to complain of every line that ends in "copied".
package copies

import (
	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiocache"
	"github.com/aio-go/aio/aiofile"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiosql"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiter"
	"github.com/aio-go/aio/coro"
	"github.com/aio-go/aio/executor"
	"github.com/aio-go/aio/subprocess"
	"github.com/aio-go/aio/transport"
)

var (
	lock         aiosync.Lock
	event        aiosync.Event
	condition    aiosync.Condition
	semaphore    aiosync.Semaphore
	barrier      aiosync.Barrier
	rwlock       aiosync.RWLock
	limiter      aiosync.Limiter
	rateLimiter  aiosync.RateLimiter
	queue        aiosync.Queue[int]
	broadcast    aiosync.Broadcast[int]
	subscription aiosync.Subscription[int]
	latest       aiosync.Latest[int]
	group        aio.TaskGroup
	task         aio.Task[int]
	future       aio.Future[int]
	loop         aio.Loop
	runner       aio.Runner
	handle       aio.Handle
	timer        aio.TimerHandle
	watch        aio.Watch
	clock        aio.VirtualClock
	stack        coro.Stack
	stacks       coro.Pool
	coroutine    coro.Coroutine[int, int, int]
	cache        aiocache.Cache[int, int]
	file         aiofile.File
	server       aiohttp.Server
	response     aiohttp.Response
	db           aiosql.DB
	tx           aiosql.Tx
	stmt         aiosql.Stmt
	exits        aiter.ExitStack
	generator    aiter.Generator[int, int]
	pool         executor.Pool
	threads      executor.Threads
	process      subprocess.Process
	listener     transport.Server
)

type service struct {
	lock  aiosync.Lock
	ready aiosync.Event
}

var mine service

func copies() {
	_ = lock         // copied
	_ = event        // copied
	_ = condition    // copied
	_ = semaphore    // copied
	_ = barrier      // copied
	_ = rwlock       // copied
	_ = limiter      // copied
	_ = rateLimiter  // copied
	_ = queue        // copied
	_ = broadcast    // copied
	_ = subscription // copied
	_ = latest       // copied
	_ = group        // copied
	_ = task         // copied
	_ = future       // copied
	_ = loop         // copied
	_ = runner       // copied
	_ = handle       // copied
	_ = timer        // copied
	_ = watch        // copied
	_ = clock        // copied
	_ = stack        // copied
	_ = stacks       // copied
	_ = coroutine    // copied
	_ = cache        // copied
	_ = file         // copied
	_ = server       // copied
	_ = response     // copied
	_ = db           // copied
	_ = tx           // copied
	_ = stmt         // copied
	_ = exits        // copied
	_ = generator    // copied
	_ = pool         // copied
	_ = threads      // copied
	_ = process      // copied
	_ = listener     // copied

	_ = mine                               // copied
	other := mine                          // copied
	_ = []aiosync.Event{event}             // copied
	for _, l := range []aiosync.Lock{{}} { // copied
		_ = l.Locked()
	}
	take(lock) // copied
	_ = &other.lock
}

func take(l aiosync.Lock) {} // copied
