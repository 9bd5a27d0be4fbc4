// Package aiocache remembers the results of functions that await: for a time, up to a number, and with one call at a time for each key.
//
//	users := aiocache.New(fetchUser, aiocache.MaxSize(10_000), aiocache.TTL(time.Minute))
//	...
//	user, err := users.Get(ctx, id)
//
// Tasks that ask for a key whose value is not there share one call. One of them that is cancelled leaves, and the call goes on for the others;
// when the last one is cancelled, the call is, too. Errors are not remembered, unless [KeepErrors] says so. Time is the loop's, so tests under a
// virtual clock need not wait for values to expire.
//
// asyncio has no counterpart; functools.lru_cache around a coroutine function remembers coroutine objects, which can be awaited only once.
// It stands for async_lru and aiocache.
//
// All of this belongs to the goroutine of the loop, as everything in aio does. There is no mutex, and none is needed.
package aiocache
