package aio_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

func TestContextsOfTheStandardLibraryBelowATaskNeedNoGoroutine(t *testing.T) {
	run(t, func(ctx context.Context) error {
		before := runtime.NumGoroutine()
		for range 100 {
			child, cancel := context.WithCancel(ctx)
			defer cancel()
			grandchild, cancel := context.WithTimeout(context.WithValue(child, runKey{}, 1), time.Hour)
			defer cancel()
			<-closedChannel // the runtime has its chance to start what was made
			if grandchild.Err() != nil {
				t.Error(grandchild.Err())
			}
		}
		if n := runtime.NumGoroutine(); n > before { // fewer: some of an earlier test were still ending
			t.Errorf("%d goroutines were started", n-before)
		}
		return nil
	})
}

var closedChannel = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func TestTheCauseOfACancellationIsSeenThroughContextsOfTheStandardLibrary(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for _, early := range []bool{true, false} {
			task := aio.Start(ctx, func(ctx context.Context) error {
				var child context.Context
				if early {
					c, cancel := context.WithCancel(ctx)
					defer cancel()
					child = c
				}
				err := forever(ctx)
				if !early {
					c, cancel := context.WithCancel(ctx)
					defer cancel()
					child = c
				}
				for _, c := range []context.Context{ctx, child} {
					if cause := context.Cause(c); !errors.Is(cause, errBoom) || !errors.Is(cause, aio.ErrCancelled) || c.Err() != context.Canceled {
						t.Errorf("the cause is %v, the error %v", cause, c.Err())
					}
				}
				return err
			})
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			task.Cancel(errBoom)
			if err := aio.Yield(ctx); err != nil || !task.Cancelled() {
				t.Errorf("%v, %v", err, task)
			}
		}
		return nil
	})
}
