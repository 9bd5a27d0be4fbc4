package transport_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// listener prints its events.
type listener struct {
	transport.BaseProtocol
	lost *aio.Future[aio.None]
}

func (l *listener) DataReceived(p []byte) { fmt.Printf("received %q\n", p) }
func (l *listener) EOFReceived() bool     { fmt.Println("the end"); return false }
func (l *listener) ConnectionLost(err error) {
	fmt.Println("lost:", err)
	l.lost.SetResult(aio.None{})
}

// Both ends of a pipe in one loop.
func ExampleConnectReadPipe() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		l := &listener{lost: aio.NewFuture[aio.None](ctx)}
		if _, err := transport.ConnectReadPipe(ctx, r, l); err != nil {
			return err
		}
		t, err := transport.ConnectWritePipe(ctx, w, transport.BaseProtocol{})
		if err != nil {
			return err
		}
		t.Write([]byte("hello"))
		t.Close()
		_, err = l.lost.Await(ctx)
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// received "hello"
	// the end
	// lost: <nil>
}

// A regular file is always ready: nothing can wait for it.
func ExampleConnectWritePipe() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		f, err := os.CreateTemp("", "")
		if err != nil {
			return err
		}
		defer os.Remove(f.Name())
		_, err = transport.ConnectWritePipe(ctx, f, transport.BaseProtocol{})
		return err
	})
	fmt.Println("not a pipe:", errors.Is(err, transport.ErrNotPipe))
	// Output:
	// not a pipe: true
}
