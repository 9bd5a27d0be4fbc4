//go:build unix

package guide_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aio-go/aio"
)

func Example_interrupt() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		aio.RunningLoop(ctx).CallSoon(func() { // the user presses Ctrl-C
			self, _ := os.FindProcess(os.Getpid())
			self.Signal(os.Interrupt)
		})
		err := aio.Sleep(ctx, time.Hour)
		fmt.Println("cancelled:", errors.Is(err, aio.ErrCancelled))
		return err
	}, aio.WithInterrupt())
	if errors.Is(err, aio.ErrInterrupted) {
		fmt.Println("interrupted") // a program would call os.Exit(130)
	}
	// Output:
	// cancelled: true
	// interrupted
}
