package distributed_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/distributed"
	"github.com/aio-go/aio/executor"
	"github.com/aio-go/aio/internal/leaktest"
)

var (
	square = executor.Register("square", func(ctx context.Context, n int) (int, error) {
		return n * n, nil
	})
	double = executor.Register("double", func(ctx context.Context, n int) (int, error) {
		return 2 * n, nil
	})
	failing = executor.Register("failing", func(ctx context.Context, text string) (int, error) {
		job, _ := executor.Current(ctx)
		return 0, fmt.Errorf("%s, attempt %d: %w", text, job.Attempt, io.EOF)
	})
	hopeless = executor.Register("hopeless", func(ctx context.Context, text string) (int, error) {
		return 0, distributed.Permanent(errors.New(text))
	})
	panics = executor.Register("panics", func(ctx context.Context, text string) (int, error) {
		panic(text)
	})
	second = executor.Register("second", func(ctx context.Context, n int) (int, error) {
		if job, _ := executor.Current(ctx); job.Attempt < n {
			return 0, errors.New("not yet")
		}
		return n, nil
	})
	echo = executor.Register("echo", func(ctx context.Context, b []byte) ([]byte, error) {
		return b, nil
	})
	steps = executor.Register("steps", func(ctx context.Context, n int) (string, error) {
		for i := range n {
			if err := executor.Progress(ctx, i); err != nil {
				return "", err
			}
		}
		return "complete", nil
	})
	endless = executor.Register("endless", func(ctx context.Context, _ aio.None) (int, error) {
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return 0, context.Cause(ctx)
	})
)

var ended = make(chan error, 10)

func TestMain(m *testing.M) {
	executor.Main()
	// Put of an object store starts this goroutine and sets its channel to nil at the end. If Put is
	// cancelled before the goroutine has begun, it waits for ever: nats.go 1.55.
	leaktest.Stranded("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect")
	leaktest.Main(m)
}

// with calls fn with a client of a new broker.
func with(t *testing.T, fn func(ctx context.Context, c *distributed.Client) error, opts ...distributed.Option) {
	t.Helper()
	opts = append([]distributed.Option{distributed.Backoff(func(int) time.Duration { return time.Millisecond })}, opts...)
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		c, err := distributed.Open(ctx, distributed.Embedded(t.TempDir()), opts...)
		if err != nil {
			return err
		}
		defer c.Close()
		return aio.Timeout(ctx, time.Minute, func(ctx context.Context) error { return fn(ctx, c) })
	})
	if err != nil {
		t.Fatal(err)
	}
}

// withWorker calls fn beside a worker.
func withWorker(t *testing.T, fn func(ctx context.Context, c *distributed.Client) error, opts ...distributed.Option) {
	t.Helper()
	with(t, func(ctx context.Context, c *distributed.Client) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			work := g.Go(func(ctx context.Context) error { return distributed.Work(ctx, c) })
			err := fn(ctx, c)
			work.Cancel(nil)
			return err
		})
	}, opts...)
}

func TestAFunctionRunsOnAWorkerAsOnAnyExecutor(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		squares, err := aio.Map(executor.With(ctx, c), []int{1, 2, 3, 4}, square.Run)
		if err != nil {
			return err
		}
		if got := fmt.Sprint(squares); got != "[1 4 9 16]" {
			t.Errorf("squares are %v", got)
		}
		return nil
	})
}

func TestTheErrorOfTheLastAttemptIsTheOutcomeAndTheJobIsDead(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		_, err := failing.With(executor.On(c)).Run(ctx, "no luck")
		var failed *distributed.FailedError
		if !errors.As(err, &failed) || len(failed.Failures) != 3 || failed.Name != "failing" ||
			failed.Failures[1].Error != "no luck, attempt 2: EOF" || !errors.Is(err, io.EOF) ||
			!strings.Contains(err.Error(), "after 3 attempts: executor: failing: no luck, attempt 3: EOF") {
			t.Errorf("%+v", err)
		}
		var dead []distributed.DeadJob
		for d, err := range c.Dead(ctx) {
			if err != nil {
				return err
			}
			dead = append(dead, d)
		}
		if len(dead) != 1 || dead[0].Name != "failing" || string(dead[0].Args) != "no luck" ||
			len(dead[0].Failures) != 3 || dead[0].ID != failed.ID {
			t.Errorf("dead: %+v", dead)
		}
		return nil
	})
}

