package aiotest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/internal/looptest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// inWorld runs fn in a world of two hosts, of which db serves lines.
func inWorld(
	t *testing.T,
	fn func(ctx context.Context, t *aiotest.T, w *aiotest.World, since func() time.Duration) error,
) {
	t.Helper()
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{})
		w.Host("db").Boot(func(ctx context.Context) error {
			return lines(ctx, func(line string) string { return line + "!\n" })
		})
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		begin := aio.RunningLoop(ctx).Time()
		return fn(w.Host("app").Context(ctx), t, w, func() time.Duration {
			return aio.RunningLoop(ctx).Time().Sub(begin)
		})
	})
}

func TestALinkHasLatencyAndBandwidth(t *testing.T) {
	inWorld(t, func(
		ctx context.Context, t *aiotest.T, w *aiotest.World, since func() time.Duration,
	) error {
		w.SetLink(aiotest.Link{Latency: 10 * time.Millisecond})
		r, out, err := stream.Open(ctx, "tcp", "db:80")
		if err != nil {
			return err
		}
		defer out.Close()
		if d := since(); d != 20*time.Millisecond {
			t.Errorf("connecting takes %v, want there and back", d)
		}
		io.WriteString(out, "hello\n")
		if line, err := r.ReadLine(ctx); err != nil || string(line) != "hello!\n" {
			t.Errorf("the answer is %q, %v", line, err)
		}
		if d := since(); d != 40*time.Millisecond {
			t.Errorf("the answer is there after %v", d)
		}
		w.SetLinkBetween(w.Host("app"), w.Host("db"), aiotest.Link{Bandwidth: 1000})
		io.WriteString(out, fmt.Sprintf("%0999d\n", 0)) // a second each way
		if _, err := r.ReadLine(ctx); err != nil {
			return err
		}
		if d := since(); d != 2*time.Second+41*time.Millisecond {
			t.Errorf("1,000 bytes there and 1,001 back at 1,000 a second: it is %v", d)
		}
		return nil
	})
}

func TestAConnectionOutlivesAShortPartition(t *testing.T) {
	inWorld(t, func(
		ctx context.Context, t *aiotest.T, w *aiotest.World, since func() time.Duration,
	) error {
		r, out, err := stream.Open(ctx, "tcp", "db:80")
		if err != nil {
			return err
		}
		defer out.Close()
		heal := w.Partition(w.Host("db"))
		io.WriteString(out, "hello\n")
		aio.RunningLoop(ctx).NewTimer(heal).Start(time.Minute)
		if line, err := r.ReadLine(ctx); err != nil || string(line) != "hello!\n" || since() != time.Minute {
			t.Errorf("the answer is %q, %v, after %v", line, err, since())
		}
		w.Partition(w.Host("app"))
		if _, err := r.ReadLine(ctx); !errors.Is(err, syscall.ETIMEDOUT) {
			t.Errorf("got %v, want a time-out", err)
		}
		if d := since(); d != time.Minute+150*time.Second {
			t.Errorf("the silence has lasted until %v", d)
		}
		err = aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
			_, _, err := stream.Open(ctx, "tcp", "db:80")
			return err
		})
		if !errors.Is(err, syscall.ETIMEDOUT) {
			t.Errorf("connecting: got %v, want a time-out", err)
		}
		return nil
	})
}

func TestACrashedHostForgetsItsConnections(t *testing.T) {
	inWorld(t, func(
		ctx context.Context, t *aiotest.T, w *aiotest.World, since func() time.Duration,
	) error {
		open := func() (*stream.Reader, *stream.Writer) {
			r, out, err := stream.Open(ctx, "tcp", "db:80")
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(out, "hello\n")
			if _, err := r.ReadLine(ctx); err != nil {
				t.Fatal(err)
			}
			return r, out
		}
		r, out := open()
		defer out.Close()
		quiet, quietOut := open()
		defer quietOut.Close()
		db := w.Host("db")
		db.Crash()
		io.WriteString(out, "anybody there?\n")
		aio.RunningLoop(ctx).NewTimer(db.Restart).Start(10 * time.Second)
		if _, err := r.ReadLine(ctx); !errors.Is(err, syscall.ECONNRESET) || since() != 11*time.Second {
			t.Errorf("got %v after %v, want a reset when it is sent again", err, since())
		}
		if _, err := quiet.ReadLine(ctx); !errors.Is(err, syscall.ECONNRESET) || since() != 25*time.Second {
			t.Errorf("got %v after %v, want a reset at the next probe", err, since())
		}
		_, out = open() // it is there again
		out.Close()
		return nil
	})
}

