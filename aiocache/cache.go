package aiocache

import (
	"container/list"
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/nocopy"
)

// Cache remembers the results of a function by key. It belongs to the loop that uses it, and to the
// next one when that is closed. Its methods are for the loop only.
//
// A key is in one of these states:
//
//	state    meaning                               left when
//	absent   nothing is known                      Get (flying), Put (present)
//	flying   a call is under way, tasks wait       it returns a value (present); it fails, all
//	                                               waiting tasks are cancelled, Invalidate (absent)
//	present  there is a value, or a kept error     it expires, it is the least recently used of too
//	                                               many, Invalidate (absent)
//
// If a key is invalidated or set during its call, the call goes on for the tasks that wait for it.
// Its result is not remembered, and later tasks do not join it. A key that is not equal to itself,
// such as NaN or a struct with one, cannot be found again: each Get of it calls the function, and
// it always stays absent.
type Cache[K comparable, V any] struct {
	_       nocopy.Mark
	fn      func(ctx context.Context, key K) (V, error)
	s       settings
	loop    *aio.Loop
	entries map[K]*entry[K, V]
	flights map[K]*flight[V]
	used    list.List    // of entries, the most recently used first
	ages    [2]list.List // of values and of errors, the oldest first
	stats   Statistics
}

type entry[K comparable, V any] struct {
	key   K
	value V
	err   error
	until time.Time // zero: for ever

	used, age *list.Element
}

// flight is a call under way.
type flight[V any] struct {
	task *aio.Task[V] // nil during its first step
	self aio.AnyTask  // the same task
	ctx  context.Context
}

// Option is a setting of [New]: [MaxSize], [TTL] or [KeepErrors].
type Option func(s *settings)

type settings struct {
	size        int
	ttl, errors time.Duration
}

// MaxSize bounds the number of remembered keys: the least recently used key makes room. Default: no
// bound. It panics if n is less than 1.
func MaxSize(n int) Option {
	if n < 1 {
		panic(misuse("MaxSize", "the number must be at least 1; "+
			"without this option there is no bound"))
	}
	return func(s *settings) { s.size = n }
}

// TTL is how long a value is remembered after the call that returned it has ended, by the loop's
// clock. Default: for ever. It panics if d is not positive.
func TTL(d time.Duration) Option {
	if d <= 0 {
		panic(misuse("TTL", "the time must be positive; without this option there is no limit"))
	}
	return func(s *settings) { s.ttl = d }
}

// KeepErrors makes the cache remember errors, too, for d, so that a function that fails is not
// called again and again. Cancellations are never remembered. It panics if d is not positive.
func KeepErrors(d time.Duration) Option {
	if d <= 0 {
		panic(misuse("KeepErrors", "the time must be positive; "+
			"without this option errors are not kept"))
	}
	return func(s *settings) { s.errors = d }
}

// New makes a cache for the results of fn.
func New[K comparable, V any](
	fn func(ctx context.Context, key K) (V, error), opts ...Option,
) *Cache[K, V] {
	if fn == nil {
		panic(misuse("New", "the function is nil; pass one"))
	}
	c := &Cache[K, V]{fn: fn, entries: map[K]*entry[K, V]{}, flights: map[K]*flight[V]{}}
	for _, o := range opts {
		o(&c.s)
	}
	return c
}

// Get returns the value for key. If it is remembered, Get does not wait, even if the context is
// cancelled. Otherwise fn is called in a task of its own, whose context has the values of the first
// caller's. Tasks that ask for the key meanwhile get the result of that call. A panic of fn is
// re-panicked in all of them.
//
// Cancellation: the call goes on for the other tasks that wait for it. If there are none it is
// cancelled, and Get returns when it has ended.
func (c *Cache[K, V]) Get(ctx context.Context, key K) (V, error) {
	c.bind(ctx, "Cache.Get")
	if e := c.fresh(key); e != nil {
		c.stats.Hits++
		c.used.MoveToFront(e.used)
		return e.value, e.err
	}
	f := c.flights[key]
	if f != nil && f.ctx.Err() == nil {
		c.stats.Shared++
	} else { // no call, or one that all its callers have left
		c.stats.Misses++
		f = c.launch(ctx, key)
	}
	if f.self == aio.CurrentTask(ctx) {
		panic(misuse("Cache.Get",
			"the function asks for the key that it was called for, and would wait for itself; "+
				"call what computes the value instead"))
	}
	for f.task == nil { // asked for by work that the first step of the call has begun
		if err := aio.Yield(ctx); err != nil {
			var zero V
			return zero, err
		}
	}
	return f.task.Await(ctx)
}

// launch begins a call. Its first step runs at once, so a call that returns without waiting causes
// no wait.
func (c *Cache[K, V]) launch(ctx context.Context, key K) *flight[V] {
	f := &flight[V]{}
	if canBeFound(key) {
		c.flights[key] = f
	}
	f.task = aio.CreateTask(ctx, func(ctx context.Context) (V, error) {
		f.ctx, f.self = ctx, aio.CurrentTask(ctx)
		landed := false
		defer func() {
			if c.flights[key] == f && !landed {
				delete(c.flights, key)
			}
		}()
		v, err := c.fn(ctx, key)
		landed = true
		if c.flights[key] == f {
			delete(c.flights, key)
			c.remember(ctx, key, v, err)
		}
		return v, err
	}, aio.Name("aiocache"), aio.Eager())
	if f.ctx == nil { // the task was refused
		if c.flights[key] == f {
			delete(c.flights, key)
		}
	}
	return f
}

// canBeFound reports whether a key in a map can be found: not if it is or contains a NaN.
func canBeFound[K comparable](key K) bool {
	same := key
	return key == same
}

