//go:build unix

package aiohttp_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

func ExampleSocketMode() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		dir, err := os.MkdirTemp("", "")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "socket")
		server, err := aiohttp.Serve(ctx, "unix", path, http.NotFoundHandler(), aiohttp.SocketMode(0o660))
		if err != nil {
			return err
		}
		defer server.Close()
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		fmt.Println(info.Mode().Perm())
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: -rw-rw----
}
