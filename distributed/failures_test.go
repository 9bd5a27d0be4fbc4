package distributed_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/distributed"
	"github.com/aio-go/aio/executor"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// startServer starts a server with options of the test.
func startServer(t *testing.T, change func(o *server.Options)) string {
	t.Helper()
	o := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true,
		StoreDir: t.TempDir(), NoSigs: true, NoLog: true}
	if change != nil {
		change(o)
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server is not ready")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s.ClientURL()
}

func connect(ctx context.Context, url string, opts ...distributed.Option) error {
	c, err := distributed.Connect(ctx, url, opts...)
	if err == nil {
		c.Close()
	}
	return err
}

func TestABrokerThatCannotBeUsedIsAClearError(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		err := connect(ctx, "nats://127.0.0.1:1")
		if !errors.Is(err, nats.ErrNoServers) {
			t.Errorf("no server: %v", err)
		}
		secret := startServer(t, func(o *server.Options) { o.Authorization = "sesame" })
		if err := connect(ctx, secret); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("no token: %v", err)
		}
		if err := connect(ctx, strings.Replace(secret, "nats://", "nats://sesame@", 1)); err != nil {
			t.Errorf("token: %v", err)
		}
		plain := startServer(t, func(o *server.Options) { o.JetStream = false })
		if err := connect(ctx, plain); !errors.Is(err, distributed.ErrUnavailable) ||
			!strings.Contains(err.Error(), "no JetStream") {
			t.Errorf("no JetStream: %v", err)
		}
		if err := connect(ctx, older(t)); !errors.Is(err, distributed.ErrUnavailable) ||
			!strings.Contains(err.Error(), "version 2.9.1") {
			t.Errorf("old: %v", err)
		}
		if err := connect(ctx, "http://["); err == nil {
			t.Error("a malformed URL is accepted")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// older is a server that says it has an old version.
func older(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				fmt.Fprintf(conn, "INFO {\"server_id\":\"x\",\"version\":\"2.9.1\",\"max_payload\":1048576,\"headers\":true}\r\n")
				buf := make([]byte, 1024)
				for {
					n, err := conn.Read(buf)
					if err != nil {
						return
					}
					if strings.Contains(string(buf[:n]), "PING") {
						io.WriteString(conn, "PONG\r\n")
					}
				}
			}()
		}
	}()
	return "nats://" + l.Addr().String()
}

func TestAFunctionThatNoWorkerHasIsAClearErrorAfterSomeTime(t *testing.T) {
	with(t, func(ctx context.Context, c *distributed.Client) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			defer g.Cancel(nil)
			g.Go(func(ctx context.Context) error {
				return distributed.Work(ctx, c, distributed.AwaitFunction(300*time.Millisecond))
			})
			_, err := c.Execute(ctx, executor.Job{ID: "1", Name: "nobody has this"})
			var dead *distributed.FailedError
			if !errors.Is(err, executor.ErrNotRegistered) || !errors.As(err, &dead) ||
				len(dead.Failures) != 1 {
				t.Fatalf("%v", err)
			}
			for _, text := range []string{"no worker had the function within ", "(asked: smith)", `"nobody has this"`} {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("no %q in %v", text, err)
				}
			}
			n := 0
			for d, err := range c.Dead(ctx) {
				if n++; err != nil || d.Name != "nobody has this" {
					t.Errorf("%+v, %v", d, err)
				}
			}
			if n != 1 {
				t.Errorf("%d dead jobs", n)
			}
			return nil
		})
	}, distributed.Name("smith"))
}

// old is the executor of a worker from before a function was written.
type old struct{}

func (old) Execute(ctx context.Context, job executor.Job) ([]byte, error) {
	return nil, fmt.Errorf("%w: %q", executor.ErrNotRegistered, job.Name)
}

// While a program is being replaced old workers hand new jobs back, and lose none of their attempts.
func TestAWorkerWithoutTheFunctionLeavesTheJobToAnother(t *testing.T) {
	with(t, func(ctx context.Context, c *distributed.Client) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			defer g.Cancel(nil)
			var refused aiosync.Event
			g.Go(func(ctx context.Context) error {
				for ev, err := range c.Events(ctx) {
					if err != nil {
						return err
					}
					if ev.Kind == distributed.JobReturned &&
						strings.Contains(ev.Error, `"square"`) {
						refused.Set()
					}
				}
				return nil
			})
			g.Go(func(ctx context.Context) error {
				return distributed.Work(ctx, c, distributed.On(old{}))
			})
			first := aio.CreateTask(executor.With(ctx, c), aio.Bind(square.Run, 5))
			if err := refused.Wait(ctx); err != nil { // the old worker has had it
				return err
			}
			g.Go(func(ctx context.Context) error { return distributed.Work(ctx, c) })
			if n, err := first.Await(ctx); n != 25 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			squares, err := aio.Map(
				executor.With(ctx, c),
				[]int{1, 2, 3, 4, 5, 6, 7, 8},
				square.Run,
			)
			if got := fmt.Sprint(squares); got != "[1 4 9 16 25 36 49 64]" || err != nil {
				t.Errorf("%s, %v", got, err)
			}
			return nil
		})
	}, distributed.Attempts(1))
}

