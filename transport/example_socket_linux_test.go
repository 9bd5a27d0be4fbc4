package transport_test

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// A server and a client of one line, on plain sockets.
func ExampleSocket() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		listener, err := transport.NewSocket(ctx, "tcp4")
		if err != nil {
			return err
		}
		defer listener.Close()
		if err := listener.Bind("127.0.0.1:0"); err != nil {
			return err
		}
		if err := listener.Listen(1); err != nil {
			return err
		}
		server := aio.Start(ctx, func(ctx context.Context) error {
			s, err := listener.Accept(ctx)
			if err != nil {
				return err
			}
			defer s.Close()
			_, err = s.SendAll(ctx, []byte("welcome"))
			return err
		})
		s, err := transport.NewSocket(ctx, "tcp4")
		if err != nil {
			return err
		}
		defer s.Close()
		if err := s.Connect(ctx, listener.LocalAddr().String()); err != nil {
			return err
		}
		buf := make([]byte, 100)
		n, err := s.Recv(ctx, buf)
		fmt.Println(string(buf[:n]), err)
		n, err = s.Recv(ctx, buf)
		fmt.Println(n, err)
		_, err = server.Await(ctx)
		return err
	})
	fmt.Println(err)
	// Output:
	// welcome <nil>
	// 0 EOF
	// <nil>
}

func ExampleNewSocket() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		a, err := transport.NewSocket(ctx, "udp4")
		if err != nil {
			return err
		}
		defer a.Close()
		b, err := transport.NewSocket(ctx, "udp4")
		if err != nil {
			return err
		}
		defer b.Close()
		b.Bind("127.0.0.1:0")
		fmt.Println(a.SendTo(ctx, []byte("hello"), netip.MustParseAddrPort(b.LocalAddr().String())))
		buf := make([]byte, 100)
		n, _, err := b.RecvFrom(ctx, buf)
		fmt.Println(string(buf[:n]), err)
		return nil
	})
	// Output:
	// <nil>
	// hello <nil>
}

// The two ends of a pair made by the system.
func ExampleAdoptSocket() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		a, err := transport.AdoptSocket(ctx, uintptr(fds[0]))
		if err != nil {
			return err
		}
		b, err := transport.AdoptSocket(ctx, uintptr(fds[1]))
		if err != nil {
			return err
		}
		a.SendAll(ctx, []byte("across"))
		a.Close()
		buf := make([]byte, 100)
		n, err := b.Recv(ctx, buf)
		fmt.Println(b.Network(), string(buf[:n]), err)
		return b.Close()
	})
	// Output:
	// unix across <nil>
}
