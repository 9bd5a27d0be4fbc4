// Package aiocache remembers the results of functions that await: for a time, up to a number, and
// with one call at a time for each key.
//
//	users := aiocache.New(fetchUser, aiocache.MaxSize(10_000), aiocache.TTL(time.Minute))
//	...
//	user, err := users.Get(ctx, id)
//
// Tasks that ask for a key without a value share one call. If one of them is cancelled, the call
// goes on for the others. If the last one is cancelled, so is the call. Errors are not remembered,
// unless [KeepErrors] says so. Time is the loop's, so tests under a virtual clock need not wait for
// values to expire.
//
// asyncio has no counterpart; functools.lru_cache around a coroutine function remembers coroutine
// objects, which can be awaited only once. Python: async_lru, aiocache.
//
// Everything belongs to the goroutine of the loop and needs no mutex.
package aiocache
