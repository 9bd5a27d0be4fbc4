//go:build unix

package subprocess

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// One child after the other, and many at a time.
func BenchmarkRun(b *testing.B) {
	b.Run("one", func(b *testing.B) {
		inBench(b, func(ctx context.Context) error {
			for b.Loop() {
				if err := Command("/bin/true").Run(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	})
	b.Run("many", func(b *testing.B) {
		inBench(b, func(ctx context.Context) error {
			_, err := aio.Map(ctx, make([]int, b.N), func(ctx context.Context, _ int) (aio.None, error) {
				return aio.None{}, Command("/bin/true").Run(ctx)
			}, aio.Limit(8))
			return err
		})
	})
	b.Run("os-exec-one", func(b *testing.B) {
		for b.Loop() {
			if _, err := exec.Command("/bin/true").Output(); err != nil { // which keeps stderr, too
				b.Fatal(err)
			}
		}
	})
}

// What the loop would be stopped for if it started children itself: ns/start.
func BenchmarkStart(b *testing.B) {
	var starting time.Duration
	for b.Loop() {
		l := &launch{cmd: *Command("/bin/true"), native: true}
		began := time.Now()
		if err := l.run(); err != nil {
			b.Fatal(err)
		}
		starting += time.Since(began)
		l.started.destroy()
	}
	b.ReportMetric(float64(starting.Nanoseconds())/float64(b.N), "ns/start")
}

func inBench(b *testing.B, main func(ctx context.Context) error) {
	b.ReportAllocs()
	if err := aio.Run(context.Background(), main); err != nil {
		b.Fatal(err)
	}
}
