// Package memcached lets tasks use gomemcache, whose calls know no contexts.
package memcached

import (
	"context"
	"errors"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// Client is a memcached client for the tasks of one loop.
type Client struct {
	mc    *memcache.Client
	conns *aiosync.Limiter
}

// Open makes a client with at most n connections to each server. It connects when it is used.
// gomemcache itself makes as many connections as there are calls; the limiter is its only bound.
func Open(n int, servers ...string) *Client {
	mc := memcache.New(servers...)
	mc.MaxIdleConns, mc.Timeout = n, time.Second
	return &Client{mc, aiosync.NewLimiter(n)}
}

// Close closes the connections. Call it when the tasks that use the client have ended.
func (c *Client) Close() error { return c.mc.Close() }

// Do calls fn off the loop.
//
// Cancellation: while it waits for a connection nothing happens. A call that has begun ends within
// its time-out, a second. Do waits for it and returns its outcome.
func Do[T any](
	ctx context.Context, c *Client, fn func(mc *memcache.Client) (T, error),
) (T, error) {
	return aio.ToThread(ctx, func(context.Context) (T, error) { return fn(c.mc) },
		aio.LimitedBy(c.conns), aio.Joined())
}

// Update replaces the value of a key by what change returns, with compare and swap. It calls change
// again if somebody else was faster. For a key that is not there old is nil.
func (c *Client) Update(
	ctx context.Context, key string, change func(old []byte) []byte,
) error {
	for {
		_, err := Do(ctx, c, func(mc *memcache.Client) (any, error) {
			item, err := mc.Get(key)
			switch {
			case errors.Is(err, memcache.ErrCacheMiss):
				return nil, mc.Add(&memcache.Item{Key: key, Value: change(nil)})
			case err != nil:
				return nil, err
			}
			item.Value = change(item.Value)
			return nil, mc.CompareAndSwap(item)
		})
		if !errors.Is(err, memcache.ErrCASConflict) && !errors.Is(err, memcache.ErrNotStored) {
			return err
		}
		if err := aio.Yield(ctx); err != nil {
			return err
		}
	}
}
