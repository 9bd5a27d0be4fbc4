package aiocache_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiocache"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/stream"
)

// A cache in front of a server, whose connections fail: nothing is older than its time, an error is
// not kept, a key is asked for once at a time, and nobody waits for good.
func TestACacheIsNeverTooOldWhateverGoesWrong(t *testing.T) {
	const ttl = 20 * time.Second
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{
			Resets: 2, HalfOpen: 1, SlowReaders: 1, Partitions: 1, Crashes: 1,
		})
		w.SetLink(aiotest.Link{Latency: 10 * time.Millisecond})
		loop := aio.RunningLoop(ctx)
		begin := loop.Time()
		w.Host("db").Boot(func(ctx context.Context) error { // tells the time
			server, err := stream.Serve(ctx, "tcp", ":80",
				func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
					if _, err := r.ReadLine(ctx); err == nil {
						fmt.Fprintln(w, int64(loop.Time().Sub(begin)))
					}
					return nil
				})
			if err != nil {
				return err
			}
			defer server.Close()
			return server.ServeForever(ctx)
		})
		ctx = w.Host("app").Context(ctx)
		asking := map[string]bool{}
		cache := aiocache.New(func(ctx context.Context, key string) (d time.Duration, err error) {
			if asking[key] {
				t.Errorf("%s is asked for twice at a time", key)
			}
			asking[key] = true
			defer delete(asking, key)
			err = aio.Timeout(ctx, 5*time.Second, func(ctx context.Context) error {
				r, out, err := stream.Open(ctx, "tcp", "db:80")
				if err != nil {
					return err
				}
				defer out.Abort()
				fmt.Fprintln(out, key)
				line, err := r.ReadLine(ctx)
				if err != nil {
					return err
				}
				n, err := strconv.ParseInt(strings.TrimSpace(string(line)), 10, 64)
				d = time.Duration(n)
				return err
			})
			return d, err
		}, aiocache.TTL(ttl))
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 3 {
				g.Go(func(ctx context.Context) error {
					failed := false
					for range 8 {
						asked := loop.Time()
						d, err := cache.Get(ctx, fmt.Sprint("key-", i%2))
						now := loop.Time()
						if took := now.Sub(asked); took > 6*time.Second {
							t.Errorf("it took %v", took)
						}
						// the value may have been on its way for some time
						if age := now.Sub(begin) - d; err == nil && age > ttl+5*time.Second {
							t.Errorf("the value is %v old", age)
						}
						if failed && err != nil && now.Equal(asked) {
							t.Error("an error is kept")
						}
						failed = err != nil
						if err := aio.Sleep(ctx, 7*time.Second); err != nil {
							return err
						}
					}
					return nil
				})
			}
			return nil
		})
	}, aiotest.Schedules(150), aiotest.DocumentedOrder())
}