// gate is a function that runs until it is opened.
var (
	opened  = make(chan struct{}, 1)
	entered = make(chan struct{}, 1)
	gate    = executor.Register("gate", func(ctx context.Context, _ aio.None) (aio.None, error) {
		entered <- struct{}{}
		<-opened
		return aio.None{}, nil
	})
)

// An idle worker without the function ends no job that a busy one can do, however long that takes.
func TestAJobWhoseFunctionABusyWorkerHasWaitsForThatWorker(t *testing.T) {
	url := startServer(t, nil)
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			defer g.Cancel(nil)
			work := func(opts ...distributed.WorkOption) (*distributed.Client, error) {
				c, err := distributed.Connect(ctx, url)
				if err == nil {
					opts = append(opts, distributed.AwaitFunction(100*time.Millisecond))
					g.Go(func(ctx context.Context) error { return distributed.Work(ctx, c, opts...) })
				}
				return c, err
			}
			busy, err := work(distributed.Concurrency(1))
			if err != nil {
				return err
			}
			defer busy.Close()
			long := aio.CreateTask(executor.With(ctx, busy), aio.Bind(gate.Run, aio.None{}))
			if _, _, err := aio.Recv(ctx, entered); err != nil {
				return err
			}
			idle, err := work(distributed.On(old{}))
			if err != nil {
				return err
			}
			defer idle.Close()
			returns := 0
			g.Go(func(ctx context.Context) error {
				for ev, err := range idle.Events(ctx) {
					if err != nil {
						return err
					}
					if ev.Kind != distributed.JobReturned {
						continue
					}
					if returns++; returns == 5 { // after 1.5 seconds
						opened <- struct{}{}
					}
				}
				return nil
			})
			n, err := square.With(executor.On(idle)).Run(ctx, 5)
			if n != 25 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			if returns < 5 {
				t.Errorf("%d returns", returns)
				opened <- struct{}{}
			}
			_, err = long.Await(ctx)
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

var lacking = executor.Register("lacking", func(ctx context.Context, n int) (int, error) {
	_, err := executor.Call(ctx, executor.Job{Name: "another one"})
	return n, err
})

func TestAFunctionThatLacksAnotherOneHasFailed(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		_, err := lacking.With(executor.On(c)).Run(ctx, 1)
		var dead *distributed.FailedError
		if !errors.As(err, &dead) || len(dead.Failures) != 2 ||
			!errors.Is(err, executor.ErrNotRegistered) {
			t.Errorf("%v", err)
		}
		return nil
	}, distributed.Attempts(2))
}

func TestAFullStoreRefusesJobsAndLosesNone(t *testing.T) {
	url := startServer(t, func(o *server.Options) { o.JetStreamMaxStore = 2 << 20 })
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		c, err := distributed.Connect(ctx, url)
		if err != nil {
			return err
		}
		defer c.Close()
		var handles []*distributed.Handle[[]byte]
		data := make([]byte, 100<<10)
		for {
			h, err := distributed.Submit(ctx, c, echo, data)
			if errors.Is(err, distributed.ErrStorage) {
				break
			}
			if err != nil {
				return err
			}
			if handles = append(handles, h); len(handles) > 100 {
				return errors.New("the store is never full")
			}
		}
		s, err := c.Stats(ctx)
		if err != nil || s.Waiting[distributed.Normal] != len(handles) {
			t.Errorf("%d jobs were accepted; %+v, %v", len(handles), s, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestACorruptedStoreIsAClearErrorOrIsRepaired(t *testing.T) {
	dir := t.TempDir()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		c, err := distributed.Open(ctx, distributed.Embedded(dir))
		if err != nil {
			return err
		}
		if _, err := distributed.Submit(ctx, c, square, 1); err != nil {
			return err
		}
		c.Close()
		err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				return os.WriteFile(path, []byte("garbage"), 0o600)
			}
			return err
		})
		if err != nil {
			return err
		}
		c, err = distributed.Open(ctx, distributed.Embedded(dir))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "distributed: ") {
				t.Errorf("%v", err)
			}
			return nil
		}
		defer c.Close()
		_, err = distributed.Submit(ctx, c, square, 2) // it goes on with an empty store
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNothingIsLeftOfAClosedClient(t *testing.T) {
	before := runtime.NumGoroutine()
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		h, err := distributed.Submit(ctx, c, square, 3)
		if err != nil {
			return err
		}
		_, err = h.Await(ctx)
		return err
	})
	deadline := time.Now().Add(20 * time.Second)
	for runtime.NumGoroutine() > before+3 { // those of the server end a little later
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before,
				buf[:runtime.Stack(buf, true)])
		}
		runtime.Gosched()
	}
}

