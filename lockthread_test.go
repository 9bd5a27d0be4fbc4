package aio_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

func TestATaskThatWaitsWhileItIsLockedToItsThreadPanics(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("this platform cannot tell; there the runtime ends the process")
	}
	waits := map[string]func(ctx context.Context) error{
		"Sleep": func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) },
		"Yield": aio.Yield,
		"Future.Await": func(ctx context.Context) error {
			_, err := aio.NewFuture[int](aio.RunningLoop(ctx)).Await(ctx)
			return err
		},
		"ToThread": func(ctx context.Context) error {
			_, err := aio.ToThread(ctx, func(context.Context) (int, error) { return 1, nil })
			return err
		},
	}
	for op, wait := range waits {
		t.Run(op, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				task := aio.Start(ctx, func(ctx context.Context) error {
					runtime.LockOSThread()
					runtime.LockOSThread() // it counts
					return wait(ctx)
				})
				if _, _, err := aio.Wait(ctx, aio.AllCompleted, task); err != nil {
					return err
				}
				p, ok := errors.AsType[*aio.PanicError](task.Err())
				if !ok {
					t.Fatalf("the task ended with %v", task.Err())
				}
				for _, want := range []string{"aio: " + op + ": runtime.LockOSThread is in force", "UnlockOSThread", "ToThread"} {
					if text := p.Value.(string); !strings.Contains(text, want) {
						t.Errorf("the panic is %q, without %q", text, want)
					}
				}
				return aio.Yield(ctx) // the loop goes on, on whichever thread
			})
		})
	}
}

func TestATaskMayLockItsThreadBetweenWaits(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for range 3 {
			runtime.LockOSThread()
			runtime.UnlockOSThread()
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestATaskThatEndsLockedToItsThreadIsReportedAndTheThreadGivenBack(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("this platform cannot tell; there the runtime ends the process")
	}
	var reports []aio.Report
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		task := aio.Start(ctx, func(context.Context) error {
			runtime.LockOSThread()
			return nil
		}, aio.Name("careless"))
		if _, err := task.Await(ctx); err != nil {
			return err
		}
		return aio.Yield(ctx)
	}, aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) { reports = append(reports, r) }))
	if err != nil || len(reports) != 1 || reports[0].TaskName != "careless" || !strings.Contains(reports[0].Message, "UnlockOSThread") {
		t.Errorf("got %v and the reports %v", err, reports)
	}
}

func TestALoopMayRunOnAThreadThatIsLocked(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		task := aio.Start(ctx, aio.Yield)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		_, err := task.Await(ctx)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
