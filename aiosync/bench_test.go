package aiosync_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// bench runs fn as the main task of a loop.
func bench(b *testing.B, fn func(ctx context.Context)) {
	b.ReportAllocs()
	aio.Run(context.Background(), func(ctx context.Context) error {
		b.ResetTimer()
		fn(ctx)
		b.StopTimer()
		return nil
	})
}

// BenchmarkQueue passes items from one task to another.
func BenchmarkQueue(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run("size="+strconv.Itoa(size), func(b *testing.B) {
			bench(b, func(ctx context.Context) {
				q := aiosync.NewQueue[int](size)
				producer := aio.Start(ctx, func(ctx context.Context) error {
					for i := range b.N {
						if err := q.Put(ctx, i); err != nil {
							return err
						}
					}
					return nil
				})
				for range b.N {
					q.Get(ctx)
				}
				producer.Await(ctx)
			})
		})
	}
}

// BenchmarkChannel is what BenchmarkQueue is measured against.
func BenchmarkChannel(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run("size="+strconv.Itoa(size), func(b *testing.B) {
			b.ReportAllocs()
			c := make(chan int, size)
			go func() {
				for i := range b.N {
					c <- i
				}
			}()
			for range b.N {
				<-c
			}
		})
	}
}

// BenchmarkLock takes and releases a lock that nobody else wants, or that another task asks for
// each time.
func BenchmarkLock(b *testing.B) {
	b.Run("contended=false", func(b *testing.B) {
		bench(b, func(ctx context.Context) {
			var l aiosync.Lock
			for range b.N {
				l.Acquire(ctx)
				l.Release()
			}
		})
	})
	b.Run("contended=true", func(b *testing.B) {
		bench(b, func(ctx context.Context) {
			var l aiosync.Lock
			use := func(ctx context.Context) error {
				for range b.N / 2 {
					l.Acquire(ctx)
					aio.Yield(ctx)
					l.Release()
				}
				return nil
			}
			aio.All(ctx, aio.Action(use), aio.Action(use))
		})
	})
}

// BenchmarkSemaphore takes and gives back a permit that is free.
func BenchmarkSemaphore(b *testing.B) {
	bench(b, func(ctx context.Context) {
		s := aiosync.NewSemaphore(1)
		for range b.N {
			s.Acquire(ctx)
			s.Release()
		}
	})
}

// BenchmarkEvent wakes one waiting task.
func BenchmarkEvent(b *testing.B) {
	bench(b, func(ctx context.Context) {
		var ping, pong aiosync.Event
		other := aio.Start(ctx, func(ctx context.Context) error {
			for range b.N {
				ping.Wait(ctx)
				ping.Clear()
				pong.Set()
			}
			return nil
		})
		for range b.N {
			ping.Set()
			pong.Wait(ctx)
			pong.Clear()
		}
		other.Await(ctx)
	})
}

// BenchmarkBroadcast sends values to tasks that wait for each.
func BenchmarkBroadcast(b *testing.B) {
	for _, subscribers := range []int{1, 100} {
		b.Run("subscribers="+strconv.Itoa(subscribers), func(b *testing.B) {
			bench(b, func(ctx context.Context) {
				c := aiosync.NewBroadcast[int](16)
				for range subscribers {
					s := c.Subscribe()
					aio.Start(ctx, func(ctx context.Context) error {
						for _, err := range s.All(ctx) {
							if err != nil {
								return err
							}
						}
						return nil
					})
				}
				for i := range b.N {
					aio.Yield(ctx)
					c.Send(i)
				}
			})
		})
	}
}