func TestCloseEndsThoseWhoWait(t *testing.T) {
	with(t, func(ctx context.Context, c *distributed.Client) error {
		waiting := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			return square.Run(executor.With(ctx, c), 3)
		})
		for c.Counts().Submitted == 0 {
			if err := aio.Sleep(ctx, time.Millisecond); err != nil {
				return err
			}
		}
		c.Close()
		if _, err := waiting.Await(ctx); !errors.Is(err, distributed.ErrClosed) {
			t.Errorf("%v", err)
		}
		if _, err := distributed.Submit(ctx, c, square, 1); !errors.Is(err, distributed.ErrClosed) {
			t.Errorf("%v", err)
		}
		return nil
	})
}

func TestAnotherClientDoesTheJobsAndFindsThem(t *testing.T) {
	url := startServer(t, nil)
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			one, err := distributed.Connect(ctx, url)
			if err != nil {
				return err
			}
			defer one.Close()
			two, err := distributed.Connect(ctx, url)
			if err != nil {
				return err
			}
			defer two.Close()
			h, err := distributed.Submit(ctx, one, steps, 3)
			if err != nil {
				return err
			}
			seen, err := distributed.Find(two, steps, h.ID())
			if err != nil {
				return err
			}
			found := aio.CreateTask(ctx, seen.Await)
			var reports []int
			watched := g.Go(func(ctx context.Context) error {
				for n, err := range distributed.Progress[int](ctx, h) {
					if err != nil {
						return err
					}
					reports = append(reports, n)
				}
				return nil
			})
			if err := aio.Sleep(ctx, 200*time.Millisecond); err != nil { // the watchers subscribe
				return err
			}
			worker := g.Go(func(ctx context.Context) error { return distributed.Work(ctx, two) })
			defer worker.Cancel(nil)
			if text, err := found.Await(ctx); text != "complete" || err != nil {
				t.Errorf("%q, %v", text, err)
			}
			if _, err := watched.Await(ctx); err != nil {
				return err
			}
			if fmt.Sprint(reports) != "[0 1 2]" {
				t.Errorf("%v", reports)
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestADeadJobGetsNewAttempts(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		h, err := distributed.Submit(ctx, c, failing, "first", distributed.Tries(1))
		if err != nil {
			return err
		}
		var dead *distributed.FailedError
		if _, err := h.Await(ctx); !errors.As(err, &dead) || len(dead.Failures) != 1 {
			t.Errorf("%v", err)
		}
		for d, err := range c.Dead(ctx) {
			if err != nil {
				return err
			}
			if err := c.Retry(ctx, d); err != nil {
				return err
			}
			break
		}
		again, err := distributed.Find(c, failing, h.ID())
		if err != nil {
			return err
		}
		if _, err := again.Await(ctx); !errors.As(err, &dead) || len(dead.Failures) != 1 {
			t.Errorf("%v", err)
		}
		n := 0
		for d, err := range c.Dead(ctx) {
			if err != nil {
				return err
			}
			if n++; d.ID != h.ID() {
				t.Errorf("%+v", d)
			}
		}
		if n != 1 {
			t.Errorf("%d dead jobs", n)
		}
		return nil
	})
}

type picture struct{ Path string }

var render = executor.Register("render", func(ctx context.Context, p picture) (picture, error) {
	if p.Path == "" {
		return p, distributed.Permanent(errors.New("no path"))
	}
	return picture{p.Path + ".png"}, nil
}, executor.Encoding(executor.JSON))

func TestAJobInJSONCanBeReadInTheQueue(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		h, err := distributed.Submit(ctx, c, render, picture{"a"}, distributed.Then("render"))
		if err != nil {
			return err
		}
		if p, err := h.Await(ctx); err != nil || p.Path != "a.png.png" {
			t.Errorf("rendered %v, %v", p, err)
		}
		if h, err = distributed.Submit(ctx, c, render, picture{}); err != nil {
			return err
		}
		if _, err := h.Await(ctx); err == nil {
			t.Error("it did not fail")
		}
		for d, err := range c.Dead(ctx) {
			if err != nil || string(d.Args) != `{"Path":""}` {
				t.Errorf("dead: %s, %v", d.Args, err)
			}
		}
		return nil
	})
}
