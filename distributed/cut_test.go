package distributed_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/distributed"
	"github.com/aio-go/aio/executor"
)

// cable is a proxy in front of a server that can be cut: connections stay, and no byte passes.
type cable struct {
	l     net.Listener
	to    string
	mu    sync.Mutex
	mend  sync.Cond
	isCut bool
}

func newCable(t *testing.T, server string) *cable {
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{to: u.Host}
	c.mend.L = &c.mu
	if c.l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.cut(false); c.l.Close() })
	go func() {
		for {
			a, err := c.l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", c.to)
			if err != nil {
				a.Close()
				continue
			}
			go c.pass(a, b)
			go c.pass(b, a)
		}
	}()
	return c
}

func (c *cable) url() string { return "nats://" + c.l.Addr().String() }

func (c *cable) cut(cut bool) {
	c.mu.Lock()
	c.isCut = cut
	c.mend.Broadcast()
	c.mu.Unlock()
}

func (c *cable) pass(to, from net.Conn) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		c.mu.Lock()
		for c.isCut {
			c.mend.Wait()
		}
		c.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			if err != io.EOF {
				return
			}
			return
		}
	}
}

// store is where functions write. It takes one value for each key.
var store struct {
	mu     sync.Mutex
	values map[string]int
	again  int
}

var commit = executor.Register("commit", func(ctx context.Context, n int) (int, error) {
	job, _ := executor.Current(ctx)
	time.Sleep(5 * time.Millisecond) // work that does not look at its context
	store.mu.Lock()
	defer store.mu.Unlock()
	if _, ok := store.values[job.ID]; ok {
		store.again++
		return n, nil
	}
	store.values[job.ID] = n
	return n, nil
})

// The network of a worker is cut for several leases. Its jobs go to the other one, and each key is
// written once.
func TestAWorkerBehindACutNetworkKeepsNoJobFromBeingDone(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	store.values = map[string]int{}
	server := startServer(t, nil)
	wire := newCable(t, server)
	opts := []distributed.Option{distributed.Lease(500 * time.Millisecond), distributed.Attempts(20)}
	const jobs = 400
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for _, url := range []string{server, wire.url()} {
				c, err := distributed.Connect(ctx, url, opts...)
				if err != nil {
					return err
				}
				defer c.Close()
				g.Go(func(ctx context.Context) error {
					return distributed.Work(ctx, c, distributed.Concurrency(2))
				})
			}
			c, err := distributed.Connect(ctx, server, opts...)
			if err != nil {
				return err
			}
			defer c.Close()
			loop := aio.RunningLoop(ctx)
			loop.CallLater(200*time.Millisecond, func() { wire.cut(true) })
			loop.CallLater(2200*time.Millisecond, func() { wire.cut(false) })
			numbers := make([]int, jobs)
			for i := range numbers {
				numbers[i] = i
			}
			got, err := aio.Map(executor.With(ctx, c), numbers, commit.Run, aio.Limit(100))
			if err != nil {
				return err
			}
			for i, n := range got {
				if n != i {
					t.Errorf("job %d has the result %d", i, n)
				}
			}
			g.Cancel(nil)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(store.values) != jobs {
		t.Errorf("%d of %d keys are written", len(store.values), jobs)
	}
	t.Logf("%d runs found their key written", store.again)
}
