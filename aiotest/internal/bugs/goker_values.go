package bugs

import (
	"context"
	"errors"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

// These are the kernels of GoKer about values that tasks share; see goker_locks.go.
func init() {
	add("etcd-4876", "goker: map is made twice", mapMadeTwice)
	add("grpc-1687", "goker: write after the handler has returned", writeAfterHandler)
	add("kubernetes-82239", "goker: status is copied in the middle of a change", statusCopied)
	add("moby-22941", "goker: variable is shared by requests", sharedRequest)
	add("serving-4908", "goker: log after the end of the test", logAfterEnd)
	add("istio-8967", "goker: channel is set to nil by stop", setToNil)
}

// mapMadeTwice makes the map of handlers when it is first used.
func mapMadeTwice(ctx context.Context, t *aiotest.T, fixed bool) error {
	var handlers map[string]bool
	register := func(name string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if handlers == nil {
				made := map[string]bool{}
				if !fixed {
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
				handlers = made
			}
			handlers[name] = true
			return nil
		}
	}
	err := together(ctx, register("a"), func(ctx context.Context) error {
		if err := work(ctx, 3); err != nil {
			return err
		}
		return register("b")(ctx)
	})
	if err == nil && len(handlers) != 2 {
		t.Errorf("%d handlers are registered, want 2", len(handlers))
	}
	return err
}

// writeAfterHandler lets a helper write to the response, which ends with the handler.
func writeAfterHandler(ctx context.Context, t *aiotest.T, fixed bool) error {
	open := true
	writes := aiosync.NewQueue[string](0)
	write := func(text string) error {
		if !open {
			return errors.New("write after the handler has returned")
		}
		return writes.PutNowait(text)
	}
	helper := aio.Start(ctx, func(ctx context.Context) error {
		if err := work(ctx, 2); err != nil {
			return err
		}
		return write("trailer")
	})
	if err := work(ctx, 7); err != nil {
		return err
	}
	if fixed {
		if _, err := helper.Await(ctx); err != nil {
			return err
		}
	}
	open = false
	_, err := helper.Await(ctx)
	return err
}

// statusCopied copies a status of two fields that change one after the other.
func statusCopied(ctx context.Context, t *aiotest.T, fixed bool) error {
	type status struct{ phase, reason string }
	now := status{"running", "started"}
	return together(ctx, func(ctx context.Context) error {
		if err := work(ctx, 2); err != nil {
			return err
		}
		if fixed {
			now = status{"failed", "no memory"}
			return nil
		}
		now.phase = "failed"
		if err := aio.Yield(ctx); err != nil { // the reason is asked for
			return err
		}
		now.reason = "no memory"
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 7); err != nil {
			return err
		}
		if s := now; s.phase == "failed" && s.reason != "no memory" {
			t.Errorf("the status is %v", s)
		}
		return nil
	})
}

// sharedRequest has one variable for the answer of all requests.
func sharedRequest(ctx context.Context, t *aiotest.T, fixed bool) error {
	var shared string
	serve := func(name string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			answer := &shared
			if fixed {
				answer = new(string)
			}
			*answer = "hello " + name
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if *answer != "hello "+name {
				t.Errorf("%s got %q", name, *answer)
			}
			return nil
		}
	}
	return together(ctx, serve("ann"), func(ctx context.Context) error {
		if err := work(ctx, 3); err != nil {
			return err
		}
		return serve("bob")(ctx)
	})
}

// logAfterEnd has a task that logs to a test, which may be over.
func logAfterEnd(ctx context.Context, t *aiotest.T, fixed bool) error {
	over := false
	reporter := aio.Start(ctx, func(ctx context.Context) error {
		if err := work(ctx, 2); err != nil {
			return err
		}
		if over {
			return errors.New("log after the end of the test")
		}
		return nil
	})
	if err := aio.Sleep(ctx, 50*time.Microsecond); err != nil {
		return err
	}
	if fixed {
		if _, err := reporter.Await(ctx); err != nil {
			return err
		}
	}
	over = true
	_, err := reporter.Await(ctx)
	return err
}

// setToNil has a loop that reads from a field which stop sets to nil.
func setToNil(ctx context.Context, t *aiotest.T, fixed bool) error {
	stop := &aiosync.Event{}
	mine := stop
	return together(ctx, func(ctx context.Context) error {
		if err := work(ctx, 2); err != nil {
			return err
		}
		if !fixed {
			mine = stop
		}
		return mine.Wait(ctx)
	}, func(ctx context.Context) error {
		if err := work(ctx, 6); err != nil {
			return err
		}
		stop.Set()
		stop = nil
		return nil
	})
}
