//go:build unix

package recorder_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/recorder"
)

func TestASignalMakesADump(t *testing.T) {
	if signal.Ignored(syscall.SIGUSR1) {
		t.Skip("the signal is ignored")
	}
	var d dumps
	l := aio.NewLoop(recorder.On(d.option(), recorder.OnSignal(syscall.SIGUSR1)))
	_, err := aio.RunUntilComplete(l, func(ctx context.Context) (int, error) {
		if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
			return 0, err
		}
		return aio.ToThread(ctx, func(context.Context) (int, error) { <-d.got; return 1, nil })
	})
	if err != nil {
		t.Error(err)
	}
	l.Close()
	if got := fmt.Sprint(d.reasons()); got != "[signal user defined signal 1]" {
		t.Errorf("the reasons are %s", got)
	}
}
