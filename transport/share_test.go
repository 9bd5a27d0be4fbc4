package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/looptest"
)

// talkOnce sends text to address and expects it back.
func talkOnce(network, address, text string) error {
	c, err := net.Dial(network, address)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(guard))
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	answer := make([]byte, len(text))
	if _, err := io.ReadFull(c, answer); err != nil || string(answer) != text {
		return fmt.Errorf("got %q, %w", answer, err)
	}
	return nil
}

func TestLoopsShareOneListener(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		for _, network := range looptest.Networks(t) {
			const loops, clients = 3, 60
			address := "127.0.0.1:0"
			if network == "unix" {
				address = looptest.SocketPath(t)
			}
			ln, err := net.Listen(network, address)
			if err != nil {
				t.Fatal(err)
			}
			address = ln.Addr().String()
			shares := Share(ln, loops)
			var served atomic.Int32
			over, ended := make(chan struct{}), make(chan error, 1)
			go func() {
				ended <- aio.RunParallel(WithNetwork(context.Background(), n), loops,
					func(ctx context.Context, i int) error {
						s, err := AdoptListener(ctx, shares[i], func() Protocol { served.Add(1); return &echoer{} })
						if err != nil {
							return err
						}
						if _, _, err := aio.Recv(ctx, over); err != nil {
							return err
						}
						s.Close()
						return s.WaitClosed(ctx)
					})
			}()
			for i := range clients {
				if err := talkOnce(network, address, fmt.Sprint("hello ", i)); err != nil {
					t.Errorf("client %d: %v", i, err)
				}
			}
			close(over)
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if got := served.Load(); got != clients {
				t.Errorf("%d of %d clients were served", got, clients)
			}
			if c, err := net.Dial(network, address); err == nil {
				c.Close()
				t.Error("somebody still listens")
			}
		}
	})
}

func TestTheLastShareClosesTheListener(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	shares := Share(ln, 2)
	if shares[0].Addr() != ln.Addr() {
		t.Errorf("the address is %v", shares[0].Addr())
	}
	waiting := make(chan error)
	go func() { _, err := shares[0].Accept(); waiting <- err }()
	shares[0].Close()
	shares[0].Close() // does not count twice
	if err := <-waiting; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept on a closed share: %v", err)
	}
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := shares[1].Accept()
	if err != nil {
		t.Fatal(err)
	}
	got.Close()
	late, err := net.Dial("tcp", ln.Addr().String()) // accepted, and taken by no loop
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	if err := shares[1].Close(); err != nil {
		t.Error(err)
	}
	late.SetDeadline(time.Now().Add(guard))
	if _, err := late.Read(make([]byte, 1)); err == nil {
		t.Error("a connection nobody took is open")
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener: %v", err)
	}
	expectPanic(t, "Share: the listener is nil", func() { Share(nil, 1) })
	expectPanic(t, "Share: the number", func() { Share(ln, 0) })
}
