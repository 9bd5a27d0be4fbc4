package monitor_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/monitor"
	"github.com/aio-go/aio/recorder"
)

func createAndAwait(ctx context.Context) error {
	_, err := aio.Start(ctx, aio.Yield).Await(ctx)
	return err
}

// objects returns how many objects a call of createAndAwait makes.
func objects(ctx context.Context) (n float64, err error) {
	n = testing.AllocsPerRun(2000, func() { err = errors.Join(err, createAndAwait(ctx)) })
	return n, err
}

// What it costs in time depends on the machine: BenchmarkCost shows it.
func TestAMonitorThatNobodyAsksMakesNoObjects(t *testing.T) {
	var without, with, after float64
	err := aio.Run(t.Context(), func(ctx context.Context) (err error) {
		without, err = objects(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	s, err := monitor.Serve(monitor.Path(path))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = aio.Run(t.Context(), func(ctx context.Context) (err error) {
		if with, err = objects(ctx); err != nil {
			return err
		}
		_, err = aio.ToThread(ctx, func(ctx context.Context) (monitor.Picture, error) {
			c, err := monitor.Dial(t.Context(), path)
			if err != nil {
				return monitor.Picture{}, err
			}
			defer c.Close()
			return c.Picture(t.Context(), monitor.Question{})
		})
		if err != nil {
			return err
		}
		s.Close() // a connection that ends makes objects
		after, err = objects(ctx)
		return err
	})
	if err != nil || with != without || after != without || without == 0 {
		t.Errorf("%v, a task makes %v objects, %v with a monitor, %v after a question", err, without, with, after)
	}
}

// BenchmarkCost shows what a monitor that nobody asks costs, and a recorder.
func BenchmarkCost(b *testing.B) {
	works := []struct {
		name string
		fn   func(ctx context.Context) error
	}{{"yield", aio.Yield}, {"create_await", createAndAwait}}
	for _, w := range works {
		run := func(name string, opts ...aio.Option) {
			b.Run(w.name+"/"+name, func(b *testing.B) {
				err := aio.Run(b.Context(), func(ctx context.Context) error {
					for b.Loop() {
						if err := w.fn(ctx); err != nil {
							return err
						}
					}
					return nil
				}, opts...)
				if err != nil {
					b.Error(err)
				}
			})
		}
		run("off")
		run("recorder", recorder.On())
		s, err := monitor.Serve(monitor.Path(filepath.Join(b.TempDir(), "s")))
		if err != nil {
			b.Fatal(err)
		}
		run("monitor")
		s.Close()
	}
}