func TestAPermanentErrorAndAPanicAreToldApart(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		ctx = executor.With(ctx, c)
		var failed *distributed.FailedError
		if _, err := hopeless.Run(ctx, "never"); !errors.As(err, &failed) || len(failed.Failures) != 1 {
			t.Errorf("permanent: %v", err)
		}
		if _, err := panics.Run(ctx, "ouch"); !errors.As(err, &failed) || len(failed.Failures) != 3 ||
			!strings.Contains(failed.Failures[0].Error, "ouch") {
			t.Errorf("panic: %v", err)
		}
		if n, err := second.Run(ctx, 2); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		return nil
	})
}

func TestAJobIsFoundByItsID(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		h, err := distributed.Submit(ctx, c, square, 12, distributed.At(distributed.High))
		if err != nil {
			return err
		}
		if n, err := h.Await(ctx); n != 144 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		again, err := distributed.Find(c, square, h.ID())
		if err != nil {
			return err
		}
		if n, err := again.Await(ctx); n != 144 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if _, err := distributed.Find(c, square, "no id"); !errors.Is(err, distributed.ErrUnknownJob) {
			t.Errorf("%v", err)
		}
		return nil
	})
}

func TestJobsWithOneKeyAreOneJob(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		for n := range 3 {
			h, err := distributed.Submit(ctx, c, square, n+5, distributed.Key("a key, of any form"))
			if err != nil {
				return err
			}
			if n, err := h.Await(ctx); n != 25 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		}
		if s, err := c.Stats(ctx); err != nil || s.Running+s.Waiting[distributed.Normal] > 1 {
			t.Errorf("%+v, %v", s, err)
		}
		return nil
	})
}

func TestAResultGoesToTheNextFunctionOfAChain(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		h, err := distributed.Submit(ctx, c, square, 3, distributed.Then(double.Name()), distributed.Then(square.Name()))
		if err != nil {
			return err
		}
		if n, err := h.Await(ctx); n != 324 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		return nil
	})
}

func TestALargePayloadGoesThroughTheStore(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		big := bytes.Repeat([]byte("0123456789abcdef"), 300_000) // 4.8 MB
		got, err := echo.With(executor.On(c)).Run(ctx, big)
		if err != nil || !bytes.Equal(got, big) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		_, err = echo.With(executor.On(c)).Run(ctx, append(big, big...))
		if !errors.Is(err, distributed.ErrTooLarge) || !strings.Contains(err.Error(), "9600000 bytes") {
			t.Errorf("%v", err)
		}
		return nil
	}, distributed.MaxPayload(5<<20))
}

func TestReportsOfAFunctionArriveInOrder(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		var got []int
		watched := steps.With(executor.On(c), executor.OnProgress(func(n int) { got = append(got, n) }))
		if text, err := watched.Run(ctx, 5); text != "complete" || err != nil {
			t.Errorf("%q, %v", text, err)
		}
		if fmt.Sprint(got) != "[0 1 2 3 4]" {
			t.Errorf("%v", got)
		}
		return nil
	})
}

func TestACancelledCallEndsItsFunction(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		started := make(chan struct{}, 1)
		_ = started
		err := aio.Timeout(ctx, 300*time.Millisecond, func(ctx context.Context) error {
			_, err := endless.With(executor.On(c)).Run(ctx, aio.None{})
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		cause, _, err := aio.Recv(ctx, ended)
		if err != nil {
			return err
		}
		if cause == nil {
			t.Error("the function's context has no cause")
		}
		h, err := distributed.Submit(ctx, c, endless, aio.None{})
		if err != nil {
			return err
		}
		if err := h.Cancel(ctx); err != nil {
			return err
		}
		if _, err := h.Await(ctx); !errors.Is(err, distributed.ErrCancelled) {
			t.Errorf("%v", err)
		}
		return nil
	})
}

func TestAJobThatIsNotDueWaits(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		due := time.Now().Add(1200 * time.Millisecond)
		h, err := distributed.Submit(ctx, c, square, 6, distributed.NotBefore(due))
		if err != nil {
			return err
		}
		if n, err := h.Await(ctx); n != 36 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if now := time.Now(); now.Before(due.Add(-time.Second)) {
			t.Errorf("it ran %v early", due.Sub(now))
		}
		return nil
	})
}
