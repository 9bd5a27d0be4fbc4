package distributed_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aio-go/aio/distributed"
	"github.com/aio-go/aio/executor"
)

// A message that the broker refuses for its size would be sent again and again.
func TestAnErrorOfManyMegabytesIsShortenedAndTheJobIsDeadInOrder(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		long := strings.Repeat("é", 3<<18)
		_, err := failing.With(executor.On(c)).Run(ctx, "no luck"+long)
		var failed *distributed.FailedError
		if !errors.As(err, &failed) || len(failed.Failures) != 20 {
			t.Fatalf("%.200v", err)
		}
		for i, f := range failed.Failures {
			if f.Attempt != i+1 || len(f.Error) > 4<<10 || !strings.HasPrefix(f.Error, "no luck") {
				t.Errorf("failure %d: attempt %d, %d bytes", i, f.Attempt, len(f.Error))
			}
		}
		n := 0
		for d, err := range c.Dead(ctx) {
			if err != nil {
				return err
			}
			n++
			if len(d.Failures) == 0 || d.Failures[len(d.Failures)-1].Attempt != 20 {
				t.Errorf("%d failures are kept", len(d.Failures))
			}
			if err := c.Retry(ctx, d); err != nil {
				return err
			}
		}
		if n != 1 {
			t.Errorf("%d dead jobs", n)
		}
		return nil
	}, distributed.Attempts(20))
}

func TestAJobWithAKeyOfAnyLengthIsDone(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		ids := map[string]bool{}
		for _, key := range []string{"short", strings.Repeat("k", 5000), strings.Repeat("k", 5001),
			strings.Repeat("ü", 100), strings.Repeat("ü", 10_000), "= .*>\r\n"} {
			h, err := distributed.Submit(ctx, c, square, 7, distributed.Key(key))
			if err != nil {
				return err
			}
			if v, err := h.Await(ctx); v != 49 || err != nil {
				t.Errorf("%.20q: %d, %v", key, v, err)
			}
			found, err := distributed.Find(c, square, h.ID())
			if err != nil {
				t.Errorf("%.20q: %v", key, err)
			} else if v, err := found.Await(ctx); v != 49 || err != nil {
				t.Errorf("%.20q, found: %d, %v", key, v, err)
			}
			ids[h.ID()] = true
		}
		if len(ids) != 6 {
			t.Errorf("%d IDs", len(ids))
		}
		return nil
	})
}

func TestAJobWhoseHeaderIsTooLargeIsAnErrorAtOnce(t *testing.T) {
	with(t, func(ctx context.Context, c *distributed.Client) error {
		var opts []distributed.JobOption
		for range 50_000 {
			opts = append(opts, distributed.Then("the name of a function that is long enough"))
		}
		_, err := distributed.Submit(ctx, c, square, 7, opts...)
		if !errors.Is(err, distributed.ErrTooLarge) {
			t.Errorf("%v", err)
		}
		return nil
	})
}

func TestAReportThatIsTooLargeIsLostAndTheJobIsDone(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		h, err := distributed.Submit(ctx, c, shouts, 2<<20)
		if err != nil {
			return err
		}
		for _, err := range distributed.Progress[string](ctx, h) {
			if err != nil {
				t.Errorf("%v", err)
			}
		}
		v, err := h.Await(ctx)
		if v != "done" || err != nil {
			t.Errorf("%q, %v", v, err)
		}
		return nil
	})
}

var shouts = executor.Register("shouts", func(ctx context.Context, n int) (string, error) {
	if err := executor.Progress(ctx, strings.Repeat("x", n)); err != nil {
		return "", err
	}
	return "done", nil
})

type broken struct{}

func (broken) Error() string { panic("no text") }

var breaks = executor.Register("breaks", func(ctx context.Context, n int) (int, error) {
	return 0, broken{}
})

func TestAnErrorThatCannotBeReadEndsTheJobAndNotTheWorker(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		_, err := breaks.With(executor.On(c)).Run(ctx, 1)
		var failed *distributed.FailedError
		if !errors.As(err, &failed) || len(failed.Failures) != 3 {
			t.Errorf("%v", err)
		}
		if v, err := square.With(executor.On(c)).Run(ctx, 7); v != 49 || err != nil {
			t.Errorf("the next job: %d, %v", v, err)
		}
		return nil
	})
}

var grows = executor.Register("grows", func(ctx context.Context, n int) ([]byte, error) {
	return make([]byte, n), nil
})

func TestAResultThatIsTooLargeIsThePermanentErrorOfItsJob(t *testing.T) {
	withWorker(t, func(ctx context.Context, c *distributed.Client) error {
		for _, then := range [][]distributed.JobOption{nil, {distributed.Then("echo")}} {
			h, err := distributed.Submit(ctx, c, grows, 3<<20, then...)
			if err != nil {
				return err
			}
			var failed *distributed.FailedError
			if _, err := h.Await(ctx); !errors.As(err, &failed) || len(failed.Failures) != 1 ||
				!strings.Contains(err.Error(), "at most 2097152") {
				t.Errorf("%v", err)
			}
		}
		return nil
	}, distributed.MaxPayload(2<<20))
}
