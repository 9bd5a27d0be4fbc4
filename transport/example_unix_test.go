//go:build unix

package transport_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// The group may connect, too; a second server on the path is refused.
func ExampleSocketMode() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		dir, err := os.MkdirTemp("", "")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "socket")
		protocol := func() transport.Protocol { return &echo{} }
		server, err := transport.Listen(ctx, "unix", path, protocol, transport.SocketMode(0o660))
		if err != nil {
			return err
		}
		defer server.Close()
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		fmt.Println(info.Mode().Perm())
		_, err = transport.Listen(ctx, "unix", path, protocol)
		fmt.Println("in use:", errors.Is(err, syscall.EADDRINUSE))
		return nil
	})
	fmt.Println(err)
	// Output:
	// -rw-rw----
	// in use: true
	// <nil>
}
