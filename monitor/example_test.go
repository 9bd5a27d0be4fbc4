package monitor_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/monitor"
	"github.com/aio-go/aio/recorder"
)

// A client asks a server of the same program. Usually it is another process, and uses Connect.
func ExampleServe() {
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)
	server, err := monitor.Serve(monitor.Path(filepath.Join(dir, "s")))
	if err != nil {
		panic(err)
	}
	defer server.Close()
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Blocking(ctx, func(ctx context.Context) error {
			client, err := monitor.Dial(ctx, server.Addr().String())
			if err != nil {
				return err
			}
			defer client.Close()
			p, err := client.Picture(ctx, monitor.Question{})
			if err != nil {
				return err
			}
			for _, t := range p.Loops[0].Snapshot.Tasks {
				fmt.Println(t.Name, t.State, t.Op)
			}
			return nil
		})
	})
	// Output: main waiting Blocking
}

// A program asks about its own loops.
func ExampleTake() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var lock aiosync.Lock
		if err := lock.Acquire(ctx); err != nil {
			return err
		}
		stuck := aio.Start(ctx, lock.Acquire, aio.Name("stuck"))
		defer stuck.Cancel(nil)
		return aio.Blocking(ctx, func(ctx context.Context) error {
			p, err := monitor.Take(ctx, monitor.Question{})
			if err == nil {
				fmt.Println(p.Loops[0].Snapshot.Why(stuck.ID()).Culprit().Name)
			}
			return err
		})
	})
	// Output: main
}

func ExampleHandler() {
	mux := http.NewServeMux()
	mux.Handle("/debug/aio/", monitor.Handler())
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/debug/aio/", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}

// A loop records for a while.
func ExampleRecord() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		ticker := aio.Start(ctx, func(ctx context.Context) error {
			for {
				if err := aio.Sleep(ctx, time.Millisecond); err != nil {
					return err
				}
			}
		}, aio.Name("ticker"))
		defer ticker.Cancel(nil)
		all, err := aio.ToThread(ctx, func(ctx context.Context) ([]recorder.Recording, error) {
			return monitor.Record(ctx, monitor.RecordQuestion{For: time.Second})
		})
		if err != nil {
			return err
		}
		for _, e := range all[0].Events {
			if e.Do == recorder.Step && e.Op == "Sleep" {
				fmt.Println("a step after Sleep")
				break
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: a step after Sleep
}
