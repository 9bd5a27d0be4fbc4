//go:build unix

package redis

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
	"github.com/aio-go/aio/examples/bridges/internal/trial"
	"github.com/aio-go/aio/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// serve starts a server that keeps its data on the disk.
func serve(t *testing.T) (*trial.Process, *redis.Options) {
	t.Helper()
	dir, err := os.MkdirTemp("", "redis") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	o := &redis.Options{Network: "unix", Addr: filepath.Join(dir, "s"), PoolSize: 4}
	ready := func() error {
		r := redis.NewClient(o)
		defer r.Close()
		return r.Ping(context.Background()).Err()
	}
	return trial.Start(t, dir, ready, "redis-server", "--port", "0", "--unixsocket", o.Addr,
		"--dir", dir, "--save", "", "--appendonly", "yes", "--appendfsync", "no"), o
}

// run runs main with a client, and checks that it leaves no connection and no token.
func run(t *testing.T, o *redis.Options, main func(ctx context.Context, c *Client) error) {
	t.Helper()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		c := Open(o)
		defer c.Close()
		err := main(ctx, c)
		if a, b := c.commands.conns.Available(), c.waits.conns.Available(); a != 4 || b != 4 {
			t.Errorf("free connections: %d and %d of 4", a, b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r := redis.NewClient(o)
	defer r.Close()
	for list := ""; ; time.Sleep(time.Millisecond) { // the server notices in its own time
		if list = r.ClientList(t.Context()).Val(); strings.Count(list, "\n") == 1 {
			return
		}
		if t.Context().Err() != nil {
			t.Fatalf("connections:\n%s", list)
		}
	}
}

// A command that may be made again: it counts each operation once.
var count = redis.NewScript(
	`if redis.call("sadd", KEYS[1], ARGV[1]) == 1 then redis.call("incr", KEYS[2]) end return 1`)

func TestTheAccountOfCommandsIsExactThroughTheDeathOfTheServer(t *testing.T) {
	server, o := serve(t)
	run(t, o, func(ctx context.Context, c *Client) error {
		account, err := trial.Run(ctx, 1, trial.Size(), func(ctx context.Context, id int) error {
			_, err := Do(ctx, c, func(ctx context.Context, r *redis.Client) (any, error) {
				return count.Run(ctx, r, []string{"operations", "total"}, id).Result()
			})
			return err
		}, func(ctx context.Context) error {
			return aio.Blocking(ctx, func(context.Context) error {
				server.Kill()
				server.Restart()
				return nil
			})
		})
		if err != nil {
			return err
		}
		t.Log(account)
		if account.Failures == 0 {
			t.Error("nobody has noticed the death of the server")
		}
		members, err := Do(ctx, c, func(ctx context.Context, r *redis.Client) ([]string, error) {
			return r.SMembers(ctx, "operations").Result()
		})
		if err != nil {
			return err
		}
		total, err := Do(ctx, c, func(ctx context.Context, r *redis.Client) (int, error) {
			return r.Get(ctx, "total").Int()
		})
		if total != len(members) {
			t.Errorf("total: %d, operations: %d", total, len(members))
		}
		made := map[int]bool{}
		for _, m := range members {
			id, _ := strconv.Atoi(m)
			if made[id] = true; !account.Done[id] && !account.Cancelled[id] {
				t.Errorf("operation %q was never made", m)
			}
		}
		for id := range account.Done {
			if !made[id] {
				t.Errorf("operation %d is lost", id)
			}
		}
		return err
	})
}

func TestACancelledBLPOPLosesNoItemAndHoldsNoConnection(t *testing.T) {
	_, o := serve(t)
	run(t, o, func(ctx context.Context, c *Client) error {
		pop := func(ctx context.Context) (string, error) {
			return Wait(ctx, c, func(ctx context.Context, r *redis.Conn) (string, error) {
				item, err := r.BLPop(ctx, 0, "items").Result()
				if err != nil {
					return "", err
				}
				return item[1], nil
			})
		}

		// All connections wait for items. When they are cancelled, all are free at once.
		var waiting []*aio.Task[string]
		for range o.PoolSize {
			waiting = append(waiting, aio.CreateTask(ctx, pop))
		}
		for blocked := 0; blocked < o.PoolSize; {
			list, err := aio.ToThread(ctx, func(ctx context.Context) (string, error) {
				return c.control.ClientList(ctx).Result()
			})
			if err != nil {
				return err
			}
			blocked = strings.Count(list, "cmd=blpop")
		}
		for _, w := range waiting {
			w.Cancel(nil)
		}
		if _, err := aio.GatherSettled(ctx, waiting...); err != nil {
			return err
		}
		for _, w := range waiting {
			if !w.Cancelled() {
				t.Errorf("the outcome of a cancelled BLPOP is %v", w.Err())
			}
		}
		if free := c.waits.conns.Available(); free != o.PoolSize {
			t.Errorf("free connections: %d", free)
		}

		// Items come while tasks that wait for them are cancelled.
		got := map[string]int{}
		n := trial.Size()
		account, err := trial.Run(ctx, 2, n, func(ctx context.Context, id int) error {
			if id%2 == 0 {
				_, err := Do(ctx, c, func(ctx context.Context, r *redis.Client) (int64, error) {
					return r.RPush(ctx, "items", id, id).Result()
				})
				return err
			}
			item, err := pop(ctx)
			if err == nil {
				got[item]++
				err = aio.Yield(ctx)
			}
			return err
		}, func(ctx context.Context) error {
			_, err := Do(ctx, c, func(ctx context.Context, r *redis.Client) (any, error) {
				return r.Pipelined(ctx, func(p redis.Pipeliner) error {
					for i := range n { // enough for all that wait
						p.RPush(ctx, "items", "more "+strconv.Itoa(i))
					}
					return nil
				})
			})
			return err
		})
		if err != nil {
			return err
		}
		t.Log(account)
		left, err := Do(ctx, c, func(ctx context.Context, r *redis.Client) ([]string, error) {
			return r.LRange(ctx, "items", 0, -1).Result()
		})
		for _, item := range left {
			got[item]++
		}
		for id := 0; id < n; id += 2 { // each push brings two
			if account.Done[id] && got[strconv.Itoa(id)] != 2 {
				t.Errorf("item %d is there %d times", id, got[strconv.Itoa(id)])
			}
		}
		for i := range n {
			if item := "more " + strconv.Itoa(i); got[item] != 1 {
				t.Errorf("%s is there %d times", item, got[item])
			}
		}
		return err
	})
}

func TestAPipelineIsOneCall(t *testing.T) {
	_, o := serve(t)
	run(t, o, func(ctx context.Context, c *Client) error {
		replies, err := Do(ctx, c, func(ctx context.Context, r *redis.Client) ([]redis.Cmder, error) {
			return r.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Set(ctx, "a", 1, 0)
				p.Incr(ctx, "a")
				p.Get(ctx, "a")
				return nil
			})
		})
		if len(replies) != 3 || replies[2].(*redis.StringCmd).Val() != "2" {
			t.Errorf("the replies: %v", replies)
		}
		return err
	})
}

