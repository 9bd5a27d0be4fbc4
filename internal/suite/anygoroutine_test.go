package suite_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/aio-go/aio"
)

type anyKey struct{}

// What any goroutine may call is called while tasks, callbacks and several runs of the loop take
// turns. The race detector looks on; what it may see must not depend on it, see
// TestNoCodeDiffersUnderTheRaceDetector.
func TestWhatAnyGoroutineMayCallReadsNothingUnsynchronised(t *testing.T) {
	for name, opts := range map[string][]aio.Option{
		"the machine's clock": {aio.WithDebug(false)},
		"virtual time":        {aio.WithDebug(false), aio.WithClock(aio.NewVirtualClock())},
		"debug mode":          {aio.WithDebug(true)},
		"the watchdog":        {aio.WithDebug(false), aio.WithSlowCallback(1)},
	} {
		t.Run(name, func(t *testing.T) {
			opts := append(opts, aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {}))
			r := aio.NewRunner(opts...)
			defer r.Close()
			l := r.Loop()
			stop := make(chan struct{})
			var all sync.WaitGroup
			ask := func(ctx context.Context) {
				all.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						_, _ = l.CallSoonThreadsafe(func() {})
						_ = fmt.Sprint(l, l.IsRunning(), l.IsClosed(), l.Time(), l.Debug(), ctx,
							l.Context().Value(anyKey{}))
						_, _ = ctx.Err(), ctx.Value(anyKey{})
						_, _ = ctx.Deadline()
						if l.IsRunning() {
							v, cancel := context.WithCancel(ctx)
							got, err := aio.SubmitValue(v, l, func(ctx context.Context) (int, error) {
								return 1, aio.Yield(ctx)
							})
							_, _ = got, err
							cancel()
						}
					}
				})
			}
			for run := range 3 {
				err := r.Run(context.WithValue(t.Context(), anyKey{}, run), func(ctx context.Context) error {
					if run == 0 {
						ask(ctx)
						ask(l.Context())
					}
					me := aio.CurrentTask(ctx)
					for range 3 {
						aio.Start(ctx, spin, aio.Name("spins")).Cancel(nil)
						aio.Start(ctx, spin).Cancel(nil)
					}
					for n := range 300 {
						me.SetName(fmt.Sprint("run ", run, n))
						l.SetDebug(l.Debug())
						l.CallSoon(func() {})
						aio.Start(ctx, func(ctx context.Context) error { return aio.Yield(ctx) })
						if err := aio.Yield(ctx); err != nil {
							return err
						}
					}
					if run == 2 {
						close(stop)
						_, err := aio.ToThread(ctx, func(context.Context) (int, error) { all.Wait(); return 0, nil })
						return err
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
}
