package guide_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiolog"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/monitor"
	"github.com/aio-go/aio/recorder"
)

func Example_stuckBehindALock() {
	var accounts aiosync.Lock

	// refresh keeps the lock while it waits for a peer that says nothing.
	refresh := func(ctx context.Context) error {
		return accounts.With(ctx, func(ctx context.Context) error {
			_, err := aio.NewFuture[string](ctx).Await(ctx)
			return err
		})
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(refresh, aio.Name("refresh"))
			pay := g.Go(accounts.Acquire, aio.Name("pay"))
			if err := aio.Sleep(ctx, 3*time.Minute); err != nil {
				return err
			}
			fmt.Print(aio.RunningLoop(ctx).Snapshot(false).Why(pay.ID()))
			g.Cancel(nil)
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// pay (task 3) waits 3m0s in Lock.Acquire for <Lock locked, waiters:1> held by refresh
	// refresh (task 2) waits 3m0s in Future.Await for a future
	// refresh holds it up: it waits 3m0s in Future.Await for a future
}

func Example_monitorOnAMux() {
	mux := http.NewServeMux()
	mux.Handle("/debug/aio/", monitor.Handler()) // for operators only, as net/http/pprof is

	server := httptest.NewServer(mux)
	defer server.Close()
	resp, err := http.Get(server.URL + "/debug/aio/picture?brief=true")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status, resp.Header.Get("Content-Type"))
	// Output: 200 OK application/json
}

func Example_whatLedToIt() {
	// dump writes who went on after what, and who woke it.
	dump := func(r recorder.Recording) {
		fmt.Println(r.Reason)
		steps := map[uint64]recorder.Event{}
		for _, e := range r.Events {
			if e.Do != recorder.Step {
				continue
			}
			steps[e.Number] = e
			name, waker := r.Tasks[e.Task-1].Name, "the loop"
			if by, ok := steps[e.By]; ok {
				waker = r.Tasks[by.Task-1].Name
			}
			if e.Op != "" {
				fmt.Printf("%v: %s goes on after %s, woken by %s\n", e.T, name, e.Op, waker)
			}
		}
	}

	var orders aiosync.Queue[string]
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		cashier := aio.Start(ctx, func(ctx context.Context) error {
			order, err := orders.Get(ctx)
			if err != nil {
				return err
			}
			panic("no price for " + order)
		}, aio.Name("cashier"))
		customer := aio.Start(ctx, func(ctx context.Context) error {
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			return orders.Put(ctx, "tea")
		}, aio.Name("customer"))
		all, err := aio.GatherSettled(ctx, cashier, customer)
		if err == nil {
			fmt.Println(all[0].Err)
		}
		return err
	}, aio.WithClock(aio.NewVirtualClock()), recorder.On(recorder.OnDump(dump)))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// a task panicked: cashier
	// 1s: customer goes on after Sleep, woken by the loop
	// 1s: cashier goes on after Queue.Get, woken by customer
	// panic: no price for tea
}

func Example_taskInTheLog() {
	handler := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { // leaves out what differs from run to run
			if a.Key == slog.TimeKey || a.Key == "loop" {
				return slog.Attr{}
			}
			return a
		},
	})
	logger := slog.New(aiolog.NewHandler(handler))

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				logger.InfoContext(ctx, "fetched", "bytes", 512)
				return nil
			}, aio.Name("fetch"))
			return nil
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: level=INFO msg=fetched bytes=512 aio.task=fetch aio.id=2
}
