package aiotest_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
)

// recorder is a testing.TB that keeps what a test would print.
type recorder struct {
	testing.TB
	name     string
	errors   []string
	logs     []string
	cleanups []func()
}

func (r *recorder) Helper()           {}
func (r *recorder) Name() string      { return r.name }
func (r *recorder) Cleanup(fn func()) { r.cleanups = append(r.cleanups, fn) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}
func (r *recorder) Log(args ...any) { r.logs = append(r.logs, fmt.Sprint(args...)) }
func (r *recorder) Logf(format string, args ...any) {
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}

// explore returns what Explore would print.
func explore(t *testing.T, fn func(ctx context.Context, t *aiotest.T) error, opts ...aiotest.Option) *recorder {
	r := &recorder{TB: t, name: t.Name()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		aiotest.Explore(r, fn, opts...)
	}()
	<-done
	for _, fn := range r.cleanups {
		fn()
	}
	return r
}

func lostUpdate(yields int) func(ctx context.Context, t *aiotest.T) error {
	return func(ctx context.Context, t *aiotest.T) error {
		n := 0
		add := func(ctx context.Context) error {
			was := n
			for range yields {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			n = was + 1
			return nil
		}
		if err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error { return add(ctx) }, aio.Name("left"))
			g.Go(func(ctx context.Context) error {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				return add(ctx)
			}, aio.Name("right"))
			return nil
		}); err != nil {
			return err
		}
		if n != 2 {
			t.Errorf("n = %d, want 2", n)
		}
		return nil
	}
}

func TestALostUpdateIsFoundShrunkAndTold(t *testing.T) {
	r := explore(t, lostUpdate(2))
	fmt.Println(strings.Join(r.errors, "\n"), r.logs)
}
