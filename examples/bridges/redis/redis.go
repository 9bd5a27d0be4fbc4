// Package redis lets tasks use go-redis: commands, pipelines, calls that wait at the server,
// subscriptions as sequences, and a lock.
//
// go-redis does not look at its context while a command runs. So a task that gives up leaves a
// connection behind that still waits, and takes an item that nobody gets. Do and Wait therefore
// wait for each reply. What makes the reply come at once is different: a plain command is short,
// and the server is told to answer a command that waits there.
package redis

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiter"
)

// Client is a go-redis client for the tasks of one loop.
type Client struct {
	commands, waits pool
	control         *redis.Client // tells the server to end commands that wait
}

// pool is connections, and a token for each. Tasks wait for a token on the loop, where they can be
// cancelled, and not for a connection inside go-redis.
type pool struct {
	redis *redis.Client
	conns *aiosync.Limiter
}

func newPool(o redis.Options, size int) pool {
	o.PoolSize = size
	return pool{redis.NewClient(&o), aiosync.NewLimiter(size)}
}

// Open makes a client. It connects when it is used. Do has PoolSize connections, and Wait has as
// many of its own: commands that wait must not keep others from bringing what they wait for. No
// command is sent twice after an error: only the caller knows whether it may be.
func Open(o *redis.Options) *Client {
	own := *o
	if own.PoolSize < 1 {
		own.PoolSize = 10
	}
	own.MaxRetries = -1
	if own.MaintNotificationsConfig == nil {
		// Where a server has no such notifications, connections that begin at the same time would
		// switch them off in settings that they share: a data race in go-redis 9.23.
		own.MaintNotificationsConfig = &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled,
		}
	}
	return &Client{
		commands: newPool(own, own.PoolSize),
		waits:    newPool(own, own.PoolSize),
		control:  newPool(own, 1).redis,
	}
}

// Close closes the connections. Call it when the tasks that use the client have ended.
func (c *Client) Close() error {
	return errors.Join(c.commands.redis.Close(), c.waits.redis.Close(), c.control.Close())
}

// Do makes commands that the server answers at once. A pipeline is one call.
//
// Cancellation: Do waits for the reply of a command that was sent, at most ReadTimeout, and returns
// it. So the task knows whether the command was executed.
func Do[T any](
	ctx context.Context, c *Client, fn func(ctx context.Context, r *redis.Client) (T, error),
) (T, error) {
	return aio.ToThread(
		ctx,
		func(ctx context.Context) (T, error) { return fn(ctx, c.commands.redis) },
		aio.LimitedBy(c.commands.conns),
		aio.Joined(),
	)
}

// Wait makes a command that waits at the server: BLPOP, BLMOVE, BZPOPMIN, XREADGROUP. Its time-out
// may be 0, for ever.
//
// Cancellation: the server is told to end the command, and Wait waits for the reply. An item that
// the command has taken is returned, and the next await fails. Otherwise Wait returns the
// cancellation, and no item was taken. The connection is then free for others.
func Wait[T any](
	ctx context.Context, c *Client, fn func(ctx context.Context, r *redis.Conn) (T, error),
) (T, error) {
	return aio.ToThread(ctx, func(ctx context.Context) (v T, err error) {
		conn := c.waits.redis.Conn()
		defer conn.Close()
		id, err := conn.ClientID(ctx).Result()
		if err != nil {
			return v, err
		}
		answered, told := make(chan struct{}), make(chan struct{})
		free := context.WithoutCancel(ctx)
		stop := context.AfterFunc(ctx, func() {
			defer close(told)
			c.unblock(free, id, answered)
		})
		v, err = fn(free, conn)
		close(answered)
		if !stop() {
			<-told // or it would end the next command of this connection
		}
		return v, err
	}, aio.LimitedBy(c.waits.conns), aio.Joined())
}

// unblock tells the server to end the command of another connection. It does so until the command
// is answered, since the command may be on its way.
func (c *Client) unblock(ctx context.Context, id int64, answered <-chan struct{}) {
	for {
		_ = c.control.ClientUnblock(ctx, id).Err() // if the server is gone, so is the command
		select {
		case <-answered:
			return
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// Subscribe is the sequence of the messages of some channels. A slow loop body slows the server,
// which ends the subscription when its buffer is full. The sequence ends with an error if the
// connection does; aiter.Retry subscribes anew.
//
// Cancellation: the subscription is closed.
func (c *Client) Subscribe(
	ctx context.Context,
	channels ...string,
) iter.Seq2[*redis.Message, error] {
	return aiter.FromThread(
		ctx,
		0,
		func(ctx context.Context, yield func(*redis.Message) bool) error {
			sub := c.commands.redis.Subscribe(ctx, channels...)
			defer sub.Close()
			defer context.AfterFunc(ctx, func() { sub.Close() })() // which ends ReceiveMessage
			for {
				m, err := sub.ReceiveMessage(ctx)
				if err != nil || !yield(m) {
					return err
				}
			}
		},
	)
}

// ErrLockLost is the cause with which the body of WithLock is cancelled if the lock was lost: the
// server was away for longer than the lock lasts, or somebody deleted it.
var ErrLockLost = errors.New("redis: the lock was lost")

var (
	extend = redis.NewScript(
		`return redis.call("get", KEYS[1]) == ARGV[1] and redis.call("pexpire", KEYS[1],
			ARGV[2]) or 0`,
	)
	unlock = redis.NewScript(
		`return redis.call("get", KEYS[1]) == ARGV[1] and redis.call("del", KEYS[1]) or 0`)
)

// WithLock calls body while it holds a lock that programs on several machines share. The lock lasts
// for lasts, and is extended while body runs. If this program dies, others get it after that time.
// It is no queue: which of those that wait gets the lock is a matter of chance.
//
// Cancellation: the lock is released.
func (c *Client) WithLock(
	ctx context.Context, key string, lasts time.Duration, body func(ctx context.Context) error,
) error {
	token := strconv.FormatUint(rand.Uint64(), 36)
	for {
		got, err := Do(ctx, c, func(ctx context.Context, r *redis.Client) (bool, error) {
			return r.SetNX(ctx, key, token, lasts).Result()
		})
		if err != nil {
			return err
		}
		if got {
			break
		}
		pause := time.Millisecond + time.Duration(rand.Int64N(int64(10*time.Millisecond)))
		if err := aio.Sleep(ctx, pause); err != nil {
			return err
		}
	}
	defer Do(
		context.WithoutCancel(ctx),
		c,
		func(ctx context.Context, r *redis.Client) (any, error) {
			return unlock.Run(ctx, r, []string{key}, token).Result()
		},
	)
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		keeper := g.Go(func(ctx context.Context) error { return c.keep(ctx, key, token, lasts) })
		defer keeper.Cancel(nil)
		return body(ctx)
	})
}

// keep extends a lock until it is cancelled.
func (c *Client) keep(ctx context.Context, key, token string, lasts time.Duration) error {
	for {
		if err := aio.Sleep(ctx, lasts/3); err != nil {
			return err
		}
		held, err := Do(ctx, c, func(ctx context.Context, r *redis.Client) (int, error) {
			return extend.Run(ctx, r, []string{key}, token, lasts.Milliseconds()).Int()
		})
		if err != nil {
			return err
		}
		if held == 0 {
			return ErrLockLost
		}
	}
}