func TestMessagesAreASequenceThatClosesItsSubscription(t *testing.T) {
	server, o := serve(t)
	run(t, o, func(ctx context.Context, c *Client) error {
		publish := func(ctx context.Context, i int) error {
			for { // until somebody listens
				n, err := Do(ctx, c, func(ctx context.Context, r *redis.Client) (int64, error) {
					return r.Publish(ctx, "prices", i).Result()
				})
				if n > 0 {
					return nil
				}
				if err == nil || !errors.Is(err, aio.ErrCancelled) {
					err = aio.Sleep(ctx, time.Millisecond)
				}
				if err != nil {
					return err
				}
			}
		}
		for round := range 2 {
			got := 0
			err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				publisher := g.Go(func(ctx context.Context) error {
					for i := range 101 {
						if err := publish(ctx, i); err != nil {
							return err
						}
					}
					return nil
				})
				defer publisher.Cancel(nil)
				for m, err := range c.Subscribe(ctx, "prices") {
					if err != nil {
						return err
					}
					if m.Payload != strconv.Itoa(got) {
						t.Errorf("message %d is %s", got, m.Payload)
					}
					if got++; got == 100 {
						break
					}
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("round %d: %w", round, err)
			}
		}

		// The server dies: the sequence ends with an error, and Retry makes another one.
		got := 0
		retry := aiter.Backoff{First: time.Millisecond, Max: 10 * time.Millisecond}
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			defer g.Go(func(ctx context.Context) error {
				for i := 0; ; i++ {
					if err := publish(ctx, i); err != nil {
						return err
					}
				}
			}).Cancel(nil)
			for _, err := range aiter.Retry(ctx, retry,
				func(ctx context.Context, _ int) iter.Seq2[*redis.Message, error] {
					return c.Subscribe(ctx, "prices")
				}) {
				if err != nil {
					return err
				}
				if got++; got == 50 {
					err := aio.Blocking(ctx, func(context.Context) error {
						server.Kill()
						server.Restart()
						return nil
					})
					if err != nil {
						return err
					}
				}
				if got == 100 {
					break
				}
			}
			return nil
		})
	})
}

func TestALockIsHeldByOneTaskAndReleasedByThoseThatAreCancelled(t *testing.T) {
	_, o := serve(t)
	run(t, o, func(ctx context.Context, c *Client) error {
		get := func(ctx context.Context) (int, error) {
			return Do(ctx, c, func(ctx context.Context, r *redis.Client) (int, error) {
				v, err := r.Get(ctx, "value").Int()
				if err == redis.Nil {
					err = nil
				}
				return v, err
			})
		}
		inside, most, made := 0, 0, 0
		account, err := trial.Run(ctx, 3, trial.Size()/50, func(ctx context.Context, id int) error {
			return c.WithLock(ctx, "lock", time.Minute, func(ctx context.Context) error {
				inside++
				most = max(most, inside)
				defer func() { inside-- }()
				v, err := get(ctx)
				if err != nil {
					return err
				}
				_, err = Do(ctx, c, func(ctx context.Context, r *redis.Client) (string, error) {
					return r.Set(ctx, "value", v+1, 0).Result()
				})
				if err == nil {
					made++
				}
				return err
			})
		}, nil)
		if err != nil {
			return err
		}
		v, err := get(ctx)
		t.Log(account, "value:", v)
		if v != made || most != 1 {
			t.Errorf("the value is %d after %d changes, with %d at a time", v, made, most)
		}
		return err
	})
}

func TestTheBodyOfALockThatIsLostIsCancelled(t *testing.T) {
	_, o := serve(t)
	run(t, o, func(ctx context.Context, c *Client) error {
		err := c.WithLock(ctx, "lock", 30*time.Millisecond, func(ctx context.Context) error {
			_, err := Do(ctx, c, func(ctx context.Context, r *redis.Client) (int64, error) {
				return r.Del(ctx, "lock").Result()
			})
			if err != nil {
				return err
			}
			return aio.Sleep(ctx, time.Hour)
		})
		if !errors.Is(err, ErrLockLost) {
			t.Errorf("error: %v", err)
		}
		return nil
	})
}
