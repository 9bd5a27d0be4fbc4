package recorder_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/recorder"
)

// A task wakes another one, and the recording tells.
func ExampleTake() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		ready := aio.NewFuture[string](ctx)
		sender := aio.Start(ctx, func(ctx context.Context) error {
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			return ready.SetResult("hello")
		}, aio.Name("sender"))
		if _, err := ready.Await(ctx); err != nil {
			return err
		}
		if _, err := sender.Await(ctx); err != nil {
			return err
		}
		r, err := recorder.Take(aio.RunningLoop(ctx))
		if err != nil {
			return err
		}
		for _, e := range r.Events {
			if e.Do == recorder.Step && e.Op != "" {
				fmt.Printf("task %d goes on after %s at %v\n", e.Task, e.Op, e.T)
			}
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()), recorder.On())
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// task 3 goes on after Sleep at 1s
	// task 1 goes on after Future.Await at 1s
}

// When something goes wrong, the recording tells what led to that.
func ExampleOn() {
	told := recorder.OnDump(func(r recorder.Recording) {
		last := r.Events[len(r.Events)-1]
		fmt.Printf("%s; the last event is a %s after %s\n", r.Reason, last.Do, last.Op)
	})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			panic("oh no")
		}, aio.Name("worker"))
		if err := aio.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		fmt.Println(task.Err())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()), recorder.On(told, recorder.Events(1000)),
		aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {}))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// a task panicked: worker; the last event is a step after Sleep
	// panic: oh no
}

// A recording opens in ui.perfetto.dev.
func ExampleRecording_WriteTrace() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		r, err := recorder.Take(aio.RunningLoop(ctx))
		if err != nil {
			return err
		}
		var trace strings.Builder
		err = r.WriteTrace(&trace)
		fmt.Println(trace.String()[:23])
		return err
	}, recorder.On())
	if err != nil {
		log.Fatal(err)
	}
	// Output: {"displayTimeUnit":"ns"
}
