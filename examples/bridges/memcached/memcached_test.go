//go:build unix

package memcached

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/bridges/internal/trial"
	"github.com/aio-go/aio/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const size = 8

func serve(t *testing.T) (p *trial.Process, socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "mc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	ready := func() error {
		mc := memcache.New(socket)
		defer mc.Close()
		return mc.Ping()
	}
	return trial.Start(t, dir, ready, "memcached", "-s", socket, "-u", me.Username), socket
}

func add1(old []byte) []byte {
	n, _ := strconv.Atoi(string(old))
	return strconv.AppendInt(nil, int64(n+1), 10)
}

func TestTheAccountIsExactThroughTheDeathOfTheServer(t *testing.T) {
	server, socket := serve(t)
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		c := Open(size, socket)
		defer c.Close()
		life, made := 0, map[string]int{} // what each counter of each life of the server must be
		trialOf := func(seed uint64, halfway func(context.Context) error) error {
			account, err := trial.Run(ctx, seed, trial.Size()/2, func(ctx context.Context, id int) error {
				key := fmt.Sprintf("life-%d-counter-%d", life, id%10)
				if id%3 == 0 {
					key += "-cas"
					err := c.Update(ctx, key, add1)
					if err == nil {
						made[key]++
					}
					return err
				}
				_, err := Do(ctx, c, func(mc *memcache.Client) (uint64, error) {
					_ = mc.Add(&memcache.Item{Key: key, Value: []byte("0")})
					return mc.Increment(key, 1)
				})
				if err == nil {
					made[key]++
				}
				return err
			}, halfway)
			t.Log(account)
			return err
		}
		check := func() error {
			for i := range 20 {
				key := fmt.Sprintf("life-%d-counter-%d", life, i%10)
				if i >= 10 {
					key += "-cas"
				}
				item, err := Do(ctx, c, func(mc *memcache.Client) (*memcache.Item, error) {
					return mc.Get(key)
				})
				if err != nil {
					return err
				}
				if string(item.Value) != strconv.Itoa(made[key]) {
					t.Errorf("%s is %s after %d changes", key, item.Value, made[key])
				}
			}
			return nil
		}
		if err := trialOf(1, nil); err != nil {
			return err
		}
		if err := check(); err != nil {
			return err
		}
		err := trialOf(2, func(ctx context.Context) error {
			err := aio.Blocking(ctx, func(context.Context) error { server.Kill(); return nil })
			if err != nil {
				return err
			}
			life++ // nothing is left of the counters before
			return aio.Blocking(ctx, func(context.Context) error { server.Restart(); return nil })
		})
		if err != nil {
			return err
		}
		if free := c.conns.Available(); free != size {
			t.Errorf("free connections: %d", free)
		}
		return check()
	})
	if err != nil {
		t.Fatal(err)
	}
}