func (c *Cache[K, V]) remember(ctx context.Context, key K, v V, err error) {
	ttl, kind := c.s.ttl, 0
	if err != nil {
		c.stats.Errors++
		if ttl, kind = c.s.errors, 1; ttl == 0 || ctx.Err() != nil || isCancellation(err) {
			return
		}
	}
	c.store(key, v, err, ttl, kind)
}

func (c *Cache[K, V]) store(key K, v V, err error, ttl time.Duration, kind int) {
	c.forget(key)
	c.dropExpired()
	e := &entry[K, V]{key: key, value: v, err: err}
	if ttl > 0 {
		e.until = c.loop.Time().Add(ttl)
		e.age = c.ages[kind].PushBack(e)
	}
	e.used = c.used.PushFront(e)
	c.entries[key] = e
	if c.s.size > 0 && len(c.entries) > c.s.size {
		c.stats.Evicted++
		c.remove(c.used.Back().Value.(*entry[K, V]))
	}
}

// fresh returns the entry of key, nil if there is none or it has expired.
func (c *Cache[K, V]) fresh(key K) *entry[K, V] {
	e := c.entries[key]
	if e == nil || !c.expired(e) {
		return e
	}
	c.stats.Expired++
	c.remove(e)
	return nil
}

func (c *Cache[K, V]) expired(e *entry[K, V]) bool {
	return !e.until.IsZero() && !c.loop.Time().Before(e.until)
}

// dropExpired removes expired entries. All values are kept for the same time, and so are all
// errors, so the oldest are first.
func (c *Cache[K, V]) dropExpired() {
	for i := range c.ages {
		for front := c.ages[i].Front(); front != nil; front = c.ages[i].Front() {
			e := front.Value.(*entry[K, V])
			if !c.expired(e) {
				break
			}
			c.stats.Expired++
			c.remove(e)
		}
	}
}

func (c *Cache[K, V]) remove(e *entry[K, V]) {
	delete(c.entries, e.key)
	c.used.Remove(e.used)
	if e.age != nil {
		for i := range c.ages {
			c.ages[i].Remove(e.age) // in the other list this does nothing
		}
	}
}

// forget makes the key absent.
func (c *Cache[K, V]) forget(key K) {
	if e := c.entries[key]; e != nil {
		c.remove(e)
	}
	delete(c.flights, key)
}

// Peek returns the remembered value of key, without calling the function and without counting as a
// use. ok is false if there is no value, or an error.
func (c *Cache[K, V]) Peek(key K) (v V, ok bool) {
	c.mustBeHere("Cache.Peek")
	e := c.entries[key]
	if e == nil || e.err != nil || c.expired(e) {
		return v, false
	}
	return e.value, true
}

// Put sets the value for key, as if the function had returned it now. A call under way for the key
// no longer changes it. It is for tasks and callbacks; ctx has the loop.
func (c *Cache[K, V]) Put(ctx context.Context, key K, v V) {
	c.bind(ctx, "Cache.Put")
	if !canBeFound(key) {
		return
	}
	c.store(key, v, nil, c.s.ttl, 0)
}

// Invalidate forgets the keys. The results of calls under way go to the tasks that wait already,
// and are not remembered.
func (c *Cache[K, V]) Invalidate(keys ...K) {
	c.mustBeHere("Cache.Invalidate")
	for _, key := range keys {
		c.forget(key)
	}
}

// Clear forgets all keys, as Invalidate does. The counts of [Cache.Statistics] go on.
func (c *Cache[K, V]) Clear() {
	c.mustBeHere("Cache.Clear")
	clear(c.entries)
	clear(c.flights)
	c.used.Init()
	c.ages[0].Init()
	c.ages[1].Init()
}

// Len returns the number of remembered keys. Some may have expired: they are dropped on the next
// use, or when another is added.
func (c *Cache[K, V]) Len() int { return len(c.entries) }

// Statistics is the result of [Cache.Statistics].
type Statistics struct {
	Len     int // remembered keys
	Flights int // calls under way whose results are to be remembered

	Hits    uint64 // gets that were answered at once
	Misses  uint64 // gets that began a call
	Shared  uint64 // gets that joined a call
	Errors  uint64 // calls that failed
	Evicted uint64 // keys that made room for others
	Expired uint64 // keys that had expired
}

// Statistics returns the current state of the cache.
func (c *Cache[K, V]) Statistics() Statistics {
	s := c.stats
	s.Len, s.Flights = len(c.entries), len(c.flights)
	return s
}

// String shows how many keys there are, and how many calls are under way.
func (c *Cache[K, V]) String() string {
	s := c.Statistics()
	size := ""
	if c.s.size > 0 {
		size = fmt.Sprintf(" of %d", c.s.size)
	}
	return fmt.Sprintf("<Cache %d%s, %d under way, %d hits, %d misses>",
		s.Len, size, s.Flights, s.Hits, s.Misses)
}

// mustBeHere panics in debug mode on a goroutine that is not that of the cache's loop.
func (c *Cache[K, V]) mustBeHere(op string) {
	if c.loop != nil {
		c.loop.MustBeHere(op)
	}
}

// bind makes the running loop the cache's loop. Calls of a closed loop are forgotten, and so are
// entries that expire by its clock.
func (c *Cache[K, V]) bind(ctx context.Context, op string) {
	l := aio.RunningLoop(ctx)
	l.MustBeHere(op)
	if c.loop == l {
		return
	}
	if c.loop != nil {
		if !c.loop.IsClosed() {
			panic(misuse(op, "the cache belongs to another loop that is not closed; "+
				"make one for each loop"))
		}
		clear(c.flights)
		for i := range c.ages {
			for front := c.ages[i].Front(); front != nil; front = c.ages[i].Front() {
				c.remove(front.Value.(*entry[K, V]))
			}
		}
	}
	c.loop = l
}
