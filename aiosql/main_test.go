package aiosql_test

import (
	"context"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
)

// TestMain fails if the tests leave goroutines behind.
func TestMain(m *testing.M) { leaktest.Main(m) }

// run runs main under a virtual clock. It fails the test if main returns an error or if anything is
// reported.
func run(t *testing.T, main func(ctx context.Context) error, opts ...aio.Option) {
	t.Helper()
	seen := func(_ *aio.Loop, r aio.Report) {
		t.Errorf("unexpected report: %s: %s: %v", r.Message, r.TaskName, r.Err)
	}
	opts = append([]aio.Option{aio.WithClock(aio.NewVirtualClock()), aio.WithExceptionHandler(seen)},
		opts...)
	if err := aio.Run(t.Context(), main, opts...); err != nil {
		t.Fatalf("main returned: %v", err)
	}
}

// began waits until the database has begun to wait with a statement, and returns that.
func (f *fake) beganOne(ctx context.Context) (string, error) {
	what, _, err := aio.Recv(ctx, f.began)
	return what, err
}
