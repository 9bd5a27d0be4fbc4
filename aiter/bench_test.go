package aiter_test

import (
	"context"
	"iter"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
)

// endless yields zeros, with an await before each if it is told so.
func endless(ctx context.Context, awaits bool) iter.Seq2[int, error] {
	return aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
		for {
			if awaits {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			if !yield(0) {
				return nil
			}
		}
	})
}

// BenchmarkItem measures what an item costs on its way from the source to the loop.
func BenchmarkItem(b *testing.B) {
	id := func(_ context.Context, v int) (int, error) { return v, nil }
	for name, of := range map[string]func(
		ctx context.Context, src iter.Seq2[int, error],
	) iter.Seq2[int, error]{
		"range": func(_ context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] { return src },
		"Map": func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
			return aiter.Map(ctx, src, id)
		},
		"Pull": func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
			return aiter.Pull(ctx, src).All(ctx)
		},
		"Prefetch": func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
			return aiter.Prefetch(ctx, src, 100)
		},
		"Merge": func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
			return aiter.Merge(ctx, src, src)
		},
		"MapConcurrent": func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
			return aiter.MapConcurrent(ctx, src, 10, id)
		},
		"TimeoutEach": func(ctx context.Context, src iter.Seq2[int, error]) iter.Seq2[int, error] {
			return aiter.TimeoutEach(ctx, src, 1<<40)
		},
	} {
		for _, awaits := range []bool{false, true} {
			b.Run("of="+name+"/awaits="+map[bool]string{false: "no", true: "yes"}[awaits],
				func(b *testing.B) {
					b.ReportAllocs()
					_ = aio.Run(context.Background(), func(ctx context.Context) error {
						n := 0
						for _, err := range of(ctx, endless(ctx, awaits)) {
							if n++; err != nil || n > b.N {
								return err
							}
						}
						return nil
					})
				})
		}
	}
}

func BenchmarkWith(b *testing.B) {
	b.ReportAllocs()
	_ = aio.Run(context.Background(), func(ctx context.Context) error {
		for range b.N {
			err := aiter.With(ctx, aiter.Scope[int]{}, func(context.Context, int) error { return nil })
			if err != nil {
				return err
			}
		}
		return nil
	})
}
