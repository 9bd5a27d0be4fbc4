package main

import (
	"context"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/hostile"
)

func TestHostilePeersTakeLittleAndLeaveNothing(t *testing.T) {
	addr, stop, ended := make(chan string, 1), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- aio.Run(context.Background(), func(ctx context.Context) error {
			s, err := listen(ctx)
			if err != nil {
				return err
			}
			defer s.Close()
			addr <- s.Addrs()[0].String()
			_, err = aio.ToThread(ctx, func(context.Context) (aio.None, error) {
				<-stop
				return aio.None{}, nil
			})
			return err
		})
	}()
	target := hostile.Target{Network: "tcp", Address: <-addr, Request: "give 1000000\n"}
	target.Probe = func(t *testing.T) { hostile.Ask(t, target, "take 0\n", "0\n") }
	hostile.Attack(t, target)
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
