//go:build unix

package aio_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

func interruptMyself() { syscall.Kill(os.Getpid(), syscall.SIGINT) }

func ExampleWithInterrupt() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		aio.RunningLoop(ctx).CallSoon(interruptMyself) // or Ctrl-C
		return aio.Sleep(ctx, time.Hour)
	}, aio.WithInterrupt())
	fmt.Println(errors.Is(err, aio.ErrInterrupted))
	// Output: true
}

func ExampleLoop_AddSignalHandler() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		var reload aiosync.Event
		if err := loop.AddSignalHandler(syscall.SIGHUP, reload.Set); err != nil {
			return err
		}
		syscall.Kill(os.Getpid(), syscall.SIGHUP)
		err := reload.Wait(ctx)
		fmt.Println("reading the settings anew:", err)
		return nil
	})
	// Output: reading the settings anew: <nil>
}
