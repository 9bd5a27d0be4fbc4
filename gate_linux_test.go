package aio_test

import (
	"context"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// A descriptor that answers itself keeps the loop in dense traffic, where the poller's gate opens and shuts. Functions
// on other goroutines still come back, on one processor and on two, with and without a timer of the program.
func TestToThreadComesBackUnderDenseTraffic(t *testing.T) {
	for _, procs := range []int{1, 2} {
		for _, timed := range []bool{false, true} {
			func() {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				if timed {
					defer time.AfterFunc(time.Hour, func() {}).Stop()
				}
				fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer syscall.Close(fds[0])
				defer syscall.Close(fds[1])
				rounds := 0
				err = aio.Run(context.Background(), func(ctx context.Context) error {
					buf := make([]byte, 1)
					for i := range fds {
						w, err := aio.RunningLoop(ctx).Watch(uintptr(fds[i]), func(aio.Interest) {
							if n, _ := syscall.Read(fds[i], buf); n == 1 {
								rounds++
								syscall.Write(fds[i], buf)
							}
						})
						if err != nil {
							return err
						}
						defer w.Close()
					}
					syscall.Write(fds[0], buf)
					for range 200 {
						if _, err := aio.ToThread(ctx, func(context.Context) (int, error) { return 1, nil }); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil || rounds == 0 {
					t.Fatalf("procs %d: %v after %d rounds", procs, err, rounds)
				}
			}()
		}
	}
}

// With one processor a busy loop lets other goroutines in after some hundred steps.
func TestABusyLoopLetsOtherGoroutinesIn(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	steps := 0
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		ran := make(chan struct{})
		go close(ran)
		for ; steps < 10_000; steps++ {
			select {
			case <-ran:
				return nil
			default:
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || steps > 2048 {
		t.Fatalf("%v; the goroutine had to wait for %d steps", err, steps)
	}
}
