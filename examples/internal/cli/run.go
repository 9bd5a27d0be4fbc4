package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/aio-go/aio"
	_ "github.com/aio-go/aio/monitor" // AIO_MONITOR=1 lets the command aio ask an example
)

// Run runs the main task of a program on a loop of its own, which Ctrl-C and SIGTERM end, and
// returns the exit code; see [Code]. err is nil if the code is OK; a program that was ended from
// outside may have failed as well, which [errors.Is] finds.
func Run(
	ctx context.Context, main func(context.Context) error, opts ...aio.Option,
) (code int, err error) {
	err = Loop(ctx, main, opts...)
	return Code(ctx, err), err
}

// Signals returns a context that Ctrl-C and SIGTERM end, for programs that have no loop at times,
// or one that is blocked. From the second on, they end the program at once.
func Signals() (ctx context.Context, stop context.CancelFunc) {
	ctx, stop = context.WithCancel(context.Background())
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-c:
		case <-ctx.Done():
		}
		signal.Stop(c) // before anybody sees the end
		stop()
	}()
	return ctx, stop
}

// Loop is Run for programs that have more than one loop.
func Loop(ctx context.Context, main func(context.Context) error, opts ...aio.Option) error {
	return aio.Run(ctx, main, append(opts, aio.WithInterrupt(os.Interrupt, syscall.SIGTERM))...)
}

// Code is the exit code of a program whose [Loop] has ended with err: OK, Failed, or Interrupted
// after a signal or when ctx, the program's own, has ended.
func Code(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return OK
	case errors.Is(err, aio.ErrInterrupted), ctx.Err() != nil:
		return Interrupted
	}
	return Failed
}

// Serve runs a server until it is ended from outside, which is how servers end, and returns the
// exit code.
func (s Streams) Serve(
	ctx context.Context, program string, main func(context.Context) error, opts ...aio.Option,
) int {
	code, err := Run(ctx, main, opts...)
	if code == Failed {
		return s.Fail(program, err)
	}
	return OK
}

// Fail says what went wrong and returns the exit code for that.
func (s Streams) Fail(program string, err error) int {
	fmt.Fprintf(s.Err, "%s: %s\n", program, Line(err))
	return Failed
}