func TestATestSaysWhereAHostIs(t *testing.T) {
	inWorld(t, func(
		ctx context.Context, t *aiotest.T, w *aiotest.World, since func() time.Duration,
	) error {
		var no *transport.ConnectError
		if _, err := transport.Resolve(ctx, "tcp", "nobody:80"); err == nil || errors.As(err, &no) {
			t.Errorf("the name of no host: %v", err)
		}
		if _, _, err := stream.Open(ctx, "tcp", "10.9.9.9:80"); !errors.Is(err, syscall.EHOSTUNREACH) {
			t.Errorf("the address of no host: %v", err)
		}
		if _, _, err := stream.Open(ctx, "tcp", "localhost:80"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("db listens on another host: %v", err)
		}
		real := transport.WithNetwork(ctx, transport.Portable()) // of a program that wants it
		r, out, err := stream.Open(real, "tcp", "db:80")
		if err != nil {
			return err
		}
		out.Close()
		_, err = r.ReadAll(ctx)
		return err
	})
	for _, name := range []string{"", "localhost", "10.0.0.1"} {
		aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
			w := aiotest.NewWorld(ctx, t, aiotest.Faults{})
			if v := looptest.PanicOf(func() { w.Host(name) }); v == nil {
				t.Errorf("%q is the name of a host", name)
			}
			return nil
		})
	}
}

// A program of tasks, HTTP and retries, under everything that can go wrong: it loses nothing.
func TestAProgramThatIsRightHoldsUnderAllFaults(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{
			Resets: 2, HalfOpen: 1, SlowReaders: 1, Partitions: 1, OneWay: 1, Lookups: 1, Crashes: 1,
		})
		w.SetLink(aiotest.Link{Latency: time.Millisecond, Jitter: 5 * time.Millisecond})
		done := map[string]bool{} // stands for a disk
		w.Host("db").Boot(func(ctx context.Context) error {
			mux := http.NewServeMux()
			mux.HandleFunc("PUT /{key}", func(w http.ResponseWriter, r *http.Request) {
				if err := aio.Sleep(r.Context(), time.Millisecond); err == nil {
					done[r.PathValue("key")] = true
					io.WriteString(w, "ok")
				}
			})
			server, err := aiohttp.Serve(ctx, "tcp", ":80", mux)
			if err != nil {
				return err
			}
			defer server.Close()
			return server.ServeForever(ctx)
		})
		ctx = w.Host("app").Context(ctx)
		client := &aiohttp.Client{Timeout: 20 * time.Second}
		defer client.Close()
		return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			for i := range 3 {
				g.Go(func(ctx context.Context) error {
					key := fmt.Sprint("order-", i)
					for {
						req, err := http.NewRequest("PUT", "http://db/"+key, nil)
						if err != nil {
							return err
						}
						resp, err := client.Do(ctx, req)
						if err == nil {
							resp.Close()
						}
						if err == nil && resp.StatusCode == 200 {
							break
						}
						if err := aio.Sleep(ctx, time.Second); err != nil {
							return err
						}
					}
					if !done[key] {
						t.Errorf("%s is lost", key)
					}
					return nil
				})
			}
			return nil
		})
	}, aiotest.Schedules(500))
}

func TestAWorldIsDeterministic(t *testing.T) {
	aiotest.Deterministic(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{Resets: 1})
		w.Host("db").Boot(func(ctx context.Context) error {
			return lines(ctx, func(line string) string { return line + "!\n" })
		})
		return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			for i := range 3 {
				g.Go(func(ctx context.Context) error {
					ctx = w.Host(fmt.Sprint("app-", i)).Context(ctx)
					answer, err := insist(ctx, "db", "hello", time.Second)
					t.Log(answer, err)
					return nil
				})
			}
			return nil
		})
	})
}
